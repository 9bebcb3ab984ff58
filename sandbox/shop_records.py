"""What the web shop holds: one class per kind of record. Times are epoch seconds, amounts whole cents of the shop."""

from dataclasses import dataclass, field

from sandbox.records import Person

SHOP = "sandbox-shop"
CURRENCY = "EUR"


@dataclass(slots=True)
class MarketingConsent:
    """One channel's answer of one customer; ``at`` and ``level`` stay empty until somebody has been asked."""

    state: str = "NOT_SUBSCRIBED"
    level: str | None = None
    at: int | None = None
    collected_from: str | None = None


@dataclass(slots=True)
class PostalAddress:
    """An address as it was typed."""

    id: int
    first: str
    last: str
    company: str | None
    street: str
    zip: str
    city: str
    country: str
    country_code: str
    phone: str | None


@dataclass(slots=True)
class ShopCustomer:
    """A customer account. ``merged_into`` and ``deleted`` ones are gone from every list; erased ones are blank."""

    id: int
    person: Person
    first: str | None
    last: str | None
    email: str | None
    phone: str | None
    created: int
    updated: int
    locale: str
    email_consent: MarketingConsent
    sms_consent: MarketingConsent
    address: PostalAddress | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()
    state: str = "DISABLED"
    sale_opt_out: bool = False
    erased: bool = False
    deleted: int | None = None
    merged_into: int | None = None

    @property
    def present(self) -> bool:
        """Whether the shop still lists the account."""
        return self.deleted is None and self.merged_into is None


@dataclass(frozen=True, slots=True)
class Product:
    """Something the shop sells; withdrawn ones are null in the lines that sold them."""

    id: int
    variant_id: int
    sku: str
    title: str
    kind: str
    vendor: str
    price: int
    is_gift_card: bool = False
    withdrawn: bool = False


@dataclass(slots=True)
class ShopLine:
    """Pieces of one product in one order; ``sale`` is the line's own discount, ``code`` its part of the order's."""

    id: int
    product: Product
    quantity: int
    current: int
    sale: int
    code: int
    tax_rate: int
    tax_included: bool

    @property
    def gross(self) -> int:
        """Before any discount."""
        return self.product.price * self.quantity

    @property
    def net(self) -> int:
        """After all discounts, with the tax if prices include it."""
        return self.gross - self.sale - self.code

    @property
    def tax(self) -> int:
        """The tax on what is paid; ``tax_rate`` is in tenths of a percent."""
        return tax_part(self.net, self.tax_rate, included=self.tax_included)


def tax_part(amount: int, rate: int, *, included: bool) -> int:
    """The tax in ``amount``, or on it when prices do not include it."""
    return round(amount * rate / (1000 + rate if included else 1000))


@dataclass(slots=True)
class RefundLine:
    """Pieces of a line that were paid back; ``restock`` is the vendor's restockType."""

    id: int
    line: ShopLine
    quantity: int
    restock: str
    subtotal: int
    tax: int


@dataclass(slots=True)
class ShopRefund:
    """Money that went back; without lines it is a goodwill payment."""

    id: int
    at: int
    amount: int
    lines: list[RefundLine]
    shipping: int = 0
    note: str | None = None
    return_id: int | None = None


@dataclass(slots=True)
class ReturnLine:
    """Pieces somebody sends back, and why."""

    id: int
    line: ShopLine
    quantity: int
    reason: str
    customer_note: str | None
    refunded: int = 0


@dataclass(slots=True)
class ShopReturn:
    """A return, from the customer's request to the closing."""

    id: int
    number: int
    status: str
    at: int
    lines: list[ReturnLine]
    approved: int | None = None
    closed: int | None = None


@dataclass(slots=True)
class ShopOrder:
    """An order. Without ``customer_id`` somebody bought as a guest; ``rate`` is presentment per shop money, in ppm.

    Address, e-mail and IP are gone when the customer has been erased.
    """

    id: int
    number: int
    person: Person
    customer_id: int | None
    created: int
    updated: int
    email: str | None
    phone: str | None
    address: PostalAddress | None
    currency: str
    rate: int
    lines: list[ShopLine]
    shipping: int
    tax_included: bool
    token: str
    ip: str | None
    locale: str
    code: str | None = None
    gift_card: int = 0
    accepts_marketing: bool = False
    note: str | None = None
    source: str = "web"
    test: bool = False
    paid: bool = True
    cancelled: int | None = None
    cancel_reason: str | None = None
    fulfilled: int | None = None
    closed: int | None = None
    refunds: list[ShopRefund] = field(default_factory=list)
    returns: list[ShopReturn] = field(default_factory=list)

    @property
    def subtotal(self) -> int:
        """All lines after discounts."""
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        """On all lines; shipping is untaxed here."""
        return sum(line.tax for line in self.lines)

    @property
    def discounts(self) -> int:
        """Of lines and of the whole order."""
        return sum(line.sale + line.code for line in self.lines)

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.subtotal + self.shipping + (0 if self.tax_included else self.tax)

    @property
    def refunded(self) -> int:
        """What went back."""
        return sum(refund.amount for refund in self.refunds)


@dataclass(slots=True)
class ShopCheckout:
    """A checkout that was left with contact data in it; ``completed`` ones were recovered and became an order."""

    id: int
    person: Person
    customer_id: int | None
    created: int
    updated: int
    address: PostalAddress
    lines: list[ShopLine]
    token: str
    completed: int | None = None


@dataclass
class ShopData:
    """Everything one shop holds, by id. ``people`` are known to no other system; ``ids_of`` goes by a person's key."""

    people: list[Person] = field(default_factory=list)
    customers: dict[int, ShopCustomer] = field(default_factory=dict)
    orders: dict[int, ShopOrder] = field(default_factory=dict)
    checkouts: dict[int, ShopCheckout] = field(default_factory=dict)
    ids_of: dict[str, list[int]] = field(default_factory=dict)
    orders_of: dict[int, list[ShopOrder]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    people_seen: int = 0
    last_order_number: int = 1000
    last_ids: dict[str, int] = field(default_factory=dict)

    def next_id(self, kind: str, first: int) -> int:
        """An id nobody has: ``first``, and then every 23rd number."""
        self.last_ids[kind] = self.last_ids.get(kind, first - 23) + 23
        return self.last_ids[kind]

    def owner(self, customer_id: int | None) -> ShopCustomer | None:
        """The account that has this id or took it over in a merge; None when it was deleted."""
        customer = self.customers.get(customer_id or 0)
        while customer and customer.merged_into:
            customer = self.customers.get(customer.merged_into)
        return customer if customer and customer.deleted is None else None
