"""The vault: subjects, keys, credentials."""

import os
import threading

import pytest

from cdp_pipelines.database import SubjectVault, get_credential, load_ring, set_credential
from privacy.errors import RootKeyError, WrongRootKeyError
from privacy.keys import KeyRing, create_root_key
from privacy.subjects import StoredSubject, SubjectRef

JANE = SubjectRef("zendesk", "person", "1")
TICKET = SubjectRef("zendesk", "ticket", "77")


@pytest.fixture
def vault(stores):
    return SubjectVault(stores.vault)


def subject() -> StoredSubject:
    return StoredSubject(os.urandom(16), os.urandom(62), 1)


def test_a_subject_is_found_by_every_reference(vault):
    jane = subject()
    created = vault.create([jane], [(JANE, jane.subject_id), (TICKET, jane.subject_id)])
    assert created == {JANE: jane, TICKET: jane}
    assert vault.find([JANE, TICKET, SubjectRef("hubspot", "person", "1")]) == created
    assert vault.by_id([jane.subject_id, bytes(16)]) == {jane.subject_id: jane}


def test_a_reference_can_lead_to_a_subject_that_exists(vault):
    jane = subject()
    vault.create([jane], [(JANE, jane.subject_id)])
    assert vault.create([], [(TICKET, jane.subject_id)]) == {TICKET: jane}


def test_the_first_writer_of_a_reference_wins(vault):
    first, second = subject(), subject()
    vault.create([first], [(JANE, first.subject_id)])
    assert vault.create([second], [(JANE, second.subject_id)]) == {JANE: first}
    assert vault.by_id([second.subject_id]) == {}, "a subject nothing leads to is not kept"


def test_a_subject_that_lost_only_some_references_is_kept(vault):
    first, second = subject(), subject()
    vault.create([first], [(JANE, first.subject_id)])
    created = vault.create([second], [(JANE, second.subject_id), (TICKET, second.subject_id)])
    assert created == {JANE: first, TICKET: second}


def test_a_destroyed_key_is_told_apart_from_an_unknown_subject(vault, stores):
    jane = subject()
    vault.create([jane], [(JANE, jane.subject_id)])
    with stores.vault.begin() as connection:
        connection.exec_driver_sql("update subject_key set wrapped_key = null")
    assert vault.find([JANE, TICKET]) == {JANE: StoredSubject(jane.subject_id, None, 1)}


def test_two_writers_at_once_agree_on_every_reference(vault):
    refs = [SubjectRef("zendesk", "person", str(number)) for number in range(2000)]
    results: list[dict[SubjectRef, StoredSubject]] = []

    def write(order: list[SubjectRef]) -> None:
        subjects = [subject() for _ in order]
        aliases = [(ref, new.subject_id) for ref, new in zip(order, subjects, strict=True)]
        results.append(vault.create(subjects, aliases))

    threads = [threading.Thread(target=write, args=(order,)) for order in (refs, refs[::-1], refs, refs[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [vault.find(refs)] * 4


@pytest.mark.parametrize("odd", ['"quoted"', "ünïcode ☃", "", "null", "1e3", "%s ?"], ids=repr)
def test_ids_are_taken_literally(vault, odd):
    jane, ref = subject(), SubjectRef("zendesk", "person", odd)
    vault.create([jane], [(ref, jane.subject_id)])
    assert vault.find([ref]) == {ref: jane}


def test_the_ring_is_made_once_and_opened_again(stores, settings):
    create_root_key(settings.root_key_file)
    set_credential(stores, load_ring(stores, settings, {}), "hubspot", "first")
    set_credential(stores, load_ring(stores, settings, {}), "hubspot", "second")
    assert get_credential(stores, load_ring(stores, settings, {}), "hubspot") == "second"
    assert get_credential(stores, load_ring(stores, settings, {}), "zendesk") is None


def test_a_credential_is_not_in_the_store_in_clear(stores, settings):
    create_root_key(settings.root_key_file)
    set_credential(stores, load_ring(stores, settings, {}), "hubspot", "pat-secret")
    with stores.vault.connect() as connection:
        assert b"pat-secret" not in bytes(connection.exec_driver_sql("select ciphertext from credential").scalar())


def test_another_root_key_is_refused(stores, settings):
    create_root_key(settings.root_key_file)
    assert isinstance(load_ring(stores, settings, {}), KeyRing)
    settings.root_key_file.unlink()
    with pytest.raises(RootKeyError, match="cannot be read"):
        load_ring(stores, settings, {})
    create_root_key(settings.root_key_file)
    with pytest.raises(WrongRootKeyError):
        load_ring(stores, settings, {})
