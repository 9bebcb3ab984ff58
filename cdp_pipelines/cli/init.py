"""``cdp init``: a commented configuration, the root key, the stores."""

from pathlib import Path
from typing import Annotated

import typer

from cdp_pipelines.cli import console


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to set up; made if it is not there.")] = Path(),
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Bring existing stores to this version.")] = False,
) -> None:
    """Set up an installation; overwrite nothing.

    Makes cdp.toml with comments, the root key (mode 0600) and empty stores.

    Examples:

      cdp init

      cdp init /srv/cdp

      cdp init --upgrade
    """
    from cdp_pipelines.config import load_settings, write_default_config
    from cdp_pipelines.setup import set_up

    path = console.CONFIG.path or folder / "cdp.toml"
    if not path.exists():
        write_default_config(path)
        typer.echo(f"Wrote {path}: open it, it explains itself.")
    elif not upgrade:
        typer.echo(f"{path} is there already; it stays as it is.")
    settings = load_settings(path)
    for line in set_up(settings):
        typer.echo(line)
    typer.echo("Next: name a system in cdp.toml, then run: cdp sources connect NAME")
