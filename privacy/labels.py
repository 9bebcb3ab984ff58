"""Every label a key is derived with, in the form ``cdp/v1/<purpose>/<category>``.

Append-only: a label that was ever used stays and keeps its meaning, because changing one makes everything
written under it unreadable. The third part names the key of the ring the label is derived from (``root`` is
the root key itself).
"""

from typing import Final

ROOT_RING: Final = "cdp/v1/root/ring"
ROOT_ID: Final = "cdp/v1/root/id"
KEK_SUBJECT: Final = "cdp/v1/kek/subject"
INDEX_EMAIL: Final = "cdp/v1/index/email"
INDEX_PHONE: Final = "cdp/v1/index/phone"
INDEX_BLOCKING: Final = "cdp/v1/index/blocking"
CREDENTIAL_SECRET: Final = "cdp/v1/credential/secret"  # noqa: S105 - a label, not a secret
AUDIT_CHAIN: Final = "cdp/v1/audit/chain"
AUDIT_REASON: Final = "cdp/v1/audit/reason"
DIGEST_ROW: Final = "cdp/v1/digest/row"

RING_PURPOSES: Final = ("kek", "index", "suppression", "credential", "audit", "digest")
"""Keys of the ring; the position plus one is the code in the wrapped ring (docs/formats.md)."""
