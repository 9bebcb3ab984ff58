"""The only reader of the settings file and of the environment.

The file is TOML (``cdp.toml``); a variable ``CDP_<KEY>``, with two underscores between a section and its key,
overrides it. Credentials and the root key are never in the file. The module is imported by every command, so it
imports nothing heavy.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from cdp_pipelines.errors import ConfigError

FILE_NAME = "cdp.toml"

# ISO 4217, the currencies in use; funds, metals and test codes left out.
_CURRENCIES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF
    SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU
    UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""


def is_currency(code: str) -> bool:
    """Whether ``code`` is that of a currency in use."""
    return code in _CURRENCIES.split()


def _currency(value: str) -> str:
    if not is_currency(value):
        raise ValueError(f"is {value!r}, which is no ISO 4217 currency code; write for example EUR, USD or GBP")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"is {value!r}, which is no IANA time zone; write for example Europe/Berlin or UTC") from None
    return value


def _phone_region(value: str) -> str:
    import phonenumbers

    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"is {value!r}, which is no ISO 3166 country code; write for example DE, US or GB")
    return value


def _byte_size(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d*(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)", value):
        raise ValueError(f"is {value!r}, which is no size; write for example 1GB or 512MB")
    return value


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS_OF_WEEK = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS_OF_WEEK),
)
"""Smallest number, largest number and names of each part of a cron expression."""


def _cron(value: str) -> str:
    parts = value.lower().split(" ")
    if len(parts) != len(_CRON) or not all(
        _is_cron_part(part, *allowed) for part, allowed in zip(parts, _CRON, strict=True)
    ):
        raise ValueError(f"is {value!r}, which is no cron expression of five parts; write for example '0 * * * *'")
    return value


def _is_cron_part(text: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    """Whether each item of a part is a star, a number or a span within its limits, with a step or without."""
    for item in text.split(","):
        if not (found := re.fullmatch(r"(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/0*[1-9]\d*)?", item, re.ASCII)):
            return False
        ends = [end for end in found.groups() if end is not None]
        numbers = [names.index(end) + low if end in names else int(end) if end.isdigit() else -1 for end in ends]
        if not all(low <= number <= high for number in numbers) or numbers != sorted(numbers):
            return False
    return True


def _webhook(value: str) -> str:
    if value and not re.match(r"https://[^\s/]+|http://(127\.0\.0\.1|localhost|\[::1\])[:/]", value):
        raise ValueError("must begin with https://; plain http is allowed for this machine only")
    return value


def _local_folder(value: str) -> str:
    if "://" in value:
        raise ValueError(
            "is an address of an object store, where file locks do not work; "
            "name a folder of this machine, for example /srv/cdp/lake"
        )
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Section):
    """What is true of the business."""

    base_currency: Annotated[str, AfterValidator(_currency)] = "EUR"
    """ISO 4217 code of the currency amounts are reported in."""
    margin_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of net revenue that is left after the cost of the goods; none: values by margin are not given."""
    currency_rates: Path | None = None
    """CSV file with daily rates of other currencies (docs/currency.md); none: other currencies are not converted."""
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/Berlin"
    """IANA zone that days, weeks and months are cut in."""
    phone_region: Annotated[str, AfterValidator(_phone_region)] = "DE"
    """Country of phone numbers written without a prefix."""
    jurisdiction: Literal["EU", "UK", "CH", "US"] = "EU"
    """Law that decides where a person has decided nothing."""
    k: Annotated[int, Field(ge=5)] = 5
    """Smallest number of persons a published cell may rest on."""


class EngineSettings(_Section):
    """What one run may use of the machine."""

    memory_limit: Annotated[str, AfterValidator(_byte_size)] = "1GB"
    threads: Annotated[int, Field(ge=1)] = 2


class IdentitySettings(_Section):
    """When a shared key stops being evidence."""

    max_records_per_key: Annotated[int, Field(ge=2)] = 10
    """A key more records than this share joins nobody."""
    probabilistic: bool = True
    """Whether records that share no key are compared by how alike they are."""
    join_from: Annotated[float, Field(ge=0.9, lt=1)] = 0.99
    """Two records are joined from this probability that they are one person."""
    review_from: Annotated[float, Field(ge=0.1, lt=1)] = 0.5
    """From this probability on, an operator is asked."""
    same_source_factor: Annotated[float, Field(ge=1)] = 10
    """Two records of one system need this many times the odds for either."""
    max_records_per_block: Annotated[int, Field(ge=2, le=200)] = 30
    """What more records than this have in common is no reason to compare them."""

    @model_validator(mode="after")
    def _bands_in_order(self) -> "IdentitySettings":
        if self.review_from > self.join_from:
            raise ValueError("has a review_from above its join_from; who is joined is never asked about, so lower it")
        return self


