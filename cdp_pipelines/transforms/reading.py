"""The statements of this folder, as text."""

from functools import cache
from importlib.resources import files


@cache
def transform(name: str) -> str:
    """The statement in ``<name>.sql``.

    Raises:
        FileNotFoundError: There is no such transformation.
    """
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
