"""Every error of this package. Imports nothing of ours.

PrivacyError                  a guard refused; never caught and passed over
├── RootKeyError              no usable root key: absent, malformed, readable by others
│   └── WrongRootKeyError     a root key, but not the one this data was written under
├── InvalidCiphertextError    bytes that are not what we wrote here; says nothing more on purpose
├── ErasedError               the subject's key was destroyed: an answer, not a fault
├── UnknownSubjectError       the vault has no such subject: a vault of another time or place
├── UnprotectableError        a row that cannot be protected as it is
├── UnprotectedError          a personal column holds something else than ciphertexts
├── AuditBrokenError          the audit log was changed after it was written
├── UnknownPurposeError       a purpose outside the list
└── UnknownJurisdictionError  a jurisdiction no policy is shipped for

No message quotes a value, a key or a ciphertext.
"""


class PrivacyError(Exception):
    """Base of every error of this package."""


class RootKeyError(PrivacyError, ValueError):
    """There is no usable root key."""


class WrongRootKeyError(RootKeyError):
    """The root key is well formed, but the key ring was wrapped under another one."""


class InvalidCiphertextError(PrivacyError, ValueError):
    """The bytes are not what was written at this place; one error for every way of being wrong."""

    def __init__(self) -> None:
        super().__init__(
            "Opening a protected value: the bytes are not what was written at this place. "
            "Nothing can be read from them. Check that vault, lake and root key belong together: cdp doctor"
        )


class ErasedError(PrivacyError, LookupError):
    """The subject's key was destroyed, so its values cannot be read by anyone."""

    def __init__(self) -> None:
        super().__init__("Opening a protected value: the key of its subject was destroyed by an erasure.")


class UnknownSubjectError(PrivacyError, LookupError):
    """The vault does not know the subject of a row."""


class UnprotectableError(PrivacyError, ValueError):
    """A row cannot be protected as it is; it should have been refused by validation before."""


class UnprotectedError(PrivacyError, ValueError):
    """A table on its way to the lake holds something that was not protected."""


class AuditBrokenError(PrivacyError, ValueError):
    """The audit log does not verify.

    Attributes:
        seq: Number of the first entry that fails.
    """

    def __init__(self, seq: int, finding: str) -> None:
        super().__init__(
            f"Verifying the audit log: entry {seq} {finding}. The log was changed after it was written, so entries "
            "from there on prove nothing. Keep this copy and compare it with a backup."
        )
        self.seq = seq


class UnknownPurposeError(PrivacyError, LookupError):
    """A purpose that is not in the list of purposes."""


class UnknownJurisdictionError(PrivacyError, LookupError):
    """A jurisdiction for which no policy is shipped."""
