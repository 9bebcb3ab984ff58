"""The schema version of each store this program works with; a test compares them with the migrations.

They stand here so that opening a store does not load the migration tool.
"""

from collections.abc import Mapping
from types import MappingProxyType

HEADS: Mapping[str, str] = MappingProxyType({"control": "0003", "vault": "0001", "profile": "0001", "mart": "0002"})
"""Store name to version, in the order the stores are created and opened."""
