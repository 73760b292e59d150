"""A person: what the state knows of them, and, if somebody asks, what the warehouse says now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncer import audit
from syncer.state import Connection

HISTORY = 100


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

    `asked` says whether the warehouse was asked: only then the story says what it says, and what the next run tells.
    """

    who: str
    asked: bool
    story: audit.Story | None
    timeline: Sequence[Moment]


def remembered(connection: Connection, who: str) -> Person:
    """What the state knows of somebody: what was told, what waits and why. The warehouse is not asked."""
    return told(who, audit.remembered(connection, who, HISTORY) if who else None, asked=False)


def told(who: str, story: audit.Story | None, *, asked: bool) -> Person:
    """A story as the page tells it."""
    return Person(who, asked, story, list(_moments(story.history)) if story else [])


def _moments(history: Sequence[Mapping[str, Any]]) -> Iterator[Moment]:
    """The changes that were told together, the latest first."""
    together: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in history:
        key = (row["run_id"], row["destination"], row["status"], row["failure_reason"])
        together.setdefault(key, []).append(row)
    for (run_id, destination, status, reason), changes in together.items():
        yield Moment(changes[0]["attempted_at"], run_id, destination, status, reason, changes)
