"""The part of the Admin API's schema that the stand-in has, written down by us, and what each version adds."""

from functools import lru_cache

from graphql import GraphQLSchema, build_schema

OLDEST, NEWEST = "2026-01", "2026-10"
VERSIONS = (OLDEST, "2026-04", "2026-07", NEWEST, "unstable")

_BASE = """
scalar DateTime
scalar Decimal
scalar UnsignedInt64
scalar URL
scalar JSON

interface Node { id: ID! }
interface LegacyInteroperability { legacyResourceId: UnsignedInt64! }

type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type Count { count: Int! precision: CountPrecision! }
enum CountPrecision { EXACT AT_LEAST }
enum CurrencyCode { CHF EUR GBP PLN SEK USD JPY }
enum CountryCode { AT CH DE ES FR GB }
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }
type MoneyBag { shopMoney: MoneyV2! presentmentMoney: MoneyV2! }
type TaxLine { title: String! rate: Float ratePercentage: Float priceSet: MoneyBag! }
type Attribute { key: String! value: String }
type Location implements Node { id: ID! name: String! }
type StaffMember implements Node { id: ID! }

type QueryRoot {
  shop: Shop!
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  customer(id: ID!): Customer
  customerByIdentifier(identifier: CustomerIdentifierInput!): Customer
  customers(first: Int, last: Int, after: String, before: String, reverse: Boolean = false, query: String,
    sortKey: CustomerSortKeys = ID): CustomerConnection
  customersCount(query: String, limit: Int = 10000): Count
  order(id: ID!): Order
  orders(first: Int, last: Int, after: String, before: String, reverse: Boolean = false, query: String,
    sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection
  ordersCount(query: String, limit: Int = 10000): Count
  refund(id: ID!): Refund
  return(id: ID!): Return
  abandonedCheckouts(first: Int, last: Int, after: String, before: String, reverse: Boolean = false, query: String,
    sortKey: AbandonedCheckoutSortKeys = ID): AbandonedCheckoutConnection
  abandonedCheckoutsCount(query: String, limit: Int = 10000): Count
  product(id: ID!): Product
  products(first: Int, last: Int, after: String, before: String, reverse: Boolean = false, query: String,
    sortKey: ProductSortKeys = ID): ProductConnection
  currentAppInstallation: AppInstallation
  bulkOperation(id: ID!): BulkOperation
  currentBulkOperation(type: BulkOperationType = QUERY): BulkOperation @deprecated(reason: "Use bulkOperation.")
}
input CustomerIdentifierInput { id: ID emailAddress: String phoneNumber: String }
enum CustomerSortKeys { CREATED_AT ID LOCATION NAME RELEVANCE UPDATED_AT }
enum OrderSortKeys {
  CREATED_AT CURRENT_TOTAL_PRICE CUSTOMER_NAME DESTINATION FINANCIAL_STATUS FULFILLMENT_STATUS ID ORDER_NUMBER
  PO_NUMBER PROCESSED_AT RELEVANCE TOTAL_ITEMS_QUANTITY TOTAL_PRICE UPDATED_AT
}
enum AbandonedCheckoutSortKeys { CHECKOUT_ID CREATED_AT CUSTOMER_NAME ID RELEVANCE TOTAL_PRICE }
enum ProductSortKeys { CREATED_AT ID INVENTORY_TOTAL PRODUCT_TYPE PUBLISHED_AT RELEVANCE TITLE UPDATED_AT VENDOR }

type Shop implements Node {
  id: ID! name: String! email: String! myshopifyDomain: String! currencyCode: CurrencyCode! ianaTimezone: String!
  timezoneOffset: String! createdAt: DateTime! updatedAt: DateTime! url: URL! plan: ShopPlan! taxesIncluded: Boolean!
  enabledPresentmentCurrencies: [CurrencyCode!]!
}
type ShopPlan { displayName: String! publicDisplayName: String! partnerDevelopment: Boolean! shopifyPlus: Boolean! }
type AppInstallation implements Node { id: ID! accessScopes: [AccessScope!]! }
type AccessScope { handle: String! description: String! }

type Customer implements Node & LegacyInteroperability {
  id: ID! legacyResourceId: UnsignedInt64! firstName: String lastName: String displayName: String!
  email: String @deprecated(reason: "Use defaultEmailAddress.")
  phone: String @deprecated(reason: "Use defaultPhoneNumber.")
  emailMarketingConsent: CustomerEmailMarketingConsentState @deprecated(reason: "Use defaultEmailAddress.")
  smsMarketingConsent: CustomerSmsMarketingConsentState @deprecated(reason: "Use defaultPhoneNumber.")
  defaultEmailAddress: CustomerEmailAddress
  defaultPhoneNumber: CustomerPhoneNumber
  defaultAddress: MailingAddress
  addresses(first: Int): [MailingAddress!]! @deprecated(reason: "Use addressesV2.")
  addressesV2(first: Int, last: Int, after: String, before: String, reverse: Boolean = false):
    MailingAddressConnection!
  amountSpent: MoneyV2! numberOfOrders: UnsignedInt64! lastOrder: Order
  orders(first: Int, last: Int, after: String, before: String, reverse: Boolean = false, query: String,
    sortKey: OrderSortKeys = ID): OrderConnection!
  createdAt: DateTime! updatedAt: DateTime! state: CustomerState! locale: String! note: String tags: [String!]!
  verifiedEmail: Boolean! taxExempt: Boolean! canDelete: Boolean! dataSaleOptOut: Boolean!
}
enum CustomerState { DECLINED DISABLED ENABLED INVITED }
type CustomerEmailAddress {
  emailAddress: String! marketingState: CustomerEmailAddressMarketingState!
  marketingOptInLevel: CustomerMarketingOptInLevel marketingUpdatedAt: DateTime sourceLocation: Location
  validFormat: Boolean! openTrackingLevel: CustomerEmailAddressOpenTrackingLevel! marketingUnsubscribeUrl: URL!
}
enum CustomerEmailAddressMarketingState { INVALID NOT_SUBSCRIBED PENDING SUBSCRIBED UNSUBSCRIBED }
enum CustomerEmailMarketingState { INVALID NOT_SUBSCRIBED PENDING REDACTED SUBSCRIBED UNSUBSCRIBED }
enum CustomerEmailAddressOpenTrackingLevel { OPTED_IN OPTED_OUT UNKNOWN }
enum CustomerSmsMarketingState { NOT_SUBSCRIBED PENDING REDACTED SUBSCRIBED UNSUBSCRIBED }
enum CustomerMarketingOptInLevel { CONFIRMED_OPT_IN SINGLE_OPT_IN UNKNOWN }
enum CustomerConsentCollectedFrom { OTHER SHOPIFY }
type CustomerPhoneNumber {
  phoneNumber: String! marketingState: CustomerSmsMarketingState! marketingOptInLevel: CustomerMarketingOptInLevel
  marketingUpdatedAt: DateTime marketingCollectedFrom: CustomerConsentCollectedFrom sourceLocation: Location
}
type CustomerEmailMarketingConsentState {
  marketingState: CustomerEmailMarketingState! marketingOptInLevel: CustomerMarketingOptInLevel
  consentUpdatedAt: DateTime sourceLocation: Location
}
type CustomerSmsMarketingConsentState {
  marketingState: CustomerSmsMarketingState! marketingOptInLevel: CustomerMarketingOptInLevel!
  consentUpdatedAt: DateTime consentCollectedFrom: CustomerConsentCollectedFrom sourceLocation: Location
}
type MailingAddress implements Node {
  id: ID! firstName: String lastName: String name: String company: String address1: String address2: String
  city: String province: String provinceCode: String zip: String country: String countryCodeV2: CountryCode
  phone: String formatted: [String!]! latitude: Float longitude: Float timeZone: String
}

type Order implements Node & LegacyInteroperability {
  id: ID! legacyResourceId: UnsignedInt64! name: String! number: Int! confirmationNumber: String
  createdAt: DateTime! updatedAt: DateTime! processedAt: DateTime! cancelledAt: DateTime closedAt: DateTime
  cancelReason: OrderCancelReason closed: Boolean! confirmed: Boolean! test: Boolean! taxesIncluded: Boolean!
  customer: Customer email: String phone: String clientIp: String customerLocale: String
  customerAcceptsMarketing: Boolean! billingAddress: MailingAddress shippingAddress: MailingAddress
  displayAddress: MailingAddress currencyCode: CurrencyCode! presentmentCurrencyCode: CurrencyCode!
  totalPriceSet: MoneyBag! currentTotalPriceSet: MoneyBag! originalTotalPriceSet: MoneyBag!
  subtotalPriceSet: MoneyBag currentSubtotalPriceSet: MoneyBag! totalTaxSet: MoneyBag totalDiscountsSet: MoneyBag
  totalShippingPriceSet: MoneyBag! totalRefundedSet: MoneyBag! totalTipReceivedSet: MoneyBag netPaymentSet: MoneyBag!
  taxLines: [TaxLine!]! discountCode: String discountCodes: [String!]!
  displayFinancialStatus: OrderDisplayFinancialStatus displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  returnStatus: OrderReturnStatus! note: String tags: [String!]! customAttributes: [Attribute!]!
  sourceName: String sourceIdentifier: String cartToken: String checkoutToken: String statusPageUrl: URL!
  lineItems(first: Int, last: Int, after: String, before: String, reverse: Boolean = false): LineItemConnection!
  refunds(first: Int): [Refund!]!
  transactions(first: Int): [OrderTransaction!]!
  fulfillments(first: Int): [Fulfillment!]!
  returns(first: Int, last: Int, after: String, before: String, reverse: Boolean = false, query: String):
    ReturnConnection
}
enum OrderCancelReason { CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }
enum OrderDisplayFinancialStatus {
  AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED
}
enum OrderDisplayFulfillmentStatus {
  FULFILLED FULFILLMENT_NOT_REQUIRED IN_PROGRESS ON_HOLD OPEN PARTIALLY_FULFILLED PENDING_FULFILLMENT
  REQUEST_DECLINED RESTOCKED SCHEDULED UNFULFILLED
}
enum OrderReturnStatus { INSPECTION_COMPLETE IN_PROGRESS NO_RETURN RETURNED RETURN_FAILED RETURN_REQUESTED }
type DiscountAllocation { allocatedAmountSet: MoneyBag! }
type LineItem implements Node {
  id: ID! name: String! title: String! variantTitle: String sku: String vendor: String
  quantity: Int! currentQuantity: Int! refundableQuantity: Int! unfulfilledQuantity: Int!
  originalUnitPriceSet: MoneyBag! originalTotalSet: MoneyBag! totalDiscountSet: MoneyBag!
  discountedTotalSet(withCodeDiscounts: Boolean = false): MoneyBag! discountedUnitPriceSet: MoneyBag!
  discountedUnitPriceAfterAllDiscountsSet: MoneyBag! discountAllocations: [DiscountAllocation!]!
  taxLines(first: Int): [TaxLine!]! taxable: Boolean! isGiftCard: Boolean! requiresShipping: Boolean!
  product: Product variant: ProductVariant customAttributes: [Attribute!]!
}
type Refund implements Node & LegacyInteroperability {
  id: ID! legacyResourceId: UnsignedInt64! createdAt: DateTime processedAt: DateTime! updatedAt: DateTime! note: String
  order: Order! return: Return totalRefundedSet: MoneyBag! staffMember: StaffMember
  refundLineItems(first: Int, last: Int, after: String, before: String, reverse: Boolean = false):
    RefundLineItemConnection!
  refundShippingLines(first: Int, last: Int, after: String, before: String, reverse: Boolean = false):
    RefundShippingLineConnection!
  transactions(first: Int, last: Int, after: String, before: String, reverse: Boolean = false):
    OrderTransactionConnection!
}
enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }
type RefundLineItem {
  id: ID lineItem: LineItem! quantity: Int! restockType: RefundLineItemRestockType! restocked: Boolean!
  priceSet: MoneyBag! subtotalSet: MoneyBag! totalTaxSet: MoneyBag! location: Location
}
type RefundShippingLine implements Node { id: ID! subtotalAmountSet: MoneyBag! taxAmountSet: MoneyBag! }
enum OrderTransactionKind { AUTHORIZATION CAPTURE CHANGE EMV_AUTHORIZATION REFUND SALE SUGGESTED_REFUND VOID }
enum OrderTransactionStatus { AWAITING_RESPONSE ERROR FAILURE PENDING SUCCESS UNKNOWN }
type OrderTransaction implements Node {
  id: ID! kind: OrderTransactionKind! status: OrderTransactionStatus! gateway: String amountSet: MoneyBag!
  createdAt: DateTime! processedAt: DateTime test: Boolean!
}
type Fulfillment implements Node { id: ID! status: String! createdAt: DateTime! updatedAt: DateTime! }
enum ReturnStatus { CANCELED CLOSED DECLINED OPEN REQUESTED }
enum ReturnReason {
  COLOR DEFECTIVE NOT_AS_DESCRIBED OTHER SIZE_TOO_LARGE SIZE_TOO_SMALL STYLE UNKNOWN UNWANTED WRONG_ITEM
}
enum ReturnDeclineReason { FINAL_SALE OTHER RETURN_PERIOD_ENDED }
type ReturnDecline { reason: ReturnDeclineReason! note: String }
type Return implements Node {
  id: ID! name: String! status: ReturnStatus! createdAt: DateTime! requestApprovedAt: DateTime closedAt: DateTime
  totalQuantity: Int! order: Order! decline: ReturnDecline
  returnLineItems(first: Int, last: Int, after: String, before: String, reverse: Boolean = false):
    ReturnLineItemTypeConnection!
  refunds(first: Int, last: Int, after: String, before: String, reverse: Boolean = false): RefundConnection!
}
type ReturnReasonDefinition implements Node { id: ID! handle: String! name: String! deleted: Boolean! }
interface ReturnLineItemType implements Node {
  id: ID! quantity: Int! customerNote: String returnReasonNote: String!
  returnReason: ReturnReason! @deprecated(reason: "Use returnReasonDefinition.")
  returnReasonDefinition: ReturnReasonDefinition
  refundableQuantity: Int! refundedQuantity: Int! processedQuantity: Int! unprocessedQuantity: Int!
}
type ReturnLineItem implements Node & ReturnLineItemType {
  id: ID! quantity: Int! customerNote: String returnReasonNote: String!
  returnReason: ReturnReason! @deprecated(reason: "Use returnReasonDefinition.")
  returnReasonDefinition: ReturnReasonDefinition
  refundableQuantity: Int! refundedQuantity: Int! processedQuantity: Int! unprocessedQuantity: Int!
  fulfillmentLineItem: FulfillmentLineItem! withCodeDiscountedTotalPriceSet: MoneyBag!
}
type FulfillmentLineItem implements Node { id: ID! lineItem: LineItem! quantity: Int }

type AbandonedCheckout implements Node {
  id: ID! name: String! createdAt: DateTime! updatedAt: DateTime! completedAt: DateTime abandonedCheckoutUrl: URL!
  customer: Customer billingAddress: MailingAddress shippingAddress: MailingAddress note: String!
  subtotalPriceSet: MoneyBag! totalPriceSet: MoneyBag! totalDiscountSet: MoneyBag! totalTaxSet: MoneyBag
  discountCodes: [String!]! customAttributes: [Attribute!]!
  lineItems(first: Int, last: Int, after: String, before: String, reverse: Boolean = false):
    AbandonedCheckoutLineItemConnection!
}
type AbandonedCheckoutLineItem implements Node {
  id: ID! title: String sku: String variantTitle: String quantity: Int! originalUnitPriceSet: MoneyBag!
  originalTotalPriceSet: MoneyBag! discountedTotalPriceSet: MoneyBag! product: Product variant: ProductVariant
}
type Product implements Node & LegacyInteroperability {
  id: ID! legacyResourceId: UnsignedInt64! title: String! productType: String! vendor: String! isGiftCard: Boolean!
  createdAt: DateTime! updatedAt: DateTime! category: TaxonomyCategory tags: [String!]!
  variants(first: Int, last: Int, after: String, before: String, reverse: Boolean = false): ProductVariantConnection!
}
type TaxonomyCategory implements Node { id: ID! name: String! fullName: String! }
type ProductVariant implements Node & LegacyInteroperability {
  id: ID! legacyResourceId: UnsignedInt64! title: String! sku: String price: Decimal! product: Product!
}

enum BulkOperationStatus { CANCELED CANCELING COMPLETED CREATED EXPIRED FAILED RUNNING }
enum BulkOperationErrorCode { ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT }
enum BulkOperationType { MUTATION QUERY }
type BulkOperation implements Node {
  id: ID! status: BulkOperationStatus! errorCode: BulkOperationErrorCode type: BulkOperationType! query: String!
  objectCount: UnsignedInt64! rootObjectCount: UnsignedInt64! fileSize: UnsignedInt64 url: URL partialDataUrl: URL
  createdAt: DateTime! completedAt: DateTime
}
enum BulkOperationUserErrorCode { INVALID LIMIT_REACHED OPERATION_IN_PROGRESS }
type BulkOperationUserError { code: BulkOperationUserErrorCode field: [String!] message: String! }
type UserError { field: [String!] message: String! }
type BulkOperationRunQueryPayload { bulkOperation: BulkOperation userErrors: [BulkOperationUserError!]! }
type BulkOperationCancelPayload { bulkOperation: BulkOperation userErrors: [UserError!]! }
type Mutation {
  bulkOperationRunQuery(query: String!, groupObjects: Boolean! = false): BulkOperationRunQueryPayload
  bulkOperationCancel(id: ID!): BulkOperationCancelPayload
}
schema { query: QueryRoot mutation: Mutation }
"""
_CONNECTED = (
    "Customer",
    "Order",
    "LineItem",
    "Refund",
    "RefundLineItem",
    "RefundShippingLine",
    "OrderTransaction",
    "Return",
    "ReturnLineItemType",
    "AbandonedCheckout",
    "AbandonedCheckoutLineItem",
    "MailingAddress",
    "Product",
    "ProductVariant",
)
_CONNECTION = """
type {name}Edge {{ node: {name}! cursor: String! }}
type {name}Connection {{ edges: [{name}Edge!]! nodes: [{name}!]! pageInfo: PageInfo! }}
"""
_CONSENTS = """
enum CustomerMarketingConsentState { NEVER_SUBSCRIBED PENDING REDACTED SUBSCRIBED UNSUBSCRIBED }
type CustomerWhatsAppMarketingConsent {
  state: CustomerMarketingConsentState! optInLevel: CustomerMarketingOptInLevel
  collectedFrom: CustomerConsentCollectedFrom updatedAt: DateTime sourceLocation: Location
}
extend type CustomerPhoneNumber { whatsAppMarketingConsent: CustomerWhatsAppMarketingConsent! }
"""
_SMS_CONSENT = """
type CustomerSmsMarketingConsent {
  state: CustomerMarketingConsentState! optInLevel: CustomerMarketingOptInLevel
  collectedFrom: CustomerConsentCollectedFrom updatedAt: DateTime sourceLocation: Location
}
extend type CustomerPhoneNumber { smsMarketingConsent: CustomerSmsMarketingConsent! }
"""
_SINCE = (("2026-07", _CONSENTS), (NEWEST, _SMS_CONSENT))


@lru_cache(maxsize=len(VERSIONS))
def schema_of(version: str) -> GraphQLSchema:
    """The schema of one served version, built when it is first asked for."""
    parts = [_BASE, *(_CONNECTION.format(name=name) for name in _CONNECTED)]
    # "unstable" sorts after every year.
    parts += [text for since, text in _SINCE if version >= since]
    return build_schema("\n".join(parts))


def served_version(asked: str) -> str | None:
    """The version that answers a path with ``asked``: old ones fall forward to the oldest; None when there is none."""
    if asked in VERSIONS:
        return asked
    year, _, month = asked.partition("-")
    if len(year) == 4 and year.isdigit() and month in {"01", "04", "07", "10"} and asked < OLDEST:  # noqa: PLR2004
        return OLDEST
    return None
