"""``cdp sandbox serve``: local stand-ins for the vendors' APIs. The only module that may import ``sandbox``."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Local stand-ins for the vendors' APIs.")


@app.callback()
def options() -> None:
    """Local stand-ins for the vendors' APIs."""


@app.command("serve")
def serve(
    customers: Annotated[int, typer.Option(min=1, help="Size of the generated business.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same business.")] = 1,
    hubspot_port: Annotated[int, typer.Option(help="Port of the HubSpot stand-in.")] = 8801,
    zendesk_port: Annotated[int, typer.Option(help="Port of the Zendesk stand-in.")] = 8802,
    shopify_port: Annotated[int, typer.Option(help="Port of the Shopify stand-in.")] = 8803,
    google_reviews_port: Annotated[int, typer.Option(help="Port of the Google reviews stand-in.")] = 8804,
    control_port: Annotated[int, typer.Option(help="Port that moves the business on; 0 takes a free one.")] = 0,
    noise: Annotated[
        float, typer.Option(min=0, max=1, help="How often values are mistyped, missing or outdated.")
    ] = 0.1,
    csat: Annotated[str, typer.Option(help="Zendesk's satisfaction feature: legacy or new.")] = "legacy",
    latency_ms: Annotated[int, typer.Option(help="Delay before every answer.")] = 0,
    rate_scale: Annotated[float, typer.Option(help="Vendor's rate limits times this; 0 switches them off.")] = 1.0,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault as JSON, see docs/faults.md; may be given several times.")
    ] = None,
) -> None:
    """Serve the stand-ins on this machine until stopped with Ctrl-C.

    Example: cdp sandbox serve --customers 5000

    Example: cdp sandbox serve --fault '{"vendor": "hubspot", "path": "/", "kind": "500", "times": 3}'
    """
    from sandbox.__main__ import main

    main(
        [
            *("--customers", str(customers), "--seed", str(seed)),
            *("--hubspot-port", str(hubspot_port), "--zendesk-port", str(zendesk_port)),
            *("--shopify-port", str(shopify_port), "--google-reviews-port", str(google_reviews_port)),
            *("--control-port", str(control_port), "--noise", str(noise), "--csat", csat),
            *("--latency-ms", str(latency_ms), "--rate-scale", str(rate_scale)),
            *(part for text in fault or () for part in ("--fault", text)),
        ]
    )
