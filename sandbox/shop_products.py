"""What the shop sells, in the words of its catalogue."""

from sandbox.shop_records import Product

_CATALOGUE = (
    ("Desk lamp Aurora", "Lighting", 4990),
    ("Floor lamp Zenit", "Lighting", 12900),
    ("Reading light Mistral", "Lighting", 2950),
    ("Oak shelf", "Furniture", 18900),
    ("Standing desk", "Furniture", 44900),
    ("Folding chair", "Furniture", 5990),
    ("Side table", "Furniture", 8900),
    ("Wool blanket", "Textiles", 6990),
    ("Linen curtain", "Textiles", 4490),
    ("Cotton cushion", "Textiles", 1990),
    ("Bath towel set", "Textiles", 3490),
    ("Cast iron pan", "Kitchen", 5490),
    ("Chef's knife", "Kitchen", 7990),
    ("Tea kettle", "Kitchen", 3990),
    ("Espresso cups", "Kitchen", 2490),
    ("Bread box", "Kitchen", 3290),
    ("Herb garden", "Garden", 2790),
    ("Watering can", "Garden", 1890),
    ("Garden gloves", "Garden", 1290),
    ("Bird feeder", "Garden", 2190),
)
_FIRST_ID, _STEP = 8_310_000_000_001, 17
_VENDORS = ("Nordhaus", "Atelier Quercus", "Casa Solaris")


def _product(number: int, title: str, kind: str, price: int, *, gift: bool = False, withdrawn: bool = False) -> Product:
    made = _FIRST_ID + number * _STEP
    sku = f"{kind[:3].upper()}-{number:04}"
    return Product(made, made + 37_000_000_000_000, sku, title, kind, _VENDORS[number % 3], price, gift, withdrawn)


PRODUCTS = (
    *(_product(number, *entry) for number, entry in enumerate(_CATALOGUE)),
    _product(len(_CATALOGUE), "Wall clock (discontinued)", "Furniture", 3990, withdrawn=True),
)
GIFT_CARD = _product(len(_CATALOGUE) + 1, "Gift card", "Gift cards", 5000, gift=True)
