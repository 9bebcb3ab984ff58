"""The one resource: an installation, opened when a step runs and never at import."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from cdp_pipelines.installation import Installation, open_installation


class InstallationResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens the installation of one configuration file (``CDP_CONFIG`` or ``./cdp.toml`` when none is named)."""

    config_path: str | None = None

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        """Settings, stores, keys, lake and engine for the length of a step."""
        from cdp_pipelines.config import load_settings

        settings = load_settings(Path(self.config_path) if self.config_path else None)
        with open_installation(settings) as installation:
            yield installation
