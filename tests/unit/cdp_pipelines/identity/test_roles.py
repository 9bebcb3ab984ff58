import pytest

from cdp_pipelines.identity.roles import is_role_address


@pytest.mark.parametrize("address", ["info@a.example", "Kontakt@a.example", "no-reply@a.example", "sales+de@a.example"])
def test_recognises_addresses_of_a_function(address: str) -> None:
    assert is_role_address(address)


@pytest.mark.parametrize(
    "address", ["anna@a.example", "informant@a.example", "anna+info@a.example", "anna@info.example"]
)
def test_leaves_addresses_of_people_alone(address: str) -> None:
    assert not is_role_address(address)
