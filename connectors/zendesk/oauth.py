"""Zendesk's OAuth: each refresh ends both the access token and the refresh token before it, at once."""

from connectors.oauth import OAuth

OAUTH = OAuth(
    authorize_url="https://{account}.zendesk.com/oauth/authorizations/new",
    token_url="https://{account}.zendesk.com/oauth/tokens",  # noqa: S106 - an address
    # Narrower scopes exist, but audits need the global one, and a misspelt one gives a token that opens nothing.
    scopes=("read",),
    code_parameters={"scope": "read"},
    pkce=True,
    as_json=True,
    rotates=True,
    help="Clients are registered in Zendesk's Admin Center under Apps and integrations, APIs, OAuth clients.",
)
