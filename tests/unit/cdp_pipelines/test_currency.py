"""Daily rates from a file: which one counts on a day, and every way of getting the file wrong."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_pipelines.config import load_settings
from cdp_pipelines.currency import LONGEST_DAYS, read_rates
from cdp_pipelines.errors import ConfigError

DAYS = st.dates(date(2025, 12, 1), date(2026, 2, 1))


@pytest.fixture
def home(tmp_path):
    return tmp_path


def settings_with(home, text, base="EUR"):
    file = home / "cdp.toml"
    file.write_text(f'[company]\nbase_currency = "{base}"\ncurrency_rates = "rates.csv"\n')
    (home / "rates.csv").write_text(text, encoding="utf-8")
    return load_settings(file, {})


def rate_on(table, currency, day):
    spans = [row for row in table.to_pylist() if row["currency"] == currency]
    found = [row["rate"] for row in spans if row["from_day"] <= day < row["until_day"]]
    assert len(found) <= 1, "two rates for one day"
    return found[0] if found else None


def problems(home, text):
    with pytest.raises(ConfigError) as refused:
        read_rates(settings_with(home, text))
    assert str(refused.value.path) == str(home / "rates.csv")
    return list(refused.value.problems)


def test_without_a_file_the_base_currency_alone_has_a_rate(home):
    file = home / "cdp.toml"
    file.write_text('[company]\nbase_currency = "USD"\n')
    table = read_rates(load_settings(file, {}))
    assert rate_on(table, "USD", date(2026, 1, 1)) == 1
    assert set(table["currency"].to_pylist()) == {"USD"}


@given(known=st.dictionaries(DAYS, st.sampled_from(["0.5", "1.25", "3"]), max_size=8), day=DAYS)
def test_the_newest_rate_not_older_than_a_week_counts(tmp_path_factory, known, day):
    home = tmp_path_factory.mktemp("rates")
    lines = [f"{when},USD,{rate}" for when, rate in known.items()]
    table = read_rates(settings_with(home, "\n".join(["date,currency,rate", *lines]) + "\n"))
    young = [when for when in known if day - timedelta(LONGEST_DAYS) <= when <= day]
    assert rate_on(table, "USD", day) == (float(known[max(young)]) if young else None)


def test_spaces_a_byte_order_mark_another_order_and_a_repeated_line_do_no_harm(home):
    text = "\ufeffcurrency,rate,date\r\nUSD, 0.9 ,2026-01-01\r\n USD,0.90,2026-01-01\r\n"
    assert rate_on(read_rates(settings_with(home, text)), "USD", date(2026, 1, 8)) == 0.9


def test_the_ends_of_the_calendar_are_days_like_others(home):
    table = read_rates(settings_with(home, "date,currency,rate\n9999-12-30,USD,2\n0001-01-01,USD,3\n"))
    assert rate_on(table, "USD", date(9999, 12, 30)) == 2
    assert rate_on(table, "USD", date(1, 1, 8)) == 3
    assert rate_on(table, "USD", date(1, 1, 9)) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("31.03.2026,USD,1", "line 3: the date is none; write for example 2026-03-31."),
        ("2026-03-31,usd,1", "line 3: the currency is no ISO 4217 code; write for example USD."),
        ('2026-03-31,USD,"0,92"', "line 3: the rate is no number above 0; write for example 0.9215."),
        ("2026-03-31,USD,0", "line 3: the rate is no number above 0; write for example 0.9215."),
        ("2026-03-31,USD,-1", "line 3: the rate is no number above 0; write for example 0.9215."),
        ("2026-03-31,USD,NaN", "line 3: the rate is no number above 0; write for example 0.9215."),
        ("2026-03-31,USD,inf", "line 3: the rate is no number above 0; write for example 0.9215."),
        ("2026-03-31,USD", "line 3: write exactly 3 values, separated by commas."),
        ("2026-03-31,USD,1,2", "line 3: write exactly 3 values, separated by commas."),
        ("2026-03-31,EUR,1.1", "line 3: EUR is the base currency, whose rate is 1; remove the line."),
        ("2026-03-30,USD,1", "line 3: there is another rate for this day and currency; keep one of the two lines."),
    ],
)
def test_a_wrong_line_is_named_with_its_remedy_and_not_quoted(home, line, problem):
    assert problems(home, f"date,currency,rate\n2026-03-30,USD,0.9\n{line}\n") == [problem]


def test_many_wrong_lines_are_told_ten_at_a_time(home):
    told = problems(home, "date,currency,rate\n" + "x,USD,1\n" * 25)
    assert len(told) == 11
    assert told[-1] == "15 more lines have problems."


@pytest.mark.parametrize("text", ["", "day,currency,rate\n", "date;currency;rate\n", "2026-03-31,USD,0.9\n"])
def test_wrong_columns_are_named(home, text):
    assert problems(home, text) == ["line 1: the columns must be date, currency, rate, separated by commas."]


def test_a_file_that_is_no_csv_is_refused(home):
    assert problems(home, 'date,currency,rate\n2026-03-31,USD,"0.9\n') == [
        "the file is not CSV. Write one line per day and currency, separated by commas, without quotes."
    ]


def test_a_missing_unreadable_or_foreign_file_is_named(home):
    settings = settings_with(home, "")
    path = home / "rates.csv"
    path.write_bytes(b"date,currency,rate\n\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_rates(settings)
    path.unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        read_rates(settings)
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rates(settings)


@pytest.mark.parametrize("rate", ["1e400", "1e-400", "sNaN", "inf"])
def test_a_rate_too_large_or_too_small_to_count_with_is_refused(home, rate):
    told = problems(home, f"date,currency,rate\n2026-03-31,USD,{rate}\n")
    assert told == ["line 2: the rate is no number above 0; write for example 0.9215."]
