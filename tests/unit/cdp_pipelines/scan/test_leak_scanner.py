"""Every kind of value, in every form, in every place; and a clean tree gives nothing."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdp_pipelines.scan import Finding, Skipped, decoding, scan, scan_patterns, scanning

VALUES = {
    "email": "Jana.Kowalczyk+news@post.example",
    "phone": "+49 (30) 1234-5678",
    "name": "Jürgen Ößterreich",
    "address": "Große Straße 12/4, 10117 Berlin",
    "text": 'She said "no" to the "€ 20" offer,\n' + " ".join(f"and asked for part number {n} twice" for n in range(9)),
    "ip": "203.0.113.77",
}
FORMS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "as it is": ("utf-8", str.encode),
    "lower": ("utf-8", lambda value: value.lower().encode()),
    "utf-16 le": ("utf-16", lambda value: value.encode("utf-16-le")),
    "utf-16 be": ("utf-16", lambda value: value.encode("utf-16-be")),
    "hex": ("hex", lambda value: value.encode().hex().encode()),
    "hex upper": ("hex", lambda value: value.encode().hex().upper().encode()),
    **{
        f"base64 at {shift}": ("base64", lambda value, n=shift: b64encode(b"x" * n + value.encode()))
        for shift in range(3)
    },
    "urlsafe": ("base64", lambda value: urlsafe_b64encode(b"?>" + value.encode())),
}


def found(path: Path, *kinds: str) -> list[tuple[str, str, str, int]]:
    report = scan([path], [(kind, VALUES[kind]) for kind in kinds or VALUES])
    assert report.skipped == ()
    return [(f.place, f.kind, f.form, f.count) for f in report.findings]


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("name", FORMS)
def test_finds_every_kind_in_every_form(tmp_path: Path, kind: str, name: str) -> None:
    form, encode = FORMS[name]
    (tmp_path / "f").write_bytes(b"\x80 " + encode(VALUES[kind]) + b" \x80\0")
    hits = found(tmp_path, kind)
    assert {(place, what, how) for place, what, how, _ in hits} == {("raw", kind, form)}


@pytest.mark.parametrize("kind", ["email", "address", "name"])
@pytest.mark.parametrize("encode", [quote, quote_plus], ids=["percent", "plus"])
def test_finds_a_value_in_a_url(tmp_path: Path, kind: str, encode: Callable[..., str]) -> None:
    (tmp_path / "web.log").write_text(f"GET /find?q={encode(VALUES[kind], safe='')}&page=2 200\n")
    assert found(tmp_path, kind) == [("raw", kind, "percent-encoded", 1)]


@pytest.mark.parametrize("levels", [1, 2])
def test_finds_json_escapes(tmp_path: Path, levels: int) -> None:
    line = VALUES["name"]
    for _ in range(levels):
        line = json.dumps({"who": line})
    (tmp_path / "e.json").write_text(line)
    assert found(tmp_path, "name") == [("raw", "name", "json-escaped", 1)]


def test_finds_other_spellings_of_letters_beyond_ascii(tmp_path: Path) -> None:
    name = VALUES["name"]
    (tmp_path / "f").write_bytes(repr(name.encode()).encode() + b"\n" + name.encode("latin-1"))
    assert found(tmp_path, "name") == [
        ("raw", "name", "latin-1", 1),
        ("raw", "name", "python-escaped", 1),
    ]


def test_finds_a_phone_number_without_its_separators(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("1,493012345678\n2,1493012345678\n3,%20493012345678\n")
    assert found(tmp_path, "phone") == [("raw", "phone", "digits", 2)]


def test_finds_a_number_that_touches_another_in_packed_bytes(tmp_path: Path) -> None:
    """Columns of a deleted database row follow one another without a separator."""
    (tmp_path / "f").write_bytes(b"\0\x011493012345678203.0.113.772026")
    assert found(tmp_path) == [("raw", "ip", "utf-8", 1), ("raw", "phone", "digits", 1)]


def test_finds_any_long_part_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(VALUES["text"][70:160])
    assert [hit[:3] for hit in found(tmp_path, "text")] == [("raw", "text", "utf-8")]


def test_finds_a_short_name_only_as_a_whole_cell(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("1,Ana\n2,Anatolia\n3,ana\n4,dear Ana\n")
    (tmp_path / "f.json").write_text('{"first": "Ana"}')
    report = scan([tmp_path], [("name", "Ana"), ("name", "Al")])
    places = [(f.path, f.form, f.count) for f in report.findings]
    assert places == [
        (str(tmp_path / "f.csv"), "whole cell", 1),
        (str(tmp_path / "f.json"), "whole cell", 1),
    ]
    assert (report.values, report.unsearchable) == (2, 1)


@pytest.mark.parametrize("offset", [-40, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1])
def test_finds_a_value_across_the_blocks_content_is_read_in(tmp_path: Path, offset: int) -> None:
    block = 3 << 16
    (tmp_path / "f").write_bytes(b"." * (block + offset) + VALUES["email"].encode() + b".")
    assert found(tmp_path) == [("raw", "email", "utf-8", 1)]


@pytest.mark.parametrize("size", range(1, 32))
def test_content_may_end_anywhere_in_a_value(tmp_path: Path, size: int) -> None:
    (tmp_path / "f").write_text(VALUES["email"][:size])
    assert found(tmp_path) == []


@pytest.mark.parametrize("before", range(40, 80))
def test_finds_a_value_where_two_parts_of_a_long_text_meet(
    tmp_path: Path, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_PART_BYTES", 64)
    (tmp_path / "f.log").write_text("." * before + "Lange Gasse 7\n10117 Berlin" + "." * 99)
    report = scan([tmp_path], [("address", "Lange Gasse 7\n10117 Berlin")])
    assert {(finding.place, finding.kind) for finding in report.findings} == {("raw", "address")}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda plain: pa.compress(plain, codec="zstd", asbytes=True),
}


def zipped(name: str, plain: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(out := io.BytesIO(), "w", method) as archive:
        archive.writestr(name, plain)
    return out.getvalue()


def tarred(name: str, plain: bytes) -> bytes:
    with tarfile.open(fileobj=(out := io.BytesIO()), mode="w") as archive:
        (entry := tarfile.TarInfo(name)).size = len(plain)
        archive.addfile(entry, io.BytesIO(plain))
    return out.getvalue()


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("name", PACKERS)
def test_finds_every_kind_in_compressed_files(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "f").write_bytes(PACKERS[name](VALUES[kind].encode()))
    hits = {hit[:3] for hit in found(tmp_path, kind)}
    assert hits - {("raw", kind, "utf-8")} == {(f"raw > {name}", kind, "utf-8")}


@pytest.mark.parametrize("name", ["gzip", "zlib", "zstd"])
def test_finds_a_compressed_value_in_a_base64_line(tmp_path: Path, name: str) -> None:
    packed = b64encode(PACKERS[name](b"0123456789" * 9 + VALUES["email"].encode()))
    (tmp_path / ".env").write_bytes(b"BLOB=" + packed + b"\n")
    assert (f"raw > base64 > {name}", "email", "utf-8", 1) in found(tmp_path)


def parquet(table: pa.Table, **options: object) -> bytes:
    pq.write_table(table, out := io.BytesIO(), **options)
    return out.getvalue()


COLUMNS: dict[str, Callable[[list[str]], pa.Array]] = {
    "string": pa.array,
    "large": lambda cells: pa.array(cells, pa.large_string()),
    "binary": lambda cells: pa.array([cell.encode() for cell in cells], pa.binary()),
    "dictionary": lambda cells: pa.array(cells).dictionary_encode(),
    "list": lambda cells: pa.array([cells, None, []]),
    "struct": lambda cells: pa.array([{"deep": {"er": cell}} for cell in cells]),
    "map": lambda cells: pa.array([[(c, 1)] for c in cells], pa.map_(pa.string(), pa.int8())),
}


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "brotli", "lz4"])
@pytest.mark.parametrize("shape", COLUMNS)
def test_finds_every_kind_in_parquet_columns(tmp_path: Path, shape: str, codec: str) -> None:
    filler = [f"row {n} of many" * 3 for n in range(500)]
    cells = [*filler, *VALUES.values(), *filler]
    table = pa.table({"payload": COLUMNS[shape](cells)})
    (tmp_path / "f.parquet").write_bytes(parquet(table, compression=codec, write_statistics=False))
    hits = {hit[:2] for hit in found(tmp_path)}
    assert hits >= {("parquet column payload", kind) for kind in VALUES}


def test_finds_a_phone_number_in_number_columns(tmp_path: Path) -> None:
    columns = {"whole": [493012345678, 1], "real": [493012345678.0, None]}
    (tmp_path / "f.parquet").write_bytes(parquet(pa.table(columns), write_statistics=False))
    assert found(tmp_path) == [
        ("parquet column real", "phone", "digits", 1),
        ("parquet column whole", "phone", "digits", 1),
    ]


def test_finds_values_in_parquet_footers(tmp_path: Path) -> None:
    table = pa.table({"email": ["a", VALUES["email"]]})
    table = table.replace_schema_metadata({"note": VALUES["address"]})
    (tmp_path / "f.parquet").write_bytes(parquet(table, compression="zstd"))
    assert {hit[:2] for hit in found(tmp_path)} == {
        ("parquet column email", "email"),
        ("parquet statistics email", "email"),
        ("parquet metadata", "address"),
        ("parquet file", "address"),
        ("parquet file", "email"),
    }


def test_finds_values_in_a_delta_log(tmp_path: Path) -> None:
    table = pa.table({"who": [VALUES["name"], "b"], "n": [1, 2]})
    deltalake.write_deltalake(tmp_path / "t", table)
    lake = deltalake.DeltaTable(tmp_path / "t")
    lake.create_checkpoint()
    lake.delete(f"who = '{VALUES['name']}'")
    hits = {hit[:2] for hit in found(tmp_path / "t" / "_delta_log")}
    assert hits >= {("delta log", "name"), ("parquet column add", "name")}
    (tmp_path / "t/_delta_log/00000000000000000000.json").unlink()
    predicate = [f for f in found(tmp_path / "t" / "_delta_log") if f[0] == "delta log"]
    assert predicate


def database(path: Path, *, journal: str = "delete") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("PRAGMA secure_delete = off")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body)")
    return connection


@pytest.mark.parametrize("kind", VALUES)
def test_finds_every_kind_in_sqlite_values_and_pages(tmp_path: Path, kind: str) -> None:
    with database(tmp_path / "f.db") as connection:
        connection.execute("INSERT INTO t (body) VALUES (?)", [VALUES[kind]])
    connection.close()
    assert {hit[:2] for hit in found(tmp_path, kind)} == {
        ("sqlite page", kind),
        ("sqlite value t.body", kind),
    }


def test_finds_a_value_split_over_sqlite_pages(tmp_path: Path) -> None:
    connection = database(tmp_path / "f.db")
    long_cell = b"".join(b"%032x" % n for n in range(400))
    packed = gzip.compress(long_cell + VALUES["email"].encode(), 1)
    connection.execute("INSERT INTO t (body) VALUES (?)", [packed])
    connection.close()
    assert ("sqlite value t.body > gzip", "email", "utf-8", 1) in found(tmp_path)


def test_finds_a_deleted_row_in_a_free_page(tmp_path: Path) -> None:
    connection = database(tmp_path / "f.db")
    connection.execute("INSERT INTO t (body) VALUES (?)", [VALUES["email"]])
    connection.execute("DELETE FROM t")
    connection.close()
    assert found(tmp_path) == [("sqlite page", "email", "utf-8", 1)]


def test_finds_a_value_that_is_only_in_the_wal_and_leaves_it_alone(tmp_path: Path) -> None:
    connection = database(tmp_path / "f.db", journal="wal")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO t (body) VALUES (?)", [VALUES["email"]])
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    hits = found(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    connection.close()
    assert hits == [
        ("sqlite value t.body", "email", "utf-8", 1),
        ("sqlite wal", "email", "utf-8", 1),
    ]


@pytest.mark.parametrize("kind", VALUES)
def test_finds_every_kind_in_pickles_and_archives(tmp_path: Path, kind: str) -> None:
    plain = b"%PDF-x\n" * 9 + VALUES[kind].encode()
    (tmp_path / "a.pickle").write_bytes(pickle.dumps({"v": VALUES[kind]}))
    (tmp_path / "b.zip").write_bytes(zipped("x", plain))
    (tmp_path / "c.tar").write_bytes(tarred("x", plain))
    (tmp_path / "d.tgz").write_bytes(gzip.compress(tarred("x", plain)))
    places = {hit[0] for hit in found(tmp_path, kind)}
    assert places == {
        "raw",
        "raw > zip member",
        "raw > tar member",
        "raw > gzip",
        "raw > gzip > tar member",
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_decodes_parquet_inside_an_archive(tmp_path: Path, method: int) -> None:
    table = pa.table({"mail": [VALUES["email"]]})
    file = parquet(table, compression="zstd", write_statistics=False, use_dictionary=False)
    (tmp_path / "b.zip").write_bytes(zipped("f.parquet", file, method))
    assert ("raw > zip member > parquet column mail", "email", "utf-8", 1) in found(tmp_path)


def test_a_value_in_a_file_name_is_found_and_not_repeated(tmp_path: Path) -> None:
    folder = tmp_path / f"email={quote(VALUES['email'])}"
    folder.mkdir()
    (folder / "part").write_text("nothing")
    report = scan([tmp_path], VALUES.items())
    expected = Finding(str(tmp_path / "?"), "file name", "email", "percent-encoded", 1)
    assert report.findings == (expected,)


def test_a_clean_tree_gives_no_finding(tmp_path: Path) -> None:
    (tmp_path / "f.parquet").write_bytes(parquet(pa.table({"status": ["open"], "n": [12345678]})))
    (tmp_path / "f.gz").write_bytes(gzip.compress(b"nobody"))
    (tmp_path / "f.log").write_text("2026-01-01 INFO 203.0.113.7 203.0.113.770 1203.0.113.77\n")
    database(tmp_path / "f.db").close()
    report = scan([tmp_path], VALUES.items())
    assert (report.findings, report.skipped, report.files, report.ok) == ((), (), 4, True)


def test_what_cannot_be_decoded_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 broken PAR1")
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0" + b"x" * 4080)
    (tmp_path / "c.gz").write_bytes(gzip.compress(b"0123456789" * 99)[:-9])
    report = scan([tmp_path], VALUES.items())
    assert report.skipped == (
        Skipped(str(tmp_path / "a.parquet"), "parquet file", "ArrowInvalid"),
        Skipped(str(tmp_path / "b.db"), "sqlite page", "DatabaseError"),
        Skipped(str(tmp_path / "c.gz"), "raw", "StreamError"),
    )
    assert not report.ok


def test_progress_ends_at_the_size_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")
    seen: list[tuple[int, int]] = []
    scan([tmp_path], [], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(5, 8), (8, 8)]


def test_shapes_are_found_unless_allowed(tmp_path: Path) -> None:
    lines = "jana@shop.example ops@vendor.test a@docs.vendor.test +493012345678 +4915112345678"
    (tmp_path / "f.gz").write_bytes(gzip.compress(lines.encode(), 9))
    report = scan_patterns([tmp_path], allow=["vendor.test", "+493012345678"])
    hits = [(f.place, f.kind, f.count) for f in report.findings]
    assert hits == [("raw > gzip", "e-mail shape", 1), ("raw > gzip", "phone shape", 1)]


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"\x80\0jana@shop.example\0\x80", []),
        (b"\x80\0Jana\tjana@shop.example\t12\0\x80", ["e-mail shape"]),
        (b"\x80\0ring +493012345678 at noon\0\x80", ["phone shape"]),
        (b"jana@shop.example", ["e-mail shape"]),
        (b"Ab+493012345678Yz", []),
        (b"tel+493012345678", ["phone shape"]),
    ],
)
def test_shapes_in_binary_content_count_only_among_text(tmp_path: Path, content: bytes, kinds: list[str]) -> None:
    (tmp_path / "f").write_bytes(content)
    assert [finding.kind for finding in scan_patterns([tmp_path]).findings] == kinds


@pytest.mark.parametrize("when", ["listed", "read"])
def test_a_file_that_goes_away_meanwhile_is_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    (tmp_path / "stays.txt").write_text("anna@example.com")
    gone = tmp_path / "control.db-wal"
    gone.write_text("x")
    name = {"listed": "_size", "read": "file_pieces"}[when]
    real = getattr(scanning, name)

    def late(path: Path) -> Any:
        gone.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(scanning, name, late)
    report = scan([tmp_path], [("email", "anna@example.com")])
    assert [Path(finding.path).name for finding in report.findings] == ["stays.txt"]
    assert not report.skipped
