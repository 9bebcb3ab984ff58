"""An order in a currency without a rate is named, and converted once the file of rates has one."""

from datetime import UTC, datetime

import pytest
from installations import Home

from cdp_pipelines.config import load_settings
from cdp_pipelines.doctor import examine
from cdp_pipelines.errors import ConfigError
from cdp_pipelines.refresh import refresh_profiles
from models import Order, OrderLine, Person, micros
from models.derive import validator

NOW = datetime(2026, 3, 20, tzinfo=UTC)


def put(opened, entity, **row):
    whole = validator(entity)({"source": "shopify", "version_at": NOW} | row)
    protected = opened.protector.protect(entity, [whole], run_id="r", read_at=NOW)
    opened.lake.append(entity.__entity__, protected.table)


@pytest.fixture
def sold(home):
    """Orders on two days in dollars, one in the base currency, and a test order in francs."""
    with home.opened() as opened:
        put(opened, Person, source_id="1", email="anna@example.com")
        for number, (day, currency, more) in enumerate(
            [(2, "USD", {}), (5, "USD", {}), (6, "EUR", {}), (7, "CHF", {"is_test": True, "is_valid": False})]
        ):
            amounts = {"currency": currency, "quantity": 1, "unit_price_micros": micros("10")}
            placed = {"placed_at": datetime(2026, 3, day, 23, 30, tzinfo=UTC), "is_valid": True} | more
            put(opened, OrderLine, source_id=f"l{number}", order_id=str(number), **amounts)
            put(opened, Order, source_id=str(number), person_id="1", currency=currency, **placed)
    return home


def told(home):
    return [(one.level, one.sentence) for one in examine(home.settings) if one.subject == "currency"]


def worth(home):
    with home.opened() as opened:
        refresh_profiles(opened, now=NOW)
        with opened.stores.profile.connect() as connection:
            return connection.exec_driver_sql("select orders_365, net_revenue_365 from customer_360").one()


def with_rates(home, text):
    (home.config.parent / "rates.csv").write_text(text)
    config = home.config.read_text()
    if "currency_rates" not in config:
        home.config.write_text(config.replace("[company]", '[company]\ncurrency_rates = "rates.csv"'))
    return Home(load_settings(home.config))


def test_days_without_a_rate_are_named_until_the_file_has_them(sold):
    fix = "Name a file of rates: currency_rates."
    days = "2 days from 2026-03-03 to 2026-03-06"
    assert told(sold) == [
        ("warning", f"Orders in USD have no rate on {days}; numbers that need it are not given. {fix}")
    ]
    assert tuple(worth(sold)) == (3, None)

    some = with_rates(sold, "date,currency,rate\n2026-03-05,USD,0.5\n")
    ((level, sentence),) = told(some)
    assert level == "warning"
    assert "have no rate on 2026-03-03; numbers" in sentence
    assert f"Add them to {some.config.parent / 'rates.csv'}." in sentence

    whole = with_rates(sold, "date,currency,rate\n2026-03-05,USD,0.5\n2026-03-01,USD,2\n")
    assert told(whole) == []
    assert tuple(worth(whole)) == (3, 35.0)


def test_a_broken_file_of_rates_stops_a_refresh_with_its_line(sold):
    broken = with_rates(sold, "date,currency,rate\n2026-03-05,USD,zero\n")
    with pytest.raises(ConfigError, match="line 2: the rate is no number above 0"):
        worth(broken)
    assert [one.sentence for one in examine(broken.settings) if "line 2" in one.sentence]
