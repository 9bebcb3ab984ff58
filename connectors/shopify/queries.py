"""What Shopify is asked for. Every field here is one that a map takes: what is not named never leaves the shop.

Page sizes keep a query below the 1,000 points any query may cost, by the dearest reading of a formula that Shopify does
not publish; if it says that a query is dearer all the same, the page is halved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.graphql import ask
from connectors.shapes import Kind
from connectors.spec import Request

VERSION = "2026-07"
PATH = f"/admin/api/{VERSION}/graphql.json"
SCOPES_PATH = "/admin/oauth/access_scopes.json"

_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_FLAGS, _LISTS = frozenset({"taxesIncluded", "test"}), frozenset({"refunds"})
"""Top-level fields that hold no text, time or object."""
_MONEY = "{ shopMoney { amount currencyCode } }"

CUSTOMER = """
    id createdAt updatedAt firstName lastName locale
    defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt }
    defaultPhoneNumber { phoneNumber marketingState marketingOptInLevel marketingUpdatedAt }
    defaultAddress { address1 address2 zip city country phone }
"""
ORDER = f"""
    id createdAt updatedAt processedAt cancelledAt test taxesIncluded sourceName checkoutToken
    displayFinancialStatus displayFulfillmentStatus presentmentCurrencyCode totalPriceSet {_MONEY}
    customer {{ id }} email phone
    displayAddress {{ firstName lastName address1 address2 zip city country phone }}
"""
LINE = f"""
    id sku quantity isGiftCard product {{ id productType }} originalUnitPriceSet {_MONEY}
    discountAllocations {{ allocatedAmountSet {_MONEY} }} taxLines(first: 5) {{ priceSet {_MONEY} }}
"""
REFUND = f"""
    id processedAt updatedAt return {{ id }} totalRefundedSet {_MONEY}
    refundShippingLines(first: 5) {{ nodes {{ subtotalAmountSet {_MONEY} taxAmountSet {_MONEY} }} }}
"""
REFUND_LINE = f"id quantity restockType lineItem {{ id }} subtotalSet {_MONEY} totalTaxSet {_MONEY}"
RETURN = "id status createdAt requestApprovedAt closedAt"
RETURN_LINE = """
    id quantity returnReason
    ... on ReturnLineItem { fulfillmentLineItem { lineItem { id } } }
