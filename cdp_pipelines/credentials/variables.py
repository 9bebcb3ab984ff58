"""Names of the environment variables that may hold a secret of a source."""


def token_variable(source_name: str) -> str:
    """Holds the credential itself; it beats the vault."""
    return f"CDP_{source_name.upper()}_TOKEN"


def client_secret_variable(source_name: str) -> str:
    """Holds the secret of the app a source is connected through."""
    return f"CDP_{source_name.upper()}_CLIENT_SECRET"
