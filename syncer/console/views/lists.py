"""The lists behind the numbers: who that is, a part at a time, in the order of a key.

A part reads so many rows and no more. Where few of many are asked for, it may come out short, or empty, though more
follow: `next` says where to go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncer.console.places import Places
from syncer.state import Connection, execute

ROWS_OF_A_PAGE = 50
ROWS_OF_A_FILE = 10_000
_ROWS_READ = 10_001

_OF_LISTS = ("place", "listed", "nth")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list. `key` are the parameters that say where it begins, `filters` those that an address may set, by
    their names there."""

    title: str
    about: str
    statement: str
    key: Sequence[str]
    fixed: Mapping[str, object] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of a list. `next` names the place where the next part begins; None at the end."""

    title: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    next: str | None


_BY_AUDIENCE = {"audience": "property"}

STANDING: Mapping[str, Kind] = {
    "members": Kind(
        "In, as the destination accepted it",
        "Memberships that this destination was told of and accepted. The warehouse's own rows are not kept: those that"
        " are missing here are in one of the other lists.",
        "list_members",
        ("contact", "audience_id", "user_id"),
        filters={**_BY_AUDIENCE, "told_before": "before_run"},
    ),
    "held": Kind(
        "Held",
        "Changes that the guard keeps back until they are approved.",
        "list_held_contacts",
        ("audience_id", "contact"),
        filters=_BY_AUDIENCE,
    ),
    "refused": Kind(
        "Refused",
        "Contacts that this destination refused, in its words, and has not accepted since.",
        "list_refused",
        ("contact",),
        {"parked": False},
    ),
    "parked": Kind(
        "Parked",
        "Contacts that were refused so often that no run tries them again, until their data changes or `syncer retry`.",
        "list_refused",
        ("contact",),
        {"parked": True},
    ),
    "uncertain": Kind(
        "Uncertain",
        "Properties whose last call has no answer. The next run tells the present value.",
        "list_uncertain",
        ("contact", "audience_id"),
        {"left_over": False},
    ),
    "left_uncertain": Kind(
        "Left uncertain",
        "Properties whose last call has no answer, and of which no run tells anything: why.",
        "list_uncertain",
        ("contact", "audience_id"),
        {"left_over": True},
    ),
    "skipped": Kind(
        "Cannot be told",
        "Rows of the last snapshot that cannot be told, and why. They go out by themselves once they can.",
        "list_skipped_members",
        ("fingerprint",),
        filters={"reason": "reason"},
    ),
}
"""The lists of what stands at a destination, by the word in their address."""

_BY_PAGE = ("page", "contact", "audience_id")

OF_RUN: Mapping[str, Kind] = {
    "planned": Kind(
        "Planned",
        "What this run has planned and not sent yet; a line for each property of a contact.",
        "list_changes",
        _BY_PAGE,
        {"statuses": ["planned", "sending"]},
        _BY_AUDIENCE,
    ),
    "accepted": Kind(
        "Accepted",
        "What this destination accepted in this run; a line for each property of a contact.",
        "list_changes",
        _BY_PAGE,
        {"statuses": ["done"]},
        _BY_AUDIENCE,
    ),
    "unsent": Kind(
        "Not sent",
        "What this run planned and did not send. The next run plans it afresh.",
        "list_changes",
        _BY_PAGE,
        {"statuses": ["aborted"]},
        _BY_AUDIENCE,
    ),
    "refused": Kind(
        "Refused",
        "Calls that this destination refused in this run, in its words.",
        "list_exceptions",
        ("page", "contact", "part"),
        {"outcome": "failed"},
    ),
    "unanswered": Kind(
        "No answer",
        "Calls that were sent in this run and have no answer. The next run tells the present value.",
        "list_exceptions",
        ("page", "contact", "part"),
        {"outcome": "unknown"},
    ),
}
"""The lists of what a run did at a destination."""


def listing(
    connection: Connection,
    kind: Kind,
    asked: Mapping[str, object],
    begin: Sequence[object] | None,
    places: Places,
    rows: int = ROWS_OF_A_PAGE,
) -> Listing:
    """A part of a list with at most so many rows: what is `asked` are values of the statement's parameters."""
    key = dict(zip(kind.key, begin or [None] * len(kind.key), strict=True))
    values = dict.fromkeys(kind.filters.values())
    limits = {"most": _ROWS_READ, "limit": rows + 1}
    cursor = execute(connection, kind.statement, {**values, **kind.fixed, **key, **asked, **limits})
    columns = [column.name for column in cursor.description or ()]
    found = [dict(zip(columns, row, strict=True)) for row in cursor]
    shown = [row for row in found if row["listed"]][:rows]
    ends_at = _end(found, shown, rows)
    names = [name for name in columns if name not in _OF_LISTS]
    return Listing(
        title=kind.title,
        about=kind.about,
        columns=names,
        rows=[{name: row[name] for name in names} for row in shown],
        next=None if ends_at is None else places.name(ends_at),
    )


def _end(found: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]], rows: int) -> Sequence[object] | None:
    """The key of the row after which the next part begins; None if there is nothing more."""
    if len([row for row in found if row["listed"]]) > rows:
        return list(shown[-1]["place"])
    if found and found[-1]["nth"] == _ROWS_READ:
        return list(found[-1]["place"])
    return None
