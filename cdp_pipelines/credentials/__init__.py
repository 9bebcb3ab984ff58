"""How we get into a vendor's system: connecting an account, and keeping its tokens fresh in the vault."""

from cdp_pipelines.credentials.grants import Grant, forget_credential, read_credential, store_grant
from cdp_pipelines.credentials.renewing import VaultTokens
from cdp_pipelines.credentials.variables import client_secret_variable, token_variable

__all__ = [
    "Grant",
    "VaultTokens",
    "client_secret_variable",
    "forget_credential",
    "read_credential",
    "store_grant",
    "token_variable",
]
