"""Every field says whether it is personal, every column says what it means. The most valuable test there is."""

import pytest

from models import ENTITIES, Fact, Personal
from models.derive import SYSTEM_COLUMNS, fields
from models.dictionary import columns_of, table_models
from models.fields import Entity


def unmarked(entity: type[Entity]) -> list[str]:
    """Lines to add for fields that carry no mark, or more than one."""
    lines = []
    for name, field in entity.model_fields.items():
        marks = [mark for mark in field.metadata if isinstance(mark, Fact | Personal)]
        if len(marks) != 1:
            lines.append(
                f"  {name} carries {len(marks)} marks. Give it one:\n"
                f'    {name}: Annotated[..., Fact("<what it means>")]\n'
                f'    {name}: Annotated[..., Personal(Category.<CATEGORY>, "<what it means>")]'
            )
    return lines


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__entity__)
def test_every_field_of_every_entity_carries_exactly_one_mark(entity):
    lines = unmarked(entity)
    assert not lines, f"{entity.__name__} in {entity.__module__}:\n" + "\n".join(lines)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__entity__)
def test_every_mark_says_what_the_field_means(entity):
    assert [plan.name for plan in fields(entity) if not plan.mark.meaning.strip()] == []


@pytest.mark.parametrize("model", list(table_models()), ids=lambda model: model.__tablename__)
def test_every_column_of_every_table_has_a_description(model):
    lines = [
        f'    {column.name}: ... = Field(..., description="<what it means>")'
        for column, description in columns_of(model)
        if not description
    ]
    assert not lines, f"{model.__name__} in {model.__module__}:\n" + "\n".join(lines)


@pytest.mark.parametrize("model", list(table_models()), ids=lambda model: model.__tablename__)
def test_every_table_says_what_a_row_is(model):
    assert "row" in model.__doc__


def test_every_entity_is_in_the_list():
    ours = {entity for entity in Entity.__subclasses__() if entity.__module__.startswith("models.")}
    assert ours == set(ENTITIES), "add the class to ENTITIES in models/__init__.py"


def test_no_field_takes_the_name_of_a_system_column():
    taken = {(entity.__entity__, name) for entity in ENTITIES for name in entity.model_fields if name in SYSTEM_COLUMNS}
    assert taken == set()


def test_an_unmarked_field_is_found_and_the_line_to_add_is_printed():
    class Careless(Entity):
        __entity__ = "careless"
        nickname: str | None = None

    (lines,) = unmarked(Careless)
    assert lines.splitlines() == [
        "  nickname carries 0 marks. Give it one:",
        '    nickname: Annotated[..., Fact("<what it means>")]',
        '    nickname: Annotated[..., Personal(Category.<CATEGORY>, "<what it means>")]',
    ]
