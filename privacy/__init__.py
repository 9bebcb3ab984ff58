"""How personal values are kept: keys, ciphertexts, tokens, consent, audit, redaction.

Knows no HTTP, no Dagster, no lake and no database. Import from the modules: nothing is listed here, so that
``privacy.redaction`` can be used without loading a cipher.
"""
