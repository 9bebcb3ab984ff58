"""What the vault keeps under the root key: the key ring, and the credentials of connected systems."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from cdp_pipelines.config import Settings
from cdp_pipelines.database.rows import table_of, upsert
from cdp_pipelines.database.stores import Stores, writing
from models.vault import Credential, StoredKeyRing
from privacy.keys import KeyRing, load_root_key
from privacy.secret_box import credential_box

_RING = table_of(StoredKeyRing)
_CREDENTIAL = table_of(Credential)
_ONLY_ACCOUNT = "default"


def load_ring(stores: Stores, settings: Settings, environment: Mapping[str, str] = os.environ) -> KeyRing:
    """The key ring of this installation, made on first use.

    Raises:
        RootKeyError: There is no usable root key.
        WrongRootKeyError: The ring in the vault was wrapped under another root key.
    """
    root = load_root_key(settings.root_key_file, environment)
    with stores.vault.connect() as connection:
        wrapped = _wrapped(connection)
    if wrapped is not None:
        return KeyRing.open(root, wrapped)
    with writing(stores.vault) as connection:
        if connection.dialect.name == "postgresql":  # two first runs at once must not each keep a ring
            connection.exec_driver_sql("lock table key_ring in exclusive mode")
        wrapped = _wrapped(connection)
        if wrapped is None:
            ring, wrapped = KeyRing.create(root)
            connection.execute(insert(_RING), {"id": 1, "wrapped": wrapped, "updated_at": datetime.now(UTC)})
            return ring
    return KeyRing.open(root, wrapped)


def has_ring(stores: Stores) -> bool:
    """Whether the vault holds a key ring, so that there may be data only its root key opens."""
    with stores.vault.connect() as connection:
        return _wrapped(connection) is not None


def get_credential(stores: Stores, ring: KeyRing, source: str) -> str | None:
    """The credential of a source in clear; None when none was stored.

    Raises:
        InvalidCiphertextError: It was stored under another key ring, or changed.
    """
    with stores.vault.connect() as connection:
        ciphertext = connection.execute(select(_CREDENTIAL.c.ciphertext).where(_CREDENTIAL.c.source == source)).scalar()
    return None if ciphertext is None else credential_box(ring).decrypt(ciphertext, name=source)


def set_credential(stores: Stores, ring: KeyRing, source: str, secret: str) -> None:
    """Keep the credential of a source, encrypted; replaces an earlier one."""
    row = {
        "source": source,
        "account": _ONLY_ACCOUNT,
        "ciphertext": credential_box(ring).encrypt(secret, name=source),
        "updated_at": datetime.now(UTC),
    }
    with stores.vault.begin() as connection:
        connection.execute(upsert(connection, Credential, replace=("ciphertext", "updated_at")), row)


def delete_credential(stores: Stores, source: str) -> bool:
    """Take the credential of a source away; whether there was one."""
    with stores.vault.begin() as connection:
        return connection.execute(delete(_CREDENTIAL).where(_CREDENTIAL.c.source == source)).rowcount > 0


def _wrapped(connection: Connection) -> bytes | None:
    wrapped: bytes | None = connection.execute(select(_RING.c.wrapped)).scalar()
    return wrapped
