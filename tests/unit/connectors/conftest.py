"""An invented vendor on ``httpx.MockTransport``: answers from a script, asked without waiting."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from connectors import Budget, Connection, Patience, Source, Stream, Wiring
from connectors.auth import Bearer
from connectors.cursors import ExportCursor
from connectors.limiter import LocalLedger
from connectors.paging import export_cursor
from connectors.shapes import fields
from connectors.spec import Probe, Request, Window
from connectors.windows import Told
from models import Account

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def map_company(record, _context):
    row = {"source_id": str(record["id"]), "version_at": record["updated_at"], "name": record["name"]}
    return [(Account, row)]


COMPANIES = Stream(
    name="companies",
    entities=(Account,),
    path="/companies",
    rows_at="companies",
    map=map_company,
    fields=fields(whole="id", text="name", time="updated_at"),
    cursor=ExportCursor(),
    paging=export_cursor,
)

ACME = Source(
    name="acme",
    base_url="https://{account}.acme.example",
    auth=Bearer,
    budget=Budget(windows=(Window(100, 1, told=Told("X-Left", reset="X-Reset")),)),
    streams=(COMPANIES,),
    probes=(Probe(Request("/me"), "companies.read"),),
    credential_help="Make a token on the moon.",
    missing_scopes=lambda body: tuple(body.get("missing", ())),
)


class Vendor:
    """Answers with ``script`` in order, the last one for ever; an exception in it is raised. Time passes in waits."""

    def __init__(self, *script, source=ACME):
        self.script, self.source = list(script), source
        self.requests, self.waits, self.attempts, self.now = [], [], [], 1000.0

    def handle(self, request):
        self.requests.append(request)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(200, json=answer)
        return answer

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def connection(self, *, patience=None, wiring=None, **changes):
        given = {
            "token": "secret",
            "account": "ours",
            "base_url": None,
            "rate_scale": 1,
            "options": {},
            "clock": lambda: NOW,
            "observer": self.attempts.append,
        }
        wiring = wiring or Wiring(
            ledger=LocalLedger(lambda: self.now),
            sleep=self.sleep,
            transport=httpx.MockTransport(self.handle),
            patience=patience or Patience(),
        )
        return Connection(self.source, **{**given, **changes}, wiring=wiring)

    def read(self, *, cursor=None, since=None, retry_ids=(), stream=None, **changes):
        """Every page of a read; the errors of a read come out as they are."""
        changes.setdefault("patience", Patience(attempts=3))

        async def run():
            async with self.connection(**changes) as connection:
                read = connection.read(
                    stream or self.source.streams[0], cursor=cursor, since=since, retry_ids=retry_ids
                )
                return [page async for page in read]

        return asyncio.run(run())

    def check(self, **changes):
        async def run():
            async with self.connection(**changes) as connection:
                return await connection.check()

        return asyncio.run(run())

    @property
    def queries(self):
        return [dict(request.url.params) for request in self.requests]


@pytest.fixture
def vendor():
    return Vendor


@pytest.fixture
def acme():
    """The source, to be varied with ``dataclasses.replace``."""
    return ACME


@pytest.fixture
def vary():
    """``vary(by_ids=…)``: the invented source with its stream changed."""
    return lambda **changes: replace(ACME, streams=(replace(COMPANIES, **changes),))


@pytest.fixture
def company():
    return lambda number, **more: {"id": number, "name": "Foo", "updated_at": "2026-01-02T03:04:05Z", **more}