class QuarantineSettings(_Section):
    """From when on records set aside are no longer a few odd ones: the stream's check fails then."""

    fail_from: Annotated[int, Field(ge=1)] = 10
    """Fewer records than this never fail the check."""
    fail_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """More than this share fails: of a run's records set aside for the first time, or of a stream's that wait."""


class OAuthApp(_Section):
    """The app an operator registered at a vendor. Its secret is never in the file."""

    client_id: str
    """Public name of the app, as the vendor shows it."""
    extra_scopes: list[str] = []
    """Permissions to ask for besides those every account can give."""
    redirect_port: Annotated[int, Field(ge=1024, le=65535)] = 8914
    """Port of the redirect address, for vendors that want the address registered with the app."""


class SourceSettings(_Section):
    """One connected account. The credential is in ``CDP_<SOURCE>_TOKEN`` or in the vault."""

    enabled: bool = True
    account: str | None = None
    """Subdomain, portal or whatever names the account at the vendor."""
    base_url: str | None = None
    """Only for stand-ins and proxies; the vendor's own address otherwise."""
    rate_scale: Annotated[float, Field(gt=0)] = 1.0
    """Factor on the vendor's published budget, for accounts that have another one."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the vendor's limits that is ours; the rest is for other tools of the account."""
    sweep_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the vendor's budget that looking for vanished records may take (``cdp sweep``)."""
    schedule: Annotated[str, AfterValidator(_cron)] = "0 * * * *"
    """When to sync: a cron expression in the company's time zone."""
    oauth: OAuthApp | None = None
    """The app through which the account is connected; a plain token is asked for where there is none."""
    options: dict[str, Any] = {}
    """What this connector alone understands."""


class AlertSettings(_Section):
    """Who is told when a run fails or a source is not read: by e-mail, by a webhook, or both."""

    email_to: list[str] = []
    """Addresses that get the message."""
    email_from: str = "cdp@localhost"
    """Address it comes from."""
    smtp_host: str = "localhost"
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    """How the connection is protected; a password is sent over a protected one only."""
    smtp_user: str | None = None
    """Name to log in with; the password is in ``CDP_SMTP_PASSWORD``."""
    webhook_url: Annotated[str, AfterValidator(_webhook)] = ""
    """Where a JSON object is posted to. It may hold a secret; then set ``CDP_ALERTS__WEBHOOK_URL`` instead."""
    repeat_hours: Annotated[int, Field(ge=1)] = 24
    """The same trouble is told again after so many hours, not before."""

    @property
    def enabled(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self.email_to or self.webhook_url)


class Settings(BaseSettings):
    """Everything that can be set. Paths in the file are relative to its folder."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="CDP_", env_nested_delimiter="__", hide_input_in_errors=True
    )

    data: Path = Path("data")
    """Folder of the SQLite stores, the copies beside the mart, and temporary files."""
    lake: Annotated[str, AfterValidator(_local_folder)] = ""
    """Folder of the lake, on a disk of this machine; ``lake`` in the data folder unless set."""
    database_url: str | None = None
    """PostgreSQL that holds the stores; SQLite files in the data folder unless set."""
    root_key_file: Path = Path("~/.config/cdp/root.key")
    """Where the root key lies; keep it away from the data it protects."""
    company: Company = Company()
    engine: EngineSettings = EngineSettings()
    identity: IdentitySettings = IdentitySettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    alerts: AlertSettings = AlertSettings()
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], SourceSettings] = {}

    _path: Path = PrivateAttr(default=Path(FILE_NAME))

    @property
    def path(self) -> Path:
        """The file the settings were read from."""
        return self._path

    @property
    def home(self) -> Path:
        """The folder of that file."""
        return self._path.parent

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what ``load_settings`` hands over; it has read file and environment already."""
        return (init_settings,)


