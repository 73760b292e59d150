"""The audiences that the state knows: their names, properties and ids."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from syncer import models
from syncer.state import Connection, columns_of, execute, fetch_all


class _Added(NamedTuple):
    audience_id: int
    name: str


def known_audiences(connection: Connection) -> list[models.KnownAudience]:
    """All of them, retired ones and computed traits too."""
    return fetch_all(connection, models.KnownAudience, "list_audiences")


def register_audiences(
    connection: Connection, audiences: Sequence[models.Audience], others: Sequence[models.Audience] = ()
) -> list[int]:
    """Their ids, in order: new ones are added, known ones get the names and properties that they have now.

    So do the `others`, which are beyond the scope of this run: one of them may give its property to one within.
    """
    renamed = [audience for audience in (*audiences, *others) if audience.audience_id is not None]
    execute(connection, "rename_audiences", columns_of(renamed, "audience_id", "name", "property", "is_trait"))
    added = add_audiences(connection, [audience for audience in audiences if audience.audience_id is None])
    ids = [added[each.name] if each.audience_id is None else each.audience_id for each in audiences]
    for audience_id, audience in zip(ids, audiences, strict=True):
        if audience.value_type is not None:
            execute(connection, "pin_value_type", {"audience_id": audience_id, "value_type": audience.value_type})
    return ids


def add_audiences(connection: Connection, audiences: Sequence[models.Audience]) -> Mapping[str, int]:
    """Adds audiences that the state does not know; returns their ids by name."""
    if not audiences:
        return {}
    named = columns_of(audiences, "name", "property", "is_trait")
    return {added.name: added.audience_id for added in fetch_all(connection, _Added, "add_audiences", named)}


def pin_audiences(connection: Connection, run_id: int) -> None:
    """The properties that this run sends are fixed from now on."""
    execute(connection, "pin_audiences", {"run_id": run_id})
