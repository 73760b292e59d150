"""A person: what the state knows of them, and, if somebody asks, what the warehouse says now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncer import app, audit, sync
from syncer.console.errands import WAIT_SECONDS, Errand, Errands
from syncer.state import Connection, State, migrations
from syncer.stopping import Stop

_PERSON = "person"
_HISTORY = 100
_BUSY = "somebody else asks the warehouse just now; try again in a moment"


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened to a person at one time in one run: at a destination, in one outcome. `changes` are those rows."""

    at: datetime | None
    run_id: int
    destination: str
    status: str
    reason: str | None
    changes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a user id or an email; `story` is None until somebody is asked for.

    `asked`: the warehouse has answered, so that the story says what it said then (`answered_at`), and what the next run
    tells. `asking`: it is being asked. `sorry`: why it has not answered.
    """

    who: str
    story: audit.Story | None
    timeline: Sequence[Moment]
    asked: bool = False
    asking: bool = False
    sorry: str | None = None
    answered_at: datetime | None = None


def person(connection: Connection, errands: Errands, who: str) -> Person:
    """What the state knows of somebody: what was told, what waits and why; and what the warehouse answered last."""
    return _person(connection, who, errands.find((_PERSON, who)))


def ask(opened: app.App, connection: Connection, errands: Errands, who: str) -> Person:
    """The same, once the warehouse is asked; waits for it a little. Not while something else is asked of it."""
    if not who:
        return _person(connection, who, None)
    errand = errands.begin((_PERSON, who), lambda state: _explained(opened, state, who))
    if errand is None:
        return replace(_person(connection, who, None), sorry=_BUSY)
    errand.done.wait(WAIT_SECONDS)
    return _person(connection, who, errand)


def _person(connection: Connection, who: str, errand: Errand | None) -> Person:
    if errand is not None and isinstance(errand.answer, audit.Story):
        return replace(_told(who, errand.answer, asked=True), answered_at=errand.ended_at)
    known = _told(who, audit.remembered(connection, who, _HISTORY) if who else None)
    if errand is None:
        return known
    return replace(known, asking=not errand.done.is_set(), sorry=errand.sorry)


def _explained(opened: app.App, state: State, who: str) -> audit.Story:
    with state.connect("explain") as connection:
        migrations.check(connection, state.schema)
        return audit.explain(opened.job(), connection, who, Stop(), sync.Unwatched(), _HISTORY)


def _told(who: str, story: audit.Story | None, *, asked: bool = False) -> Person:
    """A story as the page tells it."""
    return Person(who, story, list(_moments(story.history)) if story else [], asked)


def _moments(history: Sequence[Mapping[str, Any]]) -> Iterator[Moment]:
    """The changes that were told together, the latest first."""
    together: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in history:
        key = (row["run_id"], row["destination"], row["status"], row["failure_reason"])
        together.setdefault(key, []).append(row)
    for (run_id, destination, status, reason), changes in together.items():
        yield Moment(changes[0]["attempted_at"], run_id, destination, status, reason, changes)
