import pytest
from fake_vault import FakeVault

from privacy.keys import KeyRing, RootKey
from privacy.protect import Protector, Revealer
from privacy.subjects import StoredSubject, SubjectKeys


@pytest.fixture
def root() -> RootKey:
    return RootKey(bytes(range(32)))


@pytest.fixture
def ring(root: RootKey) -> KeyRing:
    return KeyRing.create(root)[0]


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def subject(ring: KeyRing) -> StoredSubject:
    return SubjectKeys(ring).new()[0]


@pytest.fixture
def protector(ring: KeyRing, vault: FakeVault) -> Protector:
    return Protector(ring, vault, phone_region="DE")


@pytest.fixture
def revealer(ring: KeyRing, vault: FakeVault) -> Revealer:
    return Revealer(ring, vault)
