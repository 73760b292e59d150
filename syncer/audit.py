"""Questions that need the warehouse: does everything add up, and what about this one person?

Both are answered by the plan itself, made and thrown away, so that the answer is what the next run would do and not a
second opinion. Nothing is sent, nothing is changed, no lock is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg.sql

from syncer import sync
from syncer.planning import plan
from syncer.state import Connection, execute, fetch_value
from syncer.state.pauses import list_pauses
from syncer.stopping import Stop

_DIFFERENCES = ("missing", "lingering", "outdated")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not add up.

    `why`: `missing` (the warehouse has it, the destination was not told), `lingering` (the destination was told, the
    warehouse has it no more), `outdated` (it was told another value, email or trait), `not_in_state` or
    `not_in_history` (the history says otherwise than the state),
    `told_both` (true and false at once), `count` (the members of an audience do not add up).
    """

    why: str
    audience: str
    property: str
    contact: str | None = None
    user_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class DestinationAudit:
    """How one destination's history, state and warehouse compare. `listed` counts what has a reason, by reason."""

    name: str
    differences: int
    examples: Sequence[Difference]
    listed: Mapping[str, int]


@dataclass(slots=True)
class Audit:
    """What `verify --json` prints."""

    asked_at: datetime | None = None
    differences: int = 0
    destinations: list[DestinationAudit] = field(default_factory=list)
    paused: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Story:
    """What `explain --json` prints: everything about the contacts and user ids of one person."""

    who: str
    contacts: list[str]
    users: list[str]
    forgotten: bool
    warehouse: list[dict[str, Any]] = field(default_factory=list)
    destinations: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


def verify(job: sync.Job, stop: Stop, progress: sync.Progress, limit: int) -> Audit:
    """History replayed = state = warehouse, or the differences, at most `limit` of each kind by name."""
    audit = Audit()

    def examine(connection: Connection, planned: plan.TargetPlan, _source: psycopg.sql.Composable) -> None:
        audit.destinations.append(_examine(connection, planned, limit))

    result = sync.preview(_asked(job), stop, progress, examine)
    with job.state.connect("verify") as connection:
        audit.paused = [
            {"destination": each.destination, "audience": each.audience, "since": each.since}
            for each in list_pauses(connection)
        ]
    audit.differences = sum(each.differences for each in audit.destinations)
    audit.problems = [
        {"audience": audience.name, "problem": audience.problem}
        for audience in result.report.audiences
        if audience.problem is not None
    ]
    audit.asked_at = result.report.started_at
    return audit


def explain(job: sync.Job, who: str, stop: Stop, progress: sync.Progress, limit: int) -> Story:
    """Everything about a user id or an email; of its history the latest `limit` changes."""
    with job.state.connect("explain") as connection:
        story = _known_as(connection, who)
    names = {"contacts": story.contacts, "users": story.users}

    def look(connection: Connection, planned: plan.TargetPlan, source: psycopg.sql.Composable) -> None:
        if not story.destinations:
            story.warehouse = _dicts(execute(connection, "who_in_snapshot", names, source=source))
            _meet(story)
        story.destinations.append(_pending(connection, planned, story))

    sync.preview(_asked(job), stop, progress, look)
    with job.state.connect("explain") as connection:
        _recall(connection, story, limit)
    return story


def _asked(job: sync.Job) -> sync.Job:
    """A question is answered whether or not the warehouse says that it is ready to be synced."""
    return replace(job, guard=replace(job.guard, ready=None))


