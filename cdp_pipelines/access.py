"""Whether a source can be read with the credential there is, and what a first load would cost."""

import asyncio
from dataclasses import dataclass

from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.wiring import connect
from connectors.connection import CheckResult
from connectors.estimate import Estimate
from connectors.spec import Tokens


@dataclass(frozen=True, slots=True)
class Access:
    """What was found; there is no estimate where the source cannot be read."""

    result: CheckResult
    estimate: Estimate | None


def check_access(opened: Installation, name: str, *, token: str | Tokens | None = None) -> Access:
    """Ask the vendor, with a few cheap calls.

    Args:
        opened: The installation.
        name: Name of a configured source.
        token: Credential to try; the source's own unless given.

    Raises:
        ConfigError: The source is not configured.
        CredentialError: It has no credential.
    """
    opened.source(name)  # before its credential: who has to name it in the settings first is not sent to connect it
    return asyncio.run(_ask(opened, name, opened.token(name) if token is None else token))


async def _ask(opened: Installation, name: str, token: str | Tokens) -> Access:
    declaration, settings = opened.source(name)
    async with connect(declaration, settings, opened.stores, token=token, now=clock) as connection:
        result = await connection.check()
        return Access(result, await connection.estimate() if result.ok else None)
