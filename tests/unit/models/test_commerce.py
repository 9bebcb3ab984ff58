"""Amounts of money are kept exactly, and only finite ones."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import MICROS, micros


@pytest.mark.parametrize(
    ("written", "kept"),
    [("12.50", 12_500_000), ("-3", -3_000_000), (7, 7_000_000), ("0.1", 100_000), ("1e3", 1_000_000_000), ("0", 0)],
)
def test_an_amount_as_a_vendor_writes_it_is_kept_in_millionths(written, kept):
    assert micros(written) == kept


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=6))
def test_up_to_six_digits_nothing_is_lost(amount):
    assert Decimal(micros(str(amount))) / MICROS == amount


@given(st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=3), max_size=20))
def test_sums_are_exact(amounts):
    assert sum(micros(str(amount)) for amount in amounts) == sum(amounts, Decimal(0)) * MICROS


@pytest.mark.parametrize("written", ["", "twelve", "12,50", "NaN", "sNaN", "Infinity", "1e13", "1e999999", "-1e13"])
def test_what_is_no_finite_amount_is_refused_without_being_quoted(written):
    with pytest.raises(ValueError, match="an amount of money is") as refused:
        micros(written)
    assert not written or written not in str(refused.value)
    assert refused.value.__cause__ is None