def _examine(connection: Connection, planned: plan.TargetPlan, limit: int) -> DestinationAudit:
    here = {"destination_id": planned.target.destination_id}
    execute(connection, "recall_deferred", here)
    reasons = {row.why: row.contacts for row in execute(connection, "count_pending", here)}
    examples = [
        Difference(row.why, row.audience, row.property, row.contact)
        for row in execute(connection, "list_pending", {**here, "limit": limit})
    ]
    contradictions = _replay(connection, here, limit)
    differences = sum(reasons.get(why, 0) for why in _DIFFERENCES) + contradictions[0]
    listed = {why: contacts for why, contacts in reasons.items() if why not in _DIFFERENCES}
    skipped = {f"skipped: {reason}": members for reason, members in planned.skipped.items()}
    return DestinationAudit(planned.target.name, differences, [*examples, *contradictions[1]], {**listed, **skipped})


def _replay(connection: Connection, here: Mapping[str, object], limit: int) -> tuple[int, list[Difference]]:
    """How often history and state contradict one another, and the first of these contradictions."""
    execute(connection, "create_replay", here)
    execute(connection, "create_replay_told", here)
    rows = execute(connection, "list_replay_differences", {**here, "limit": limit}).fetchall()
    execute(connection, "drop_replay")
    found = [Difference(row.why, row.audience, row.property, row.contact, row.user_id) for row in rows]
    counts = [
        Difference(
            "count",
            row.audience,
            row.property,
            detail=f"the history adds up to {row.replayed:,} members, the state has {row.members:,}",
        )
        for row in execute(connection, "count_replay_differences", here)
    ]
    return (rows[0].found if rows else 0) + len(counts), [*found, *counts]


def _known_as(connection: Connection, who: str) -> Story:
    rows = execute(connection, "who_is_it", {"who": who}).fetchall()
    contacts = sorted({row.contact for row in rows if row.contact and "@" in row.contact})
    users = sorted({row.user_id for row in rows if row.user_id})
    return Story(who, contacts, users, fetch_value(connection, "who_is_forgotten", {"who": who}))


def _meet(story: Story) -> None:
    """Adds the names that only the warehouse knows yet: the addresses of this user, the users of this address."""
    for row in story.warehouse:
        if row["user_id"] == story.who and row["problem"] is None and row["contact"] not in story.contacts:
            story.contacts.append(row["contact"])
        if row["contact"] in story.contacts and row["user_id"] and row["user_id"] not in story.users:
            story.users.append(row["user_id"])


def _keys(story: Story) -> list[str]:
    """What this person is known by, whatever a destination knows contacts by."""
    return [*story.contacts, *(user for user in story.users if user not in story.contacts)]


def _pending(connection: Connection, planned: plan.TargetPlan, story: Story) -> dict[str, Any]:
    target = planned.target
    execute(connection, "recall_deferred", {"destination_id": target.destination_id})
    contacts = story.contacts if target.mode.identity == "email" else story.users
    reached = {row.contact for row in execute(connection, "who_is_in_reach", {"contacts": contacts, **target.in_reach})}
    names = {"contacts": _keys(story), "users": story.users}
    return {
        "name": target.name,
        "out_of_reach": [contact for contact in contacts if contact not in reached],
        "pending": _dicts(execute(connection, "who_is_pending", names)),
        "skipped": _dicts(execute(connection, "who_is_skipped", names)),
    }


def _recall(connection: Connection, story: Story, limit: int) -> None:
    """What the state knows, beside what the plan found for each destination."""
    names = {"contacts": _keys(story)}
    by_name = {destination["name"]: destination for destination in story.destinations}
    for title in ("told", "held", "refused"):
        for destination in story.destinations:
            destination[title] = []
        for row in _dicts(execute(connection, _RECALLED[title], names)):
            name = row.pop("destination")
            if name not in by_name:
                by_name[name] = {"name": name, "told": [], "held": [], "refused": [], "pending": [], "skipped": []}
                story.destinations.append(by_name[name])
            by_name[name][title].append(row)
    story.history = _dicts(execute(connection, "who_changed", {**names, "limit": limit}))


_RECALLED = {"told": "who_was_told", "held": "who_is_held", "refused": "who_is_refused"}


def _dicts(rows: Any) -> list[dict[str, Any]]:
    return [row._asdict() for row in rows]
