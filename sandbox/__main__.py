"""``python -m sandbox``: serve a world until interrupted, after one line of JSON with addresses and tokens."""

import argparse
import contextlib
import gc
import json
import sys
import threading

from sandbox import google_oauth, google_reviews, hubspot, shopify, zendesk
from sandbox.server import Running, running
from sandbox.switches import Fault
from sandbox.world import World


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Local stand-ins for vendors' APIs.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--csat", choices=("legacy", "new"), default="legacy")
    parser.add_argument("--hubspot-port", type=int, default=0)
    parser.add_argument("--zendesk-port", type=int, default=0)
    parser.add_argument("--google-reviews-port", type=int, default=0)
    parser.add_argument("--shopify-port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument(
        "--rate-scale", type=float, default=0.0, help="multiplies the vendors' limits; 0 switches them off"
    )
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="JSON", help="a Fault; may be given several times"
    )
    return parser.parse_args(arguments)


def _fault(text: str) -> Fault:
    try:
        return Fault(**json.loads(text))
    except TypeError as error:
        raise ValueError(str(error)) from None


def announcement(state: Running) -> str:
    """What a client needs, as one line of JSON."""
    return json.dumps(
        {
            "hubspot": {"url": state.urls["hubspot"], "token": hubspot.TOKEN},
            "zendesk": {
                "url": state.urls["zendesk"],
                "user": zendesk.USER,
                "token": zendesk.TOKEN,
                "oauth": zendesk.OAUTH_TOKEN,
            },
            "google_reviews": {
                "url": state.urls["google_reviews"],
                "token": google_reviews.TOKEN,
                "refresh_token": google_oauth.REFRESH_TOKEN,
            },
            "shopify": {"url": state.urls["shopify"], "token": shopify.TOKEN},
            "control": {"url": state.control_url},
        }
    )


def main(arguments: list[str] | None = None) -> None:
    """Build the world, serve it, wait."""
    options = _arguments(arguments)
    world = World(options.seed, options.customers, options.noise, csat=options.csat)
    # The world is never garbage; this process does nothing else.
    gc.freeze()
    ports = {
        "hubspot": options.hubspot_port,
        "zendesk": options.zendesk_port,
        "google_reviews": options.google_reviews_port,
        "shopify": options.shopify_port,
        "control": options.control_port,
    }
    switches = {"rate_scale": options.rate_scale, "latency_ms": options.latency_ms, "faults": options.fault}
    try:
        with running(world, ports=ports, **switches) as state:
            sys.stdout.write(announcement(state) + "\n")
            sys.stdout.flush()
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    except OSError as error:
        sys.stderr.write(f"The stand-ins cannot be served on {error.strerror}. Name other ports; 0 takes a free one.\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
