"""Shopify's manners: the shop's name, tokens, scopes, versions, limits, unknown paths."""

import itertools
from typing import TYPE_CHECKING

from sandbox import shopify_errors as errors
from sandbox import shopify_oauth, shopify_rest
from sandbox.oauth import Grants
from sandbox.shop_records import SHOP
from sandbox.shopify_bulk import BulkOperations, Visit
from sandbox.shopify_cost import Bucket
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
_WITHOUT_TOKEN = {"/admin/oauth/authorize", "/admin/oauth/access_token", "/bulk/{file}"}
REST_BUCKET = (40, 2)


class Shopify(Vendor):
    """The stand-in for ``https://{shop}.myshopify.com``, standard plan."""

    name, seconds = "shopify", "{}.0"
    grants: Grants

    def __init__(self, world: "World") -> None:
        """Serve ``world`` with full buckets and no bulk operation yet."""
        super().__init__(world)
        self.grants = shopify_oauth.new_grants()
        self._endpoint, self._calls = Endpoint(world, FIELDS), Bucket(*REST_BUCKET)
        self._bulk = BulkOperations(world)
        self._request_ids = itertools.count(1)
        self.router = Router()
        for method, template, handler in (
            ("POST", "/admin/api/{version}/graphql", self._graphql),
            ("GET", "/admin/api/{version}/shop", self._shop),
            ("GET", "/admin/api/{version}/{resource}", self._listing),
            ("GET", "/admin/api/{version}/{resource}/{id}", self._single),
            ("GET", "/admin/oauth/access_scopes", self._access_scopes),
            ("GET", "/admin/oauth/authorize", self._authorize),
            ("POST", "/admin/oauth/access_token", self._access_token),
            ("GET", "/bulk/{file}", self._bulk.download),
        ):
            self.router.on(method, template)(handler)

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """404 for another shop or a version that is not served, 401 without a known token."""
        if not _is_this_shop(request.headers.get("host", "")):
            return errors.not_found()
        if template in _WITHOUT_TOKEN:
            return None
        if template and "{version}" in template and served_version(request.path.split("/")[3]) is None:
            return errors.not_found()
        return None if self._scopes(request) is not None else errors.unauthenticated()

    def _scopes(self, request: Request) -> frozenset[str] | None:
        token = request.headers.get("x-shopify-access-token", "")
        allowed = self.grants.allowed(token)
        return _TOKENS.get(token) if allowed is None else ALL_SCOPES.intersection(allowed)

    def throttle(self, request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """REST by calls; GraphQL is paid for when its price is known."""
        if not request.path.startswith("/admin/api/") or request.path.endswith("/graphql.json"):
            return None, {}
        self._calls.limit(scale)
        refused = None if self._calls.take(1) else self.fail(429)
        if refused:
            refused.headers["retry-after"] = self.seconds.format(2)
        return refused, {"x-shopify-shop-api-call-limit": f"{self._calls.used}/{int(self._calls.capacity)}"}

    def _marked(self, response: Response, asked: str) -> Response:
        """With the headers every answer of the API has."""
        response.headers |= {
            "x-shopify-api-version": served_version(asked) or asked,
            "x-request-id": f"00000000-0000-4000-8000-{next(self._request_ids):012x}",
        }
        return response

    def _graphql(self, _world: "World", request: Request, asked: str) -> Response:
        version, scopes = served_version(asked) or asked, self._scopes(request) or frozenset()
        self._endpoint.bucket.limit(self.switches.scale(self.name))
        visit = Visit(self._bulk, self.switches, request.origin, version)
        body = self._endpoint.answer(request.json(), version, scopes, visit)
        response = reply(body)
        response.points = body.get("extensions", {}).get("cost", {}).get("actualQueryCost")
        return self._marked(response, asked)

    def _shop(self, _world: "World", _request: Request, asked: str) -> Response:
        return self._marked(shopify_rest.shop(), asked)

    def _listing(self, world: "World", request: Request, asked: str, path: str) -> Response:
        name = path.removesuffix(".json")
        if name not in shopify_rest.RESOURCES:
            return errors.not_found()
        return self._marked(shopify_rest.listing(world, request, name, self._scopes(request) or frozenset()), asked)

    def _single(self, world: "World", request: Request, asked: str, name: str, number: str) -> Response:
        if name not in shopify_rest.RESOURCES:
            return errors.not_found()
        scopes = self._scopes(request) or frozenset()
        return self._marked(shopify_rest.single(world, request, name, number, scopes), asked)

    def _access_scopes(self, _world: "World", request: Request) -> Response:
        return reply({"access_scopes": [{"handle": scope} for scope in sorted(self._scopes(request) or ())]})

    def _authorize(self, _world: "World", request: Request) -> Response:
        return shopify_oauth.authorize(self.grants, request)

    def _access_token(self, _world: "World", request: Request) -> Response:
        return shopify_oauth.access_token(self.grants, request, ALL_SCOPES)

    def unknown(self, _request: Request) -> Response:
        """404."""
        return errors.not_found()

    def fail(self, status: int) -> Response:
        """The body of an error status."""
        match status:
            case 401:
                return errors.unauthenticated()
            case 404:
                return errors.not_found()
            case 429:
                return reply({"errors": "Exceeded 2 calls per second for api client."}, 429)
            case 503:
                return Response(503, b"<html><body>Service Unavailable</body></html>", {"content-type": "text/html"})
        return reply({"errors": "Internal Server Error"}, status)

    def fail_in_data(self, kind: str) -> Response:
        """GraphQL's errors."""
        return reply(self._endpoint.failed(kind))


def _is_this_shop(host: str) -> bool:
    """An address without a name is taken for this shop; ``other.localhost`` is not."""
    name, _, domain = host.partition(":")[0].partition(".")
    return name == SHOP or domain not in {"localhost", "myshopify.com"}
