from dataclasses import replace

import pytest

from cdp_pipelines.identity.clusters import KEY_TYPES, MAX_CLUSTER_RECORDS, cluster
from tests.unit.cdp_pipelines.identity.persons import Clear, Person, groups, table

ANNA = Person("1", name="Anna Sand", emails=("anna@a.example",), phones=("+491",))


def together(*people: Person, limit: int = 10) -> set[frozenset[str]]:
    """Clusters of more than one record, as sets of ids."""
    return {frozenset(source_id for _, source_id in group) for group in groups(people, limit) if len(group) > 1}


def test_same_address_joins_whatever_the_names() -> None:
    assert together(ANNA, Person("2", "desk", emails=("anna@a.example",))) == {frozenset("12")}


def test_a_further_address_counts_as_much_as_the_main_one() -> None:
    other = Person("2", "desk", emails=("sand@b.example", "anna@a.example"))
    assert together(ANNA, other) == {frozenset("12")}


@pytest.mark.parametrize("source", ["crm", "desk"])
def test_a_phone_number_joins_records_whose_names_agree(source: str) -> None:
    other = Person("2", source, name="SAND, ANNA", emails=("sand@b.example",), phones=("+491",))
    assert together(ANNA, other) == {frozenset("12")}
    assert together(ANNA, replace(other, name="Ben Sand")) == set()
    assert together(ANNA, replace(other, name="")) == set()


def test_a_name_that_fits_two_people_at_one_number_joins_neither() -> None:
    people = [
        Person(i, name=name, phones=("+491",))
        for i, name in zip("123", ("J. Sand", "Jan Sand", "Jule Sand"), strict=True)
    ]
    assert together(*people) == set()


def test_an_address_without_its_tag_joins_records_whose_names_agree() -> None:
    tagged = Person("2", "desk", name="anna sand", emails=("anna+shop@a.example",))
    assert together(ANNA, tagged) == {frozenset("12")}
    assert together(ANNA, replace(tagged, name="Ben Sand")) == set()


def test_role_addresses_join_nobody() -> None:
    people = [
        Person(i, name="Anna Sand", emails=(address,)) for i, address in zip("123", ["info@a.example"] * 3, strict=True)
    ]
    assert together(*people, Person("4", name="Anna Sand", emails=("info+x@a.example",))) == set()


def test_a_key_shared_by_too_many_joins_nobody() -> None:
    people = [Person(str(i), name="Anna Sand", phones=("+491",)) for i in range(11)]
    assert together(*people) == set()
    assert len(next(iter(together(*people[:10])))) == 10


@pytest.mark.parametrize("orders", [11, 150])
def test_a_regular_guest_is_one_person_however_many_orders(orders: int) -> None:
    guest = [Person(f"g{i}", "shop", emails=("anna@a.example",), is_guest=True) for i in range(orders)]
    assert together(ANNA, *guest) == {frozenset(["1", *(person.source_id for person in guest)])}


def test_guests_of_two_shops_count_as_two() -> None:
    shops = [
        Person(f"{shop}{i}", shop, "Anna Sand", phones=("+491",), is_guest=True) for shop in "ab" for i in range(3)
    ]
    assert together(*shops, limit=1) == set()
    assert len(next(iter(together(*shops, limit=2)))) == 6


def test_cross_references_join() -> None:
    assert together(ANNA, Person("9", "desk", cross=("crm", "1"))) == {frozenset("19")}


def test_a_reference_to_a_merged_record_is_one_to_its_survivor() -> None:
    merged = [Person(i, merged_into=str(int(i) - 1), deleted=True) for i in "234"]
    assert together(ANNA, *merged, Person("9", "desk", cross=("crm", "4"))) == {frozenset("12349")}


def test_two_records_that_refer_to_the_same_unknown_record_join() -> None:
    assert together(*(Person(i, "desk", cross=("crm", "7")) for i in "12")) == {frozenset("12")}


def test_two_different_ids_in_one_system_never_merge() -> None:
    left = Person("2", "desk", emails=("anna@a.example",), cross=("crm", "1"))
    right = Person("3", "desk", emails=("anna@a.example",), cross=("crm", "7"))
    assert together(ANNA, left, right) == {frozenset("12")}


def test_ids_of_records_that_the_source_merged_are_one() -> None:
    left = Person("2", "desk", emails=("anna@a.example",), cross=("crm", "1"))
    right = Person("3", "desk", emails=("anna@a.example",), cross=("crm", "7"))
    loser = Person("7", deleted=True, merged_into="1")
    assert together(ANNA, loser, left, right) == {frozenset("1237")}


@pytest.mark.parametrize("other", [{"kind": "staff"}, {"kind": "bot"}, {"is_test": True}])
def test_staff_bots_and_test_records_stay_alone(other: dict[str, object]) -> None:
    stranger = replace(ANNA, source="desk", source_id="2", **other)
    assert groups([ANNA, stranger]) == {frozenset({ANNA.key}), frozenset({stranger.key})}


def test_a_merged_record_goes_with_its_survivor_and_brings_no_keys() -> None:
    loser = Person("2", emails=("old@a.example",), merged_into="1", deleted=True)
    other = Person("3", "desk", emails=("old@a.example",))
    assert groups([ANNA, loser, other]) == {frozenset({ANNA.key, loser.key}), frozenset({other.key})}


def test_other_deleted_records_are_not_linked() -> None:
    gone = replace(ANNA, source="desk", source_id="2", deleted=True)
    assert groups([ANNA, gone]) == {frozenset({ANNA.key})}


def test_a_cluster_too_large_for_one_person_falls_apart() -> None:
    chain = [Person(f"{i:03}", emails=(f"{i}@a.example", f"{i + 1}@a.example")) for i in range(MAX_CLUSTER_RECORDS + 1)]
    assert together(*chain) == set()
    assert len(together(*chain[:-1])) == 1


def test_says_why_records_are_linked_and_which_keys_were_not_used() -> None:
    people = [
        ANNA,
        Person("2", name="Ben Sand", phones=("+491",)),
        Person("3", emails=("info@a.example",)),
        Person("4", emails=("info@a.example",)),
        Person("5", "desk", emails=("anna@a.example",)),
    ]
    result = cluster(table(people), Clear(people), max_records_per_key=10)
    assert [KEY_TYPES[stage] if stage >= 0 else None for stage in result.stages] == ["email", None, None, None, "email"]
    assert result.blocked == {"role_address": 1, "names_differ": 1}


def test_no_records_make_no_clusters() -> None:
    assert groups([]) == set()
