"""``cdp alerts``: try the way out before it is needed."""

import typer

from cdp_pipelines.cli import console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Being told when something fails.")


@app.callback()
def options() -> None:
    """Being told when something fails."""


@app.command("test")
def test() -> None:
    """Send a test message the ways that [alerts] in cdp.toml names.

    Example: cdp alerts test
    """
    from cdp_pipelines.alerts import send
    from cdp_pipelines.errors import CheckFailedError, ConfigError

    settings = console.settings()
    if not settings.alerts.enabled:
        raise ConfigError(settings.path, ["alerts names nobody. Set email_to or webhook_url in [alerts]."])
    delivery = send(settings.alerts, [])
    if delivery.delivered:
        typer.echo(f"A test message went out by {', '.join(delivery.delivered)}.")
    if delivery.problems:
        raise CheckFailedError(" ".join(delivery.problems))
