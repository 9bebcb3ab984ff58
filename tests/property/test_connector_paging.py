"""Pages concatenated are the collection, for any page size; a search by id loses nothing that moves meanwhile."""

import asyncio
from contextlib import asynccontextmanager

import orjson
from hypothesis import given
from hypothesis import strategies as st

from connectors.bulk import BulkFile
from connectors.errors import SpoiltError
from connectors.graphql import ask, at
from connectors.graphql import next_page as next_end_cursor
from connectors.paging import after_last_id, export_cursor, export_time, list_cursor, next_after, offset_while_more
from connectors.spec import Request

numbers = st.lists(st.integers(1, 10_000), unique=True, max_size=40).map(sorted)
sizes = st.integers(1, 7)


def all_pages(first, answer, paging):
    """What a reader that asks until it is told to stop has seen."""
    found, request = [], first
    while request is not None:
        body, records = answer(request)
        found += records
        request = paging(request, body)
        assert len(found) < 10_000
    return found


@given(numbers, sizes)
def test_listings_by_token(ids, size):
    def part(request, name):
        start = int(request.params.get(name, 0))
        return ids[start : start + size], start + size, start + size < len(ids)

    def listing(request):
        records, following, more = part(request, "after")
        return {"paging": {"next": {"after": following}}} if more else {}, records

    def cursor_list(request):
        records, following, more = part(request, "page[after]")
        return {"meta": {"has_more": more, "after_cursor": following}}, records

    def offsets(request):
        records, following, more = part(request, "offset")
        return {"hasMore": more, "offset": following}, records

    def export(request):
        assert ("start_time" in request.params) != ("cursor" in request.params)
        records, following, more = part(request, "cursor")
        return {"end_of_stream": not more, "after_cursor": following}, records

    plain = Request("/x")
    assert all_pages(plain, listing, next_after) == ids
    assert all_pages(plain, cursor_list, list_cursor) == ids
    assert all_pages(plain, offsets, offset_while_more) == ids
    assert all_pages(Request("/x", {"start_time": "1"}), export, export_cursor) == ids


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 10_000)), unique=True, max_size=40).map(sorted), sizes)
def test_time_exports_with_many_records_in_one_second(records, size):
    """A page ends where the second changes, never inside the one it starts with: so the vendor does it."""

    def export(request):
        rest = [record for record in records if record[0] >= int(request.params["start_time"])]
        page = rest[:size]
        if page and page[-1][0] == page[0][0]:
            page = [r for r in rest if r[0] == page[0][0]] + [r for r in rest if r[0] > page[0][0]][:1]
        return {"end_time": page[-1][0] if page else None, "end_of_stream": len(page) == len(rest)}, page

    found = all_pages(Request("/x", {"start_time": "1"}), export, export_time)
    assert sorted(set(found)) == records


@given(numbers, sizes, st.data())
def test_a_search_by_id_finds_every_record_that_was_there_all_along(ids, size, data):
    """Records leave the result while it is paged through: none of those that stay is skipped."""
    present, stayed = set(ids), set(ids)
    search = {"filterGroups": [{"filters": [{"propertyName": "id", "operator": "GT", "value": "0"}]}]}

    def answer(request):
        above = int(request.json["filterGroups"][0]["filters"][-1]["value"])
        matching = sorted(number for number in present if number > above)
        page = [{"id": str(number)} for number in matching[:size]]
        leaving = data.draw(st.sets(st.sampled_from(sorted(present)), max_size=2)) if present else set()
        present.difference_update(leaving)
        stayed.difference_update(leaving)
        more = {"paging": {"next": {"after": "x"}}} if len(matching) > size else {}
        return {"results": page, **more}, [int(record["id"]) for record in page]

    assert stayed <= set(all_pages(Request("/x", json=search), answer, after_last_id))


@given(numbers, sizes)
def test_connections_of_graphql(ids, size):
    def answer(request):
        asked = request.json["variables"]
        start = int(asked["after"] or 0)
        more = start + size < len(ids)
        info = {"hasNextPage": more, "endCursor": str(start + size) if more else None}
        body = {"data": {"things": {"nodes": ids[start : start + size], "pageInfo": info}}}
        return body, at(body, "data.things.nodes")

    first = ask("/x", "query", first=size, after=None)
    assert all_pages(first, answer, next_end_cursor("data.things")) == ids


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3), max_size=8),
    st.integers(0, 400),
    st.integers(1, 9),
)
def test_a_bulk_file_cut_anywhere_is_noticed_and_what_was_given_before_is_whole(families, cut, chunk):
    """Whatever the children hold, wherever the file ends, however it arrives in pieces."""
    parents = [{"id": f"gid://x/Parent/{n}"} for n in range(len(families))]
    expected, lines = [], []
    for parent, texts in zip(parents, families, strict=True):
        children = [{"id": "gid://x/Child/1", "text": text} for text in texts]
        lines += [parent, *({**child, "__parentId": parent["id"]} for child in children)]
        expected.append({**parent, "children": {"nodes": children}} if children else parent)
    content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    whole = cut >= len(content.rstrip())
    found, error = taken(content[:cut] if not whole else content, len(lines), chunk)
    assert found == expected[: len(found)]
    assert (error is None) == whole
    assert not whole or found == expected


def taken(content, count, chunk):
    """What is read of a file that comes in pieces of ``chunk`` bytes, and the error at its end."""

    async def pieces():
        for start in range(0, len(content), chunk):
            yield content[start : start + chunk]

    class Client:
        @asynccontextmanager
        async def file(self, _url, _label):
            yield pieces()

    found = []

    async def read():
        file = BulkFile("https://x.example", "file", count, {"Child": "children"})
        async for parent, _ in file.parents(Client()):
            found.append(parent)

    try:
        asyncio.run(read())
    except SpoiltError as error:
        return found, error
    return found, None
