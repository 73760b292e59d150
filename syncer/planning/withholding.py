"""Members who are told nothing of an audience: because another of their audiences comes first (`[[priority]]`), or
because they are held out of it, to be compared with those who are told (`holdout`).

Both are facts about who is in an audience, so they are settled where the snapshot is made, as suppression is: those
rows are taken out of it, and are listed as skipped. Priorities come first: whoever is held out of an audience keeps
their place in it, and is in none that comes after it, so that they are compared as people who are told nothing.

Who is held out is decided by the user id and the seed of the audience alone. Without a seed of its own that is the
property, which stays what it is when an audience is renamed. What the snapshot cannot know is left to the plan: a
contact may still believe the true of another audience of a priority (`wait_for_priority`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from syncer import models, naming
from syncer.state import Connection, analyze, execute, fetch_values
from syncer.state.audiences import known_audiences


class Holdout(NamedTuple):
    """A `share` (0 to 1) of an audience's people, chosen by a hash of user id and `seed`."""

    audience: str
    seed: str
    share: float


def take_out(connection: Connection, exclusions: models.Exclusions) -> None:
    """Takes the rows of those who are told nothing of an audience out of the staged snapshot."""
    if not exclusions.priorities and not exclusions.holds_out:
        return
    names = list(fetch_values(connection, "list_staged_audiences"))
    found = naming.resolve(exclusions.configured, names, known_audiences(connection))
    audiences = [audience for audience in found if not audience.is_trait and not audience.retired]
    moved = _take_out_outranked(connection, exclusions.priorities, audiences)
    moved += _take_out_held_out(connection, exclusions.configured, audiences)
    if moved:
        analyze(connection, "snapshot_member", "taken_out")


def _take_out_outranked(
    connection: Connection, priorities: Sequence[models.Priority], audiences: Sequence[models.Audience]
) -> int:
    """One audience after the other: whoever was taken out of one of them does not keep anybody out of the next."""
    moved = 0
    for priority in priorities:
        before: list[str] = []
        for entry in priority.audiences:
            names = [each.name for each in audiences if _is_meant(entry, each) and each.name not in before]
            if names and before:
                asked = {"names": names, "before": before, "priority": priority.name}
                moved += execute(connection, "take_out_outranked", asked).rowcount
            before += names
    return moved


def _is_meant(entry: str, audience: models.Audience) -> bool:
    """Whether an entry of a priority means this audience, also if that is set aside and does not get its property."""
    wanted = audience.property or naming.property_of(audience.name)
    return entry == audience.name or (wanted != "" and wanted in (entry, naming.property_of(entry)))


def _take_out_held_out(
    connection: Connection,
    configured: Sequence[models.ConfiguredAudience],
    audiences: Sequence[models.Audience],
) -> int:
    there = {each.name: each.property for each in audiences if each.property is not None}
    found = holdouts(configured, there)
    if not found:
        return 0
    asked = {
        "audiences": [each.audience for each in found],
        "seeds": [each.seed for each in found],
        "shares": [each.share for each in found],
    }
    return execute(connection, "take_out_held_out", asked).rowcount


def holdouts(
    configured: Sequence[models.ConfiguredAudience], properties: Mapping[str, str | None]
) -> Sequence[Holdout]:
    """Of the audiences with these names those that people are held out of. One that has no property, since it is set
    aside, needs a seed of its own."""
    return [
        Holdout(each.name, seed, each.holdout)
        for each in configured
        if each.holdout and each.name in properties
        for seed in [each.holdout_seed or properties[each.name]]
        if seed is not None
    ]
