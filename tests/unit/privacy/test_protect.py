"""Rows in, protected rows out, and back."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar

import pyarrow as pa
import pytest
from fake_vault import FakeVault

from models import AutomationRun, Message, Person, Ticket
from models.derive import arrow_schema, validator
from models.fields import Category, Entity, Match, Personal
from privacy.clear import Clear
from privacy.errors import InvalidCiphertextError, UnknownSubjectError, UnprotectableError, UnprotectedError
from privacy.fields import FieldCipher, Place
from privacy.keys import KeyRing, RootKey
from privacy.protect import ProtectedRows, Protector, Revealer, refuse_unprotected
from privacy.subjects import StoredSubject, SubjectKeys, SubjectRef

READ_AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
WHEN = "2026-01-01T10:00:00Z"


def person(id_: str = "1", **values: Any) -> dict[str, Any]:
    return validator(Person)({"source": "hubspot", "source_id": id_, "version_at": WHEN, **values})


def ticket(id_: str, requester: str | None, **values: Any) -> dict[str, Any]:
    row = {"source": "zendesk", "source_id": id_, "version_at": WHEN, "created_at": WHEN, "status": "open"}
    return validator(Ticket)({**row, "requester_id": requester, **values})


def message(id_: str, ticket_id: str, body: str = "words") -> dict[str, Any]:
    row = {"source": "zendesk", "source_id": id_, "version_at": WHEN, "at": WHEN}
    return validator(Message)({**row, "ticket_id": ticket_id, "body": body})


def protect(protector: Protector, entity: type[Entity], *rows: dict[str, Any]) -> ProtectedRows:
    return protector.protect(entity, rows, run_id="run-1", read_at=READ_AT)


def test_a_row_comes_out_protected_and_can_be_revealed(protector: Protector, revealer: Revealer) -> None:
    values = {
        "given_name": "Jané",
        "email": "Jane@Example.com",
        "other_emails": ["jane@example.com", "JANE@example.com", "no address"],
        "phone": "030 1234567",
        "other_phones": [],
    }
    protected = protect(protector, Person, person(account_id="7", **values))
    table = protected.table
    assert table.schema.names == [name for name in arrow_schema(Person).names if name != "commit_seq"]
    assert (protected.entity, protected.dropped_erased, table.num_rows) == (Person, 0, 1)
    row = table.to_pylist()[0]
    facts = {"source", "source_id", "version_at", "account_id", "read_at", "run_id", "deleted", "city"}
    assert {name: row[name] for name in facts} == {
        "source": "hubspot",
        "source_id": "1",
        "version_at": datetime(2026, 1, 1, 10, tzinfo=UTC),
        "account_id": "7",
        "read_at": READ_AT,
        "run_id": "run-1",
        "deleted": False,
        "city": None,
    }
    email = protector.token(Match.EMAIL, "jane@example.com")
    phone = protector.token(Match.PHONE, "+49 30 1234567")
    assert email is not None
    assert phone is not None
    assert (row["email_token"], row["other_emails_tokens"]) == (email.stored, [email.stored])
    assert (row["phone_token"], row["other_phones_tokens"]) == (phone.stored, [])
    assert not any(b"ane" in row[name] for name in ("given_name", "email", "other_emails"))
    assert revealer.reveal(Person, table, [*values, "city"]) == [
        {"source": "hubspot", "source_id": "1", **values, "city": None}
    ]
    refuse_unprotected(Person, table)


def test_what_is_no_identifier_has_a_ciphertext_and_no_token(protector: Protector) -> None:
    row = protect(protector, Person, person(email="none", phone="12")).table.to_pylist()[0]
    assert (row["email_token"], row["phone_token"]) == (None, None)
    assert row["email"] is not None
    assert protector.token(Match.EMAIL, "none") is None


def test_no_rows_give_an_empty_table(protector: Protector, revealer: Revealer) -> None:
    table = protect(protector, Person).table
    assert table.num_rows == 0
    assert revealer.reveal(Person, table, ["email"]) == []
    refuse_unprotected(Person, table)


def test_one_look_up_and_one_write_per_batch(protector: Protector, vault: FakeVault) -> None:
    protect(protector, Person, person("1"), person("2"), person("1"))
    protect(protector, Person, person("1"), person("2"))
    assert vault.calls == ["find", "create", "find"]
    assert len(vault.subjects) == 2


def test_a_message_belongs_to_the_requester_of_its_ticket(protector: Protector, vault: FakeVault) -> None:
    tickets = protect(protector, Ticket, ticket("77", "5"), ticket("78", "5"), ticket("79", None))
    messages = protect(protector, Message, message("1", "77"), message("2", "79"))
    same, also, own = tickets.table["subject_id"].to_pylist()
    assert same == also != own
    assert messages.table["subject_id"].to_pylist() == [same, own]
    assert {ref: vault.refs[ref] for ref in vault.refs} == {
        SubjectRef("zendesk", "person", "5"): same,
        SubjectRef("zendesk", "ticket", "77"): same,
        SubjectRef("zendesk", "ticket", "78"): same,
        SubjectRef("zendesk", "ticket", "79"): own,
    }


def test_a_message_seen_before_its_ticket_keeps_its_subject(protector: Protector, revealer: Revealer) -> None:
    before = protect(protector, Message, message("1", "77")).table
    about = protect(protector, Ticket, ticket("77", "5")).table
    after = protect(protector, Message, message("2", "77")).table
    assert before["subject_id"].to_pylist() == after["subject_id"].to_pylist() != about["subject_id"].to_pylist()
    assert revealer.reveal(Message, before, ["body"])[0]["body"] == "words"


def test_a_row_about_nobody_is_its_own_subject(protector: Protector, vault: FakeVault) -> None:
    row = {"source": "cdp", "source_id": "r", "version_at": WHEN, "process": "sync/x", "root_run_id": "r"}
    run = validator(AutomationRun)({**row, "started_at": WHEN, "status": "success"})
    protect(protector, AutomationRun, run)
    assert list(vault.refs) == [SubjectRef("cdp", "automation_run", "r")]


def test_rows_of_an_erased_subject_are_dropped_and_counted(protector: Protector, vault: FakeVault) -> None:
    protect(protector, Ticket, ticket("77", "5"), ticket("78", "6"))
    vault.erase(SubjectRef("zendesk", "person", "5"))
    again = protect(protector, Ticket, ticket("77", "5"), ticket("78", "6"), ticket("80", "5"))
    later = protect(protector, Message, message("1", "80"))
    assert (again.dropped_erased, again.table["source_id"].to_pylist()) == (2, ["78"])
    assert (later.dropped_erased, later.table.num_rows) == (1, 0)


def test_rows_given_by_column_come_out_like_rows_given_one_by_one(protector: Protector, vault: FakeVault) -> None:
    rows = [ticket("77", "5"), ticket("78", "6", created_at=READ_AT), ticket("79", "5"), ticket("80", None)]
    names = [name for name in arrow_schema(Ticket).names if name in rows[0]]
    columns = pa.Table.from_pylist(rows, schema=pa.schema([arrow_schema(Ticket).field(name) for name in names]))

    def both() -> list[ProtectedRows]:
        given: list[Any] = [rows, columns]
        return [protector.protect(Ticket, each, run_id="run-1", read_at=READ_AT) for each in given]

    by_row, by_column = both()
    assert by_row.table.num_rows == 4
    assert by_column.table.equals(by_row.table)
    vault.erase(SubjectRef("zendesk", "person", "5"))
    by_row, by_column = both()
    assert by_row.dropped_erased == by_column.dropped_erased == 2
    assert by_column.table.equals(by_row.table)


def test_an_erased_subject_reveals_nothing(protector: Protector, revealer: Revealer, vault: FakeVault) -> None:
    table = protect(protector, Person, person("1", city="Berlin"), person("2", city="Bonn")).table
    vault.erase(SubjectRef("hubspot", "person", "1"))
    assert [row["city"] for row in revealer.reveal(Person, table, ["city"])] == [None, "Bonn"]


def test_rows_of_another_vault_are_refused(protector: Protector, ring: KeyRing) -> None:
    table = protect(protector, Person, person(city="Berlin")).table
    with pytest.raises(UnknownSubjectError, match="1 of 1"):
        Revealer(ring, FakeVault()).reveal(Person, table, ["city"])


def test_the_first_writer_of_a_reference_wins(ring: KeyRing) -> None:
    """Another process creates the same person between our look-up and our write."""
    vault = FakeVault()
    first = Protector(ring, vault, phone_region="DE")
    theirs = protect(first, Person, person(city="Berlin")).table["subject_id"].to_pylist()

    class BlindOnce(FakeVault):
        def find(self, refs: Collection[SubjectRef]) -> dict[SubjectRef, StoredSubject]:
            return super().find([] if refs else refs)

    late = BlindOnce()
    late.refs, late.subjects = vault.refs, vault.subjects
    ours = protect(Protector(ring, late, phone_region="DE"), Person, person(city="Bonn")).table
    assert ours["subject_id"].to_pylist() == theirs
    assert Revealer(ring, vault).reveal(Person, ours, ["city"])[0]["city"] == "Bonn"


def test_a_value_moved_to_another_row_or_column_does_not_open(protector: Protector, revealer: Revealer) -> None:
    table = protect(protector, Ticket, ticket("1", "5", title="a"), ticket("2", "5", title="b")).table
    for source_ids in (["2", "1"], ["1", "1"]):
        moved = table.set_column(1, "source_id", pa.array(source_ids))
        with pytest.raises(InvalidCiphertextError):
            revealer.reveal(Ticket, moved, ["title"])
    people = protect(protector, Person, person(city="a", street="b")).table
    swapped = people.rename_columns({"city": "street", "street": "city"})
    with pytest.raises(InvalidCiphertextError):
        revealer.reveal(Person, swapped, ["city"])


def test_a_ciphertext_of_another_version_does_not_open(protector: Protector, revealer: Revealer) -> None:
    row = protect(protector, Person, person(city="a")).table.select(["source", "source_id", "subject_id", "city"])
    newer = b"\x02" + row["city"][0].as_py()[1:]
    with pytest.raises(InvalidCiphertextError):
        revealer.reveal(Person, row.set_column(3, "city", pa.array([newer], pa.binary())), ["city"])


def test_the_batch_and_the_single_cipher_read_each_other(
    protector: Protector, revealer: Revealer, ring: KeyRing, vault: FakeVault
) -> None:
    row = protect(protector, Person, person(city="Berlin")).table.select(["source", "source_id", "subject_id", "city"])
    (subject,) = vault.subjects.values()
    place = Place(table="person", field="city", source="hubspot", source_id="1")
    stored = FieldCipher(ring).encrypt("Bonn", subject=subject, place=place).stored
    other = row.set_column(3, "city", pa.array([stored], pa.binary()))
    assert revealer.reveal(Person, other, ["city"])[0]["city"] == "Bonn"


def test_a_wrapped_reveal_prints_categories_alone(protector: Protector, revealer: Revealer) -> None:
    table = protect(protector, Person, person(city="Berlin", email="j@example.com")).table
    (row,) = revealer.reveal_wrapped(Person, table, ["city", "email", "street"])
    city = row["city"]
    assert isinstance(city, Clear)
    assert city.take_out() == "Berlin"
    assert repr(row) == (
        "{'source': 'hubspot', 'source_id': '1', 'city': Clear(address), 'email': Clear(contact), 'street': None}"
    )


def digest(protector: Protector, row: dict[str, Any]) -> bytes:
    value: bytes = protect(protector, Person, row).table["digest"][0].as_py()
    return value


def test_the_digest_changes_with_the_row_and_with_nothing_else(
    protector: Protector, ring: KeyRing, root: RootKey
) -> None:
    base = person(email="a@example.com", created_at=WHEN)
    elsewhere = Protector(ring, FakeVault(), phone_region="US")
    same_instant = {**base, "created_at": base["created_at"].astimezone(timezone(timedelta(hours=5, minutes=30)))}
    assert {digest(protector, base), digest(elsewhere, base), digest(protector, same_instant)} == {
        digest(protector, base)
    }
    changes: list[dict[str, Any]] = [
        {"email": "A@example.com"},
        {"deleted": True},
        {"version_at": READ_AT},
        {"city": ""},
        {"other_emails": []},
        {"created_at": None},
        {"source_id": "2"},
    ]
    assert len({digest(protector, base | change) for change in changes} | {digest(protector, base)}) == 8
    stranger = Protector(KeyRing.create(root)[0], FakeVault(), phone_region="DE")
    assert digest(stranger, base) != digest(protector, base)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"city": "secret\ud800"}, id="not Unicode"),
        pytest.param({"account_id": 7}, id="fact of another type"),
        pytest.param({"created_at": "secret"}, id="no time"),
        pytest.param({"city": "x", "region": {"secret"}}, id="no JSON form"),
    ],
)
def test_a_row_that_skipped_validation_is_refused_and_not_quoted(protector: Protector, change: dict[str, Any]) -> None:
    with pytest.raises(UnprotectableError) as caught:
        protect(protector, Person, person() | change)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_personal_value_is_text(protector: Protector) -> None:
    class Odd(Entity):
        __entity__: ClassVar[str] = "odd"
        __grain__: ClassVar[str] = "none"
        age: Annotated[int, Personal(Category.SPECIAL, "Age")]

    with pytest.raises(TypeError, match=r"odd\.age"):
        protect(protector, Odd)


def test_only_protect_makes_protected_rows() -> None:
    with pytest.raises(TypeError, match=r"Protector\.protect"):
        ProtectedRows("me", Person, pa.table({}), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        pytest.param("email", ["jane@example.com"], pa.string(), id="text"),
        pytest.param("email", [b"jane@example.com and more bytes of it"], pa.binary(), id="clear bytes"),
        pytest.param("email", [b"\x01\x01short"], pa.binary(), id="too short"),
        pytest.param("email_token", ["jane"], pa.string(), id="token as text"),
        pytest.param("email_token", [b"\x01\x01" + bytes(17)], pa.binary(), id="token too long"),
        pytest.param("email_token", [bytes(18)], pa.binary(), id="token of no version"),
        pytest.param("other_emails_tokens", [[b"jane"]], pa.list_(pa.binary()), id="list of no tokens"),
        pytest.param("other_emails_tokens", [["jane"]], pa.list_(pa.string()), id="list of texts"),
        pytest.param("nickname", ["Jane"], pa.string(), id="undeclared"),
    ],
)
def test_refuses_a_table_with_something_unprotected(
    protector: Protector, column: str, values: list[Any], kind: pa.DataType
) -> None:
    table = protect(protector, Person, person(email="jane@example.com", other_emails=["a@example.com"])).table
    kept = table.drop_columns([column]) if column in table.column_names else table
    with pytest.raises(UnprotectedError, match=f"columns {column} hold") as caught:
        refuse_unprotected(Person, kept.append_column(column, pa.array(values, kind)))
    assert "jane" not in str(caught.value)


def test_one_unprotected_value_among_many_is_found(protector: Protector) -> None:
    table = protect(protector, Person, person("1", city="a"), person("2"), person("3", city="c")).table
    values = table["city"].to_pylist()
    position = table.schema.get_field_index("city")
    bad = table.set_column(position, "city", pa.chunked_array([values[:2], [b"Berlin"]], pa.binary()))
    with pytest.raises(UnprotectedError, match="city"):
        refuse_unprotected(Person, bad)


def test_a_key_that_was_rotated_still_reads(ring: KeyRing, vault: FakeVault, protector: Protector) -> None:
    table = protect(protector, Person, person(city="Berlin")).table
    newer = ring.with_new_key("kek")
    protect(Protector(newer, vault, phone_region="DE"), Person, person("2"))
    assert Revealer(newer, vault).reveal(Person, table, ["city"])[0]["city"] == "Berlin"
    assert {stored.kek_id for stored in vault.subjects.values()} == {1, 2}


def test_in_one_batch_a_subject_is_asked_for_and_opened_once(
    protector: Protector, revealer: Revealer, vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    protect(protector, Person, person("1", city="Kiel"))
    unwrapped: list[bytes] = []
    unwrap = SubjectKeys._unwrap
    monkeypatch.setattr(SubjectKeys, "_unwrap", lambda keys, one: unwrapped.append(one.subject_id) or unwrap(keys, one))
    vault.calls.clear()

    with protector.one_batch():
        first = protect(protector, Person, person("1", city="Kiel"), person("2", city="Bonn"))
        second = protect(protector, Person, person("1", city="Köln"), person("2", city="Jena"))

    assert vault.calls == ["find", "create"]
    assert unwrapped == [vault.refs[SubjectRef("hubspot", "person", "1")]]
    monkeypatch.undo()
    cities = [row["city"] for rows in (first, second) for row in revealer.reveal(Person, rows.table, ["city"])]
    assert cities == ["Kiel", "Bonn", "Köln", "Jena"]


def test_a_subject_erased_between_batches_is_seen(protector: Protector, vault: FakeVault) -> None:
    with protector.one_batch():
        protect(protector, Person, person("1", city="Kiel"))
    vault.erase(SubjectRef("hubspot", "person", "1"))

    with protector.one_batch():
        assert protect(protector, Person, person("1", city="Kiel")).dropped_erased == 1