class _Environment(EnvSettingsSource):
    """Reads a given mapping instead of the process's own environment, so that tests need no patching."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {name.lower(): value for name, value in environment.items()}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._environment


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the file and the environment.

    Args:
        path: The file; ``CDP_CONFIG``, then ``cdp.toml`` in the current folder unless given.
        environment: Variables that override the file.

    Raises:
        ConfigError: The file is missing or something in it is wrong; lists every problem with its line.
    """
    found = Path(path or environment.get("CDP_CONFIG") or FILE_NAME).expanduser().absolute()
    text = _read(found)
    values = _parse(found, text)
    try:
        overrides = _Environment(environment)()
    except ValidationError as error:
        raise ConfigError(found, _problems(error, text, {})) from None
    except SettingsError:  # a variable that stands for a whole section holds no JSON; its text may be a secret
        raise ConfigError(
            found, ["environment: a CDP_ variable that stands for a section holds no JSON object. Set single keys."]
        ) from None
    try:
        settings = Settings(**_merged(values, overrides))
    except ValidationError as error:
        raise ConfigError(found, _problems(error, text, overrides)) from None
    return _placed(settings, found)


def write_default_config(path: Path) -> None:
    """Write a commented file to start from.

    Raises:
        ConfigError: The file exists; it is never overwritten.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(path, [f"its folder cannot be made ({error.strerror}). Name another one."]) from None
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(DEFAULT_CONFIG)
    except FileExistsError:
        raise ConfigError(path, ["the file exists already and is kept. Edit it, or name another one."]) from None
    except OSError as error:
        fix = f"the file cannot be written ({error.strerror}). Give this user the right to, or name another one."
        raise ConfigError(path, [fix]) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        fix = "the file does not exist. Create it with: cdp init, or name another one with --config or CDP_CONFIG."
    except UnicodeDecodeError:
        fix = "the file is not UTF-8 text. Save it as UTF-8."
    except OSError as error:
        fix = f"the file cannot be read ({error.strerror}). Check its permissions."
    raise ConfigError(path, [fix])


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [f"this is not TOML: {error}. Correct the line; text values need quotes."]) from None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _placed(settings: Settings, path: Path) -> Settings:
    """The settings with every local path made absolute, as seen from the file's folder."""
    data = path.parent / settings.data.expanduser()
    lake = str(path.parent / Path(settings.lake).expanduser()) if settings.lake else str(data / "lake")
    root_key = path.parent / settings.root_key_file.expanduser()
    company = settings.company
    if company.currency_rates is not None:
        company = company.model_copy(update={"currency_rates": path.parent / company.currency_rates.expanduser()})
    placed = settings.model_copy(update={"data": data, "lake": lake, "root_key_file": root_key, "company": company})
    placed._path = path  # noqa: SLF001 - the one place that knows where the file lies
    return placed


_SAID = {
    "missing": "is missing; add it",
    # The key of a section is the one text with a pattern.
    "string_pattern_mismatch": "is no name of a source; names have small letters, digits and underscores",
}
_TYPES = {
    "string": "text in quotes",
    "path": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a section",
    "model": "a section",
}
_GIVEN = {
    str: "text",
    int: "a number",
    float: "a number with a fraction",
    bool: "true or false",
    list: "a list",
    dict: "a section",
}


def _problems(error: ValidationError, text: str, overrides: Mapping[str, Any]) -> list[str]:
    """One sentence each, in the order of the file: line, key, what is wrong, what to do."""
    found = []
    for detail in error.errors(include_url=False):
        keys = [str(part) for part in detail["loc"] if part != "[key]"]
        line = None if _is_in(overrides, keys) else _line_of(text, keys)
        where = f"line {line}: {'.'.join(keys)}" if line else f"environment CDP_{'__'.join(keys).upper()}"
        found.append((line or 0, f"{where} {_complaint(detail, keys)}."))
    return [sentence for _, sentence in sorted(found)]


def _is_in(overrides: Mapping[str, Any], keys: list[str]) -> bool:
    """Whether the environment gave the value of a key; a part of a list is given with the list."""
    found: Any = overrides
    for key in keys:
        if not isinstance(found, Mapping):
            break
        if key not in found:
            return False
        found = found[key]
    return not isinstance(found, Mapping)


