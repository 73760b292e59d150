"""Which changes wait until a human approves them. Pure decisions on counts: for each audience at a destination by
itself, and for the removals of all of them together.

A broken model upstream looks like everybody leaving, or everybody joining: only the fraction gives it away. Many small
audiences that all lose nearly everybody do that too, though none of them is large enough to tell. What is held stays in
the state (`held_change`). What has passed the guard is neither counted nor held again: what a human approved, and what
the destination refused when it was told.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from syncer import models


@dataclass(frozen=True, slots=True)
class Moves:
    """What would be told without a guard: `removed` contacts `false`, `added` contacts `true`.

    `initial`: the additions are those of an initial sync. `vanished`: neither a row nor the configuration names the
    audience, or the destination's list of audiences does not.
    """

    audience_id: int
    name: str
    vanished: bool
    initial: bool
    removed: int
    added: int


class Hold(NamedTuple):
    """One direction of an audience that is held: `op` is `removed` or `added`. The reason names nobody."""

    audience_id: int
    op: str
    initial: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Losses:
    """What audiences would lose together: `removed` properties of contacts would be told `false`, and of `emptied` of
    these contacts none would be left that is `true`."""

    removed: int
    emptied: int


@dataclass(frozen=True, slots=True)
class Told:
    """How many properties of contacts were last told `true`, or are uncertain, and of how many contacts."""

    properties: float
    contacts: float


def needed(guard: models.Guard, moves: Moves) -> float:
    """How many contacts must have been told `true` for these moves to stay within the limits; 0 if none applies."""
    limited = []
    if moves.removed >= guard.min_removed:
        limited.append((moves.removed, guard.max_removed_fraction))
    if not moves.initial and moves.added >= guard.min_added:
        limited.append((moves.added, guard.max_added_fraction))
    return max((_least_whole(contacts, fraction) for contacts, fraction in limited if contacts), default=0)


def judge(guard: models.Guard, moves: Moves, told: int, *, snapshot_empty: bool) -> list[Hold]:
    """What is held of the moves. `told` contacts were last told `true`, or are uncertain; once there are `needed` of
    them, the others need not be counted."""
    reasons = {
        "removed": _removals(guard, moves, told, snapshot_empty=snapshot_empty),
        "added": _additions(guard, moves, told),
    }
    return [Hold(moves.audience_id, op, moves.initial, why) for op, why in reasons.items() if why is not None]


def needed_together(guard: models.Guard, losses: Losses) -> Told:
    """How much must have been told `true` for these losses to stay within the limits; 0 where none applies."""
    fraction = guard.max_removed_fraction

    def least(lost: int) -> float:
        return _least_whole(lost, fraction) if lost and lost >= guard.min_removed else 0

    return Told(properties=least(losses.removed), contacts=least(losses.emptied))


def judge_together(guard: models.Guard, losses: Losses, told: Told) -> str | None:
    """Why the removals of all audiences are held, by the limits of one; or None. Once there is as much `told` as is
    needed, the rest need not be counted."""
    needed = needed_together(guard, losses)
    limit = f"more than max_removed_fraction = {guard.max_removed_fraction:g}"
    if told.properties < needed.properties:
        return f"all audiences together would lose {losses.removed:,} of {told.properties:,} memberships, {limit}"
    if told.contacts < needed.contacts:
        return f"{losses.emptied:,} of {told.contacts:,} contacts would be left in no audience, {limit}"
    return None


def _removals(guard: models.Guard, moves: Moves, told: int, *, snapshot_empty: bool) -> str | None:
    if not moves.removed:
        return None
    if snapshot_empty:
        return "the whole snapshot is empty"
    if moves.vanished:
        return "the audience vanished: no row of the warehouse names it and neither does the configuration"
    if moves.removed >= guard.min_removed and _is_more(moves.removed, guard.max_removed_fraction, told):
        return (
            f"{moves.removed:,} of {told:,} contacts would be told false,"
            f" more than max_removed_fraction = {guard.max_removed_fraction:g}"
        )
    return None


def _additions(guard: models.Guard, moves: Moves, told: int) -> str | None:
    if not moves.added:
        return None
    if moves.initial:
        return "hold_initial = true: a first sync waits for approval" if guard.hold_initial else None
    if moves.added >= guard.min_added and _is_more(moves.added, guard.max_added_fraction, told):
        return (
            f"{moves.added:,} contacts would be told true beside {told:,} that are,"
            f" more than max_added_fraction = {guard.max_added_fraction:g}"
        )
    return None


def _is_more(contacts: int, fraction: float, told: int) -> bool:
    """Whether `contacts` are more than this fraction of `told`. In decimal: 29 are not more than 0.29 of 100."""
    return contacts > Decimal(str(fraction)) * told


def _least_whole(contacts: int, fraction: float) -> float:
    """The smallest number of which `contacts` are no more than this fraction."""
    return math.ceil(contacts / Decimal(str(fraction))) if fraction else math.inf
