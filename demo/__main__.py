"""``python -m demo``: sync four systems over HTTP, resolve, measure, publish; then a changed world once more."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from cdp_pipelines import database
from cdp_pipelines.config import Settings, load_settings
from cdp_pipelines.installation import open_installation
from cdp_pipelines.jobs import JobReport, run_job
from cdp_pipelines.leaks import find_leaks
from cdp_pipelines.scan import ScanReport
from cdp_pipelines.setup import set_up
from demo import show
from demo.accuracy import Accuracy, accuracy
from demo.business import CUSTOMERS, RATE_SCALE, SEED, Business, serving
from demo.home import fresh_home, write_config

PURPOSES = {"311003": "research", "311004": "profiling"}
"""What the business's subscription types are for; the others are marketing."""


def main() -> None:
    """Run the demo and say what happened."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--systems", type=int, choices=(2, 4), default=4, help="2: without the shop and the reviews")
    options = parser.parse_args()
    started = time.monotonic()
    home = fresh_home()
    names = "HubSpot and Zendesk" if options.systems == 2 else "HubSpot, Zendesk, Shopify and Google reviews"
    show.heading(f"A business with {options.customers:,} customers in {names}")
    show.line(f"Its stand-ins speak HTTP on this machine; the vendors' rate limits are scaled by {RATE_SCALE:,}.")
    with serving(options.customers, options.seed) as business:
        config = write_config(home, business, scale=RATE_SCALE, purposes=PURPOSES, systems=options.systems)
        settings = load_settings(config)
        for sentence in set_up(settings):
            show.line(sentence)
        keep_credentials(settings, business)
        show.heading("First run: everything")
        first = timed(lambda: run_job("everything", settings))
        show.sync(first[0])
        result = measure(settings, business)
        show.identity(first[0], result)
        show.metrics(metric_rows(settings))
        show.stages(first[0], first[1])
        show.heading("A day later: the world has changed, only the changes are read")
        business.advance(days=1)
        second = timed(lambda: run_job("everything", settings))
        show.sync(second[0])
        show.identity(second[0], measure(settings, business))
        show.stages(second[0], second[1])
        show.heading("Leak scan: every personal value of the business, in everything that was written")
        show.leaks(scan(settings, business))
    write_report(home, first, second)
    show.where_next(home, time.monotonic() - started)


def write_report(home: Path, first: tuple[JobReport, float], second: tuple[JobReport, float]) -> None:
    """The figures, for the benchmark."""
    figures = {
        "first_seconds": first[1],
        "first_overhead": first[0].overhead,
        "second_seconds": second[1],
        "second_overhead": second[0].overhead,
    }
    (home / "report.json").write_text(json.dumps(figures))


def timed(call: Callable[[], JobReport]) -> tuple[JobReport, float]:
    """The result of ``call`` and its seconds."""
    started = time.monotonic()
    return call(), time.monotonic() - started


def keep_credentials(settings: Settings, business: Business) -> None:
    """Put the sandbox's tokens into the vault, as ``cdp sources connect`` would."""
    with open_installation(settings) as opened:
        for name in ("hubspot", "shopify", "google_reviews"):
            database.set_credential(opened.stores, opened.ring, name, getattr(business, name)["token"])
        zendesk = f"{business.zendesk['user']}:{business.zendesk['token']}"
        database.set_credential(opened.stores, opened.ring, "zendesk", zendesk)


def measure(settings: Settings, business: Business) -> Accuracy:
    """Precision and recall of the links against the truth."""
    with open_installation(settings) as opened, opened.stores.profile.connect() as profile:
        rows = profile.execute(text("select source, source_id, profile_id from identity_link")).all()
    links = {(source, source_id): profile_id for source, source_id, profile_id in rows}
    return accuracy(links, business.truth())


def metric_rows(settings: Settings) -> list[dict[str, object]]:
    """The latest month of every metric."""
    with open_installation(settings) as opened:
        return database.metric_overview(opened.stores.mart)


def scan(settings: Settings, business: Business) -> ScanReport:
    """Look for every value of the business in everything this installation wrote."""
    with open_installation(settings) as opened:
        return find_leaks(opened, values=business.values())


if __name__ == "__main__":
    main()
