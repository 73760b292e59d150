"""Which tables and keys there are, by the models."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from syncer.config.settings import Settings
from syncer.destinations.options import DestinationSettings
from syncer.destinations.registry import DESTINATIONS
from syncer.fields import Table, holds_secret

Place = tuple[str, ...]
"""Where a table may stand: `("audiences", "[]")`; `[]` is any place in a list, or any key of a table."""


def tables(table: type[Table] = Settings, place: Place = ()) -> Iterator[tuple[Place, type[Table]]]:
    """This table and all inside it, by the places of pydantic's findings: a destination's ends with its type."""
    yield place, table
    for name, field in table.model_fields.items():
        for steps, inner in _tables_in(field.annotation):
            yield from tables(inner, (*place, field.alias or name, *steps))


def _tables_in(annotation: Any) -> Iterator[tuple[Place, type[Table]]]:
    if annotation is DestinationSettings:
        yield from (((kind,), table) for kind, table in DESTINATIONS.items())
    elif isinstance(annotation, type) and issubclass(annotation, Table):
        yield (), annotation
    else:
        many = ("[]",) if get_origin(annotation) in (dict, list, tuple) else ()
        for each in get_args(annotation):
            yield from (((*many, *steps), table) for steps, table in _tables_in(each))


def keys_of(table: type[Table]) -> list[str]:
    """The keys of a table as they are written in the file."""
    return [field.alias or name for name, field in table.model_fields.items()]


def secret_keys() -> set[str]:
    """The keys whose values are shown nowhere: in any table, their type hides what it holds."""
    return {
        field.alias or name
        for _, table in tables()
        for name, field in table.model_fields.items()
        if holds_secret(field.annotation)
    }
