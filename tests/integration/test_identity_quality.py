"""Who is who in the sandbox's world, against its truth. Nothing in the rules or in the model was chosen to fit it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from installations import ENVIRONMENT, make_home

from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.refresh import refresh_profiles
from demo.accuracy import Accuracy, accuracy
from privacy.normalise import normalise_email, normalise_phone
from sandbox import World, running
from tests.unit.cdp_pipelines.identity.persons import Person, groups

Key = tuple[str, str]


def test_joins_the_records_of_one_person_and_of_nobody_else() -> None:
    world = World(1, 1000)
    found = groups([*contacts(world), *users(world)])
    linked = {key for group in found for key in group}
    truth = [{(source, id_) for source, id_ in person["records"]} & linked for person in world.truth()["people"]]
    joined, real = pairs(found), pairs(truth)
    assert len(joined & real) >= 0.99 * len(joined)
    assert len(joined & real) >= 0.9 * len(real)


STREAMS = {"hubspot": ["companies", "contacts"], "zendesk": ["organizations", "users"]}


def test_comparing_records_finds_more_people_and_joins_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, token in ENVIRONMENT.items():
        monkeypatch.setenv(name, token)
    world = World(1, 1000)
    with running(world, rate_scale=None) as vendors:
        home = make_home(tmp_path / "home", vendors.urls)
        for name, streams in STREAMS.items():
            home.sync(name, streams=streams)
    found = {}
    for probabilistic in (False, True):
        identity = home.settings.identity.model_copy(update={"probabilistic": probabilistic})
        with home.opened() as opened:
            settings = opened.settings.model_copy(update={"identity": identity})
            found[probabilistic] = resolved(replace(opened, settings=settings), world)
    assert found[True].precision >= 0.99
    assert found[True].recall >= 0.9
    assert found[True].recall > found[False].recall


def resolved(opened: Installation, world: World) -> Accuracy:
    refresh_profiles(opened, now=clock())
    rows = opened.lake.current("identity_link").to_pylist()
    return accuracy({(row["source"], row["source_id"]): row["profile_id"] for row in rows}, world.truth())


def contacts(world: World) -> Iterator[Person]:
    for contact in world.hubspot.contacts.values():
        values = contact.props
        yield Person(
            contact.id,
            "hubspot",
            name=f"{values.get('firstname', '')} {values.get('lastname', '')}",
            emails=emails([values.get("email"), *values.get("hs_additional_emails", "").split(";")]),
            phones=phones([values.get("phone")]),
            merged_into=contact.merged_into,
            deleted=contact.archived is not None,
        )


def users(world: World) -> Iterator[Person]:
    staff = {*world.zendesk.agents, *world.zendesk.bots}
    for user in world.zendesk.users.values():
        yield Person(
            str(user.id),
            "zendesk",
            name=user.name,
            emails=emails([user.email, *(one.value for one in user.identities if one.type == "email")]),
            phones=phones([user.phone]),
            cross=("hubspot", user.external_id) if user.external_id else None,
            kind="staff" if user.id in staff else "customer",
            deleted=not user.active,
        )


def emails(raw: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for one in raw if one and (found := normalise_email(one))))


def phones(raw: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(found for one in raw if one and (found := normalise_phone(one, "DE")))


def pairs(clusters: Iterable[Iterable[Key]]) -> set[tuple[Key, Key]]:
    return {pair for cluster in clusters for pair in combinations(sorted(cluster), 2)}