"""
CHECKOUT = f"id createdAt updatedAt completedAt abandonedCheckoutUrl customer {{ id }} totalPriceSet {_MONEY}"


@dataclass(frozen=True, slots=True)
class Nested:
    """A connection inside a record: its name, the kind and fields of its items, and how many are asked for at once."""

    name: str
    kind: str
    fields: str
    first: int
    following: int

    @property
    def selection(self) -> str:
        """Its first page."""
        return f"{self.name}(first: {self.first}) {{ nodes {{ {self.fields} }} {_PAGE_INFO} }}"

    def rest_of(self, kind: str, parent_id: str, after: str) -> Request:
        """Its pages after ``after``, in the parent of this kind."""
        connection = f"{self.name}(first: $first, after: $after) {{ nodes {{ {self.fields} }} {_PAGE_INFO} }}"
        query = (
            f"query($id: ID!, $first: Int!, $after: String) {{ node(id: $id) {{ ... on {kind} {{ {connection} }} }} }}"
        )
        return ask(PATH, query, id=parent_id, first=self.following, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One root connection and what is taken from it.

    Attributes:
        root: Its name.
        kind: Type of its items.
        fields: What is taken of an item.
        nested: The connection inside an item, if one is taken.
        first: Items on a page.
        sort_key: Order of the pages.
        sorted_by: Field of an item that holds what is sorted by.
        sorted_as: Filter on the same.
    """

    root: str
    kind: str
    fields: str
    nested: Nested | None = None
    first: int
    sort_key: str = "UPDATED_AT"
    sorted_by: str = "updatedAt"
    sorted_as: str = "updated_at"

    @property
    def rows_at(self) -> str:
        """Where the items of a page are."""
        return f"data.{self.root}.nodes"

    def page(self, search: str) -> Request:
        """The first page of what ``search`` finds."""
        selection = f"{self.fields} {self.nested.selection if self.nested else ''}"
        arguments = f"first: $first, after: $after, query: $query, sortKey: {self.sort_key}"
        connection = f"{self.root}({arguments}) {{ nodes {{ {selection} }} {_PAGE_INFO} }}"
        query = f"query($first: Int!, $after: String, $query: String) {{ {connection} }}"
        return ask(PATH, query, first=self.first, after=None, query=search)

    def nodes(self, ids: list[str]) -> Request:
        """These items, those that are gone as null."""
        return nodes(self.kind, f"{self.fields} {self.nested.selection if self.nested else ''}", ids)

    @property
    def bulk_query(self) -> str:
        """All of it, as a bulk operation wants it."""
        selection = self.fields
        if self.nested:
            selection += f" {self.nested.name} {{ edges {{ node {{ {self.nested.fields} }} }} }}"
        return f"{{ {self.root} {{ edges {{ node {{ {selection} }} }} }} }}"

    @property
    def ids_query(self) -> str:
        """The ids of all of it, for a bulk operation."""
        return f"{{ {self.root} {{ edges {{ node {{ id }} }} }} }}"

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Top-level fields of an item and what they hold: behind a name that holds an object, braces follow."""
        flat = re.sub(r"\([^()]*\)", "", self.fields)
        while flat != (flatter := re.sub(r"\{[^{}]*\}", "@", flat)):
            flat = flatter
        found = {name: _kind(name, is_object=bool(braces)) for name, braces in re.findall(r"(\w+)(\s*@)?", flat)}
        return found | ({self.nested.name: Kind.OBJECT} if self.nested else {})

    @property
    def children(self) -> Mapping[str, str]:
        """Field for children of a bulk result, by their kind."""
        return {self.nested.kind: self.nested.name} if self.nested else {}


def _kind(name: str, *, is_object: bool) -> Kind:
    if is_object:
        return Kind.LIST if name in _LISTS else Kind.OBJECT
    if name in _FLAGS:
        return Kind.FLAG
    return Kind.TIME if name.endswith("At") else Kind.TEXT


def nodes(kind: str, selection: str, ids: list[str]) -> Request:
    """Records of any kind by their ids."""
    query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {selection} }} }} }}"
    return ask(PATH, query, ids=ids)


def refunds(first: int) -> str:
    """Ids of an order's refunds: a plain list, cut off without a word where it is longer."""
    return f"refunds(first: {first}) {{ id }}"


def since(filters: Mapping[str, datetime]) -> str:
    """The search for everything not before these times."""
    return " AND ".join(f"{name}:>='{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" for name, at in filters.items())


LINES = Nested("lineItems", "LineItem", LINE, first=5, following=40)
REFUND_LINES = Nested("refundLineItems", "RefundLineItem", REFUND_LINE, first=15, following=100)
RETURN_LINES = Nested("returnLineItems", "ReturnLineItem", RETURN_LINE, first=10, following=200)
RETURNS = Nested("returns", "Return", f"{RETURN} {RETURN_LINES.selection}", first=3, following=20)

CUSTOMERS = Listing(root="customers", kind="Customer", fields=CUSTOMER, first=200)
ORDERS = Listing(root="orders", kind="Order", fields=ORDER, nested=LINES, first=8)
REFUNDED = Listing(root="orders", kind="Order", fields=f"id updatedAt taxesIncluded {refunds(5)}", first=125)
# Whether an order has returns its returnStatus does not say: declined and cancelled ones count as none there.
RETURNED = Listing(
    root="orders",
    kind="Order",
    fields="id updatedAt",
    nested=Nested("returns", "Return", "id", first=1, following=1),
    first=200,
)
CHECKOUTS = Listing(
    root="abandonedCheckouts",
    kind="AbandonedCheckout",
    fields=CHECKOUT,
    first=150,
    sort_key="CREATED_AT",  # there is none by the time of change
    sorted_by="createdAt",
    sorted_as="created_at",
)
BULK_START = """
mutation($query: String!, $grouped: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { id status createdAt } userErrors { code field }
  }
}
"""
BULK_CURRENT = "{ currentBulkOperation { id status query createdAt } }"
BULK_STATE = """
query($id: ID!) {
  node(id: $id) { ... on BulkOperation { id status errorCode objectCount url createdAt query } }
}
"""