def _complaint(detail: ErrorDetails, keys: list[str]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(keys)
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be one of {context['expected']}"
    if kind not in _SAID and (wanted := _TYPES.get(kind.split("_")[0])):
        return f"must be {wanted}, not {_GIVEN.get(type(detail['input']), 'what it is')}"
    return _SAID.get(kind) or f"must be {detail['msg'].removeprefix('Input should be ')}"


def _unknown_key(keys: list[str]) -> str:
    valid = _valid_keys(tuple(keys[:-1]))
    close = difflib.get_close_matches(keys[-1], valid, n=1)
    guess = f"Did you mean {close[0]}? " if close else ""
    return f"is not a setting. {guess}Valid here: {', '.join(valid)}"


@cache
def _valid_keys(section: tuple[str, ...]) -> list[str]:
    if not section:
        return sorted(Settings.model_fields)
    if section[0] == "sources":
        return sorted((OAuthApp if section[-1] == "oauth" else SourceSettings).model_fields)
    return sorted(type(Settings.model_fields[section[0]].default).model_fields)


def _line_of(text: str, keys: list[str]) -> int | None:
    """Line of the key in the file, else of its section; None when the value came from elsewhere."""
    best, section = None, ""
    spellings = {".".join(keys[:count]) for count in range(1, len(keys) + 1)}  # the shorter ones: inline tables
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            section = re.sub(r"[\s\"']", "", header[1])
            best = number if section in spellings else best
        elif (key := re.match(r"\s*([^\s=#]+)\s*=", line)) and _full(section, key[1]) in spellings:
            return number
    return best


def _full(section: str, key: str) -> str:
    return re.sub(r"[\s\"']", "", f"{section}.{key}".lstrip("."))


DEFAULT_CONFIG = """\
# Settings of the customer data platform. Every key can also be set in the environment:
# CDP_DATABASE_URL for database_url, CDP_COMPANY__TIME_ZONE for time_zone in [company].
# Credentials are never written here: cdp sources connect NAME keeps them in the vault; CDP_HUBSPOT_TOKEN beats it.

# Where things are kept. Paths are relative to the folder of this file.
data = "data"                                # SQLite stores, and copies of the mart for BI tools
# lake = "/srv/cdp/lake"                     # default: the folder lake in data
# database_url = "postgresql://user@host/cdp"  # default: SQLite files in data
root_key_file = "~/.config/cdp/root.key"     # opens everything that is encrypted; keep a copy in another place

[company]
base_currency = "EUR"          # ISO 4217
# margin_rate = 0.40           # share of net revenue left after the cost of the goods; needed for clv_historical
# currency_rates = "rates.csv" # daily rates of other currencies: date,currency,rate (docs/currency.md)
time_zone = "Europe/Berlin"    # days, weeks and months are cut here
phone_region = "DE"            # country of phone numbers written without a prefix
jurisdiction = "EU"            # EU, UK, CH or US: decides where a person has decided nothing
k = 5                          # a published cell never rests on fewer persons

[engine]
memory_limit = "1GB"           # of one run of identity or metrics
threads = 2

[identity]
max_records_per_key = 10       # an address or number that more records share joins nobody
probabilistic = true           # compare records that share no key; docs/identity.md says how
join_from = 0.99               # joined from this probability on
review_from = 0.5              # from here on an operator is asked: cdp identity review list
same_source_factor = 10        # two records of one system need this many times the odds for either

# A stream's check fails when this many records could not be mapped, and more than this share of what was read.
[quarantine]
fail_from = 10
fail_share = 0.01

# Who is told when a run fails or a source is not read for two intervals (docs/alerts.md).
# [alerts]
# email_to = ["it@example.com"]
# smtp_host = "mail.example.com"
# webhook_url = "https://hooks.example.com/..."   # may hold a secret: set CDP_ALERTS__WEBHOOK_URL instead

# One section per account to read. Remove the leading marks to connect it.
# [sources.hubspot]
# schedule = "*/30 * * * *"    # cron, in the time zone above
# share = 0.5                  # of the system's limits; the rest is for your other tools
# sweep_share = 0.1            # part of its budget that looking for vanished records may take
#
# [sources.zendesk]
# account = "mycompany"        # the part before .zendesk.com
# schedule = "*/30 * * * *"
#
# [sources.shopify]
# account = "mystore"          # the part before .myshopify.com
# schedule = "*/30 * * * *"
#
# [sources.google_reviews]
# schedule = "15 5 * * *"      # reviews change slowly
# options.locations = ["7741200000000000101"]  # only these; cdp sources check google_reviews lists them all
"""
