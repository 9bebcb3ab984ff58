"""HubSpot's OAuth: an app that an account installs. Access tokens live for half an hour; refresh tokens stay."""

from connectors.oauth import OAuth

OAUTH = OAuth(
    authorize_url="https://app.hubspot.com/oauth/authorize",
    token_url="https://api.hubapi.com/oauth/v1/token",  # noqa: S106 - an address
    scopes=("oauth", "crm.objects.contacts.read", "crm.objects.companies.read"),
    # Accounts whose plan lacks a feature could not install an app that insists on its permission.
    authorize_parameters={
        "optional_scope": "crm.objects.deals.read crm.objects.feedback_submissions.read "
        "communication_preferences.read content"
    },
    redirect_host="localhost",  # the one name it allows without TLS
    help="Apps are registered in HubSpot's developer account; the app's own page lists its redirect addresses.",
)
