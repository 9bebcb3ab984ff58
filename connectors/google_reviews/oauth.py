"""Google's OAuth for an installed app: PKCE, any loopback port, a refresh token that stays."""

from connectors.oauth import OAuth

SCOPE = "https://www.googleapis.com/auth/business.manage"
"""The only scope the APIs have; it could write too, and nothing here does."""

OAUTH = OAuth(
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    scopes=(SCOPE,),
    # Without both, Google gives a refresh token the first time only, or never.
    authorize_parameters={"access_type": "offline", "prompt": "consent"},
    pkce=True,
    any_port=True,
    required=True,
    help="Make a client of the kind desktop app in the Google Cloud console, in a project that has been approved for "
    "the Business Profile APIs.",
)
