"""Shopify's manners: the shop's name, tokens, scopes, versions, limits, unknown paths."""

import itertools
from typing import TYPE_CHECKING, Any

from sandbox import shopify_errors as errors
from sandbox.shop_records import SHOP
from sandbox.shopify_graphql import Endpoint
from sandbox.shopify_roots import FIELDS
from sandbox.shopify_schema import served_version
from sandbox.web import Request, Response, Router, Vendor, reply

if TYPE_CHECKING:
    from sandbox.world import World

TOKEN, TOKEN_SIXTY_DAYS, TOKEN_WITHOUT_SCOPES = "shpat_sandbox", "shpat_sandbox_60days", "shpat_sandbox_noscope"
RECENT_SCOPES = frozenset({"read_customers", "read_orders", "read_returns", "read_products", "read_customer_merge"})
ALL_SCOPES = RECENT_SCOPES | {"read_all_orders"}
_TOKENS = {TOKEN: ALL_SCOPES, TOKEN_SIXTY_DAYS: RECENT_SCOPES, TOKEN_WITHOUT_SCOPES: frozenset[str]()}


class Shopify(Vendor):
    """The stand-in for ``https://{shop}.myshopify.com``, standard plan."""

    name = "shopify"

    def __init__(self, world: "World") -> None:
        """Serve ``world`` with a full bucket."""
        super().__init__(world)
        self._endpoint = Endpoint(world, FIELDS)
        self._request_ids = itertools.count(1)
        self.router = Router()
        self.router.on("POST", "/admin/api/{version}/graphql")(self._graphql)
        self.router.on("GET", "/admin/oauth/access_scopes")(self._access_scopes)

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """404 for another shop or a version that is not served, 401 without a known token."""
        self._endpoint.bucket.limit(0)
        if not _is_this_shop(request.headers.get("host", "")):
            return errors.not_found()
        if template and "{version}" in template and served_version(request.path.split("/")[3]) is None:
            return errors.not_found()
        return None if self._scopes(request) is not None else errors.unauthenticated()

    def _scopes(self, request: Request) -> frozenset[str] | None:
        return _TOKENS.get(request.headers.get("x-shopify-access-token", ""))

    def throttle(self, _request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """GraphQL is paid for when its price is known; here the bucket only learns how large it is."""
        self._endpoint.bucket.limit(scale)
        return None, {}

    def _headers(self, version: str) -> dict[str, str]:
        return {
            "content-type": "application/json; charset=utf-8",
            "x-shopify-api-version": version,
            "x-request-id": f"00000000-0000-4000-8000-{next(self._request_ids):012x}",
        }

    def _graphql(self, _world: "World", request: Request, asked: str) -> Response:
        version = served_version(asked) or asked
        body: Any = self._endpoint.answer(request.json(), version, self._scopes(request) or frozenset(), self)
        response = reply(body)
        response.headers = self._headers(version)
        return response

    def _access_scopes(self, _world: "World", request: Request) -> Response:
        return reply({"access_scopes": [{"handle": scope} for scope in sorted(self._scopes(request) or ())]})

    def unknown(self, _request: Request) -> Response:
        """404."""
        return errors.not_found()

    def fail(self, kind: str, retry_after: int) -> Response:
        """The bodies of faults."""
        if kind in {"429", "429_retry_after"}:
            response = reply({"errors": "Exceeded 2 calls per second for api client."}, 429)
        elif kind == "expired_token":
            response = errors.unauthenticated()
        elif kind == "500":
            response = reply({"errors": "Internal Server Error"}, 500)
        else:
            response = Response(503, b"<html><body>Service Unavailable</body></html>", {"content-type": "text/html"})
        if kind.endswith("_retry_after"):
            response.headers["retry-after"] = f"{retry_after}.0"
        return response


def _is_this_shop(host: str) -> bool:
    """An address without a name is taken for this shop; ``other.localhost`` is not."""
    name, _, domain = host.partition(":")[0].partition(".")
    return name == SHOP or domain not in {"localhost", "myshopify.com"}
