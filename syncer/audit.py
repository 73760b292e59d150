"""Questions that need the warehouse: does everything add up, and what about this one person?

Both are answered by the plan itself, made and thrown away, so that the answer is what the next run would do and not a
second opinion. For one person it is a plan of their rows alone, and of those with whom they share ids or addresses: the
guard, which counts everybody, has no part in it but for what it holds already. Nothing is sent, nothing is changed, no
lock is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg

from syncer import models, naming, sync
from syncer.planning import plan
from syncer.planning.changes import TargetPlan
from syncer.planning.snapshot import Snapshot
from syncer.planning.targets import Target
from syncer.state import MAX_CONTACTS_OF_USER, Connection, execute, fetch_all, fetch_value, fetch_values
from syncer.state.pauses import list_pauses
from syncer.stopping import Stop

_DIFFERENCES = ("missing", "lingering", "outdated")
_RECALLED = {"told": "who_was_told", "held": "who_is_held", "refused": "who_is_refused"}


_NEVER = 2**62
"""So many contacts never move at once."""

_MOST_BESIDE = 2 * MAX_CONTACTS_OF_USER
"""Whoever shares ids and addresses with more contacts is explained by those that were found until then."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not add up.

    `why`: `missing` (the warehouse has it, the destination was not told), `lingering` (the destination was told, the
    warehouse no longer has it), `outdated` (it was told another value, email or trait), `not_in_state` or
    `not_in_history` (the history says otherwise than the state), `told_both` (true and false at once), `count` (the
    members of an audience do not add up).
    """

    why: str
    audience: str
    property: str
    contact: str | None = None
    user_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class DestinationAudit:
    """How one destination's history, state and warehouse compare. `listed` counts what is no difference, by reason."""

    name: str
    differences: int
    examples: Sequence[Difference]
    listed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Audit:
    """What `verify --json` prints."""

    asked_at: datetime
    differences: int
    destinations: Sequence[DestinationAudit]
    paused: Sequence[Mapping[str, Any]]
    problems: Sequence[Mapping[str, str]]


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


class _Pending(NamedTuple):
    why: str
    contacts: int


class _Example(NamedTuple):
    why: str
    audience: str
    property: str
    contact: str


class _Contradiction(NamedTuple):
    """`found` counts all contradictions of the destination."""

    why: str
    audience: str
    property: str
    contact: str
    user_id: str
    found: int


class _Sum(NamedTuple):
    audience: str
    property: str
    replayed: int
    members: int


class _Name(NamedTuple):
    contact: str | None
    user_id: str | None


class _Contact(NamedTuple):
    contact: str


def verify(job: sync.Job, stop: Stop, progress: sync.Progress, limit: int) -> Audit:
    """History replayed = state = warehouse, or the differences, at most `limit` of each kind by name."""
    asked_at = datetime.now(UTC)
    with sync.dry_run(_asked(job), stop, progress) as (planning, _):
        destinations = [_examine(planning.connection, target, limit) for target in planning.targets()]
        problems = [
            {"audience": naming.listed(audience.name), "problem": audience.problem}
            for audience in planning.audiences.in_scope
            if audience.problem is not None
        ]
    with job.state.connect("verify") as connection:
        paused = [
            {"destination": each.destination, "audience": each.audience, "since": each.since}
            for each in list_pauses(connection)
        ]
    return Audit(asked_at, sum(each.differences for each in destinations), destinations, paused, problems)


def explain(job: sync.Job, connection: Connection, who: str, stop: Stop, progress: sync.Progress, limit: int) -> Story:
    """Everything about a user id or an email; of its history the latest `limit` changes.

    All of it in one session, with a state of this version: what a session learns of the tables it learns once.
    """
    story = _known_as(connection, who)
    people = _around(connection, models.People(frozenset(story.contacts), frozenset(story.users)))
    for is_last in (False, False, True):
        asked = _asked_about(job, connection, people)
        with sync.imagined(asked, connection, stop, progress) as (planning, _):
            found = _beside(connection, people, planning.counts.snapshot)
            if is_last or found == people or len(found.contacts) > _MOST_BESIDE:
                _explain_from(planning, story)
                break
        people = found
    _recall(connection, story, limit)
    return story


def remembered(connection: Connection, who: str, limit: int) -> Story:
    """What the state alone knows about a user id or an email: what was told, what is held, refused or skipped."""
    story = _known_as(connection, who)
    _recall(connection, story, limit)
    return story


def _explain_from(planning: plan.Planning, story: Story) -> None:
    """Adds what a plan about them says."""
    names = {"contacts": story.contacts, "users": story.users}
    snapshot = planning.counts.snapshot
    story.warehouse = _dicts(snapshot.execute(planning.connection, "who_in_snapshot", names))
    if snapshot.reduced:
        story.warehouse += _dicts(execute(planning.connection, "who_is_taken_out", names))
    _add_names(story)
    story.destinations = [_pending(planning.connection, planned.target, story) for planned in planning.targets()]


def _around(connection: Connection, people: models.People) -> models.People:
    """These people with those who share ids and addresses with them, one after the other, as far as the state knows: it
    is asked more cheaply than the warehouse. It ends before too many: the warehouse would be asked for each of them."""
    found = _beside(connection, people)
    while len(found.contacts) <= _MOST_BESIDE:
        beside = _beside(connection, found)
        if beside == found or len(beside.contacts) > _MOST_BESIDE:
            break
        found = beside
    return found


def _beside(connection: Connection, people: models.People, snapshot: Snapshot | None = None) -> models.People:
    """These people with those whose rows decide with theirs: who shares a user id or an address with them."""
    names = {"contacts": sorted(people.contacts), "users": sorted(people.users)}
    rows = fetch_all(connection, _Name, "who_is_with", names)
    if snapshot is not None:
        rows = [*rows, *snapshot.everybody.fetch_all(connection, _Name, "who_is_beside", names)]
    contacts = frozenset(row.contact for row in rows if row.contact)
    return people | models.People(contacts, frozenset(row.user_id for row in rows if row.user_id))


def _asked_about(job: sync.Job, connection: Connection, people: models.People) -> sync.Job:
    """The same for these people only: their rows, and no contact beyond them.

    The guard counts everybody, so it holds what it held in the last run (see `Holding.hold`).
    """
    asked = _asked(job)
    targets = [_narrowed(connection, target, people) for target in asked.targets]
    return replace(
        asked,
        sources=[replace(source, people=people) for source in asked.sources],
        suppressed=[replace(source, people=people) if source.unless else source for source in asked.suppressed],
        targets=targets,
        guard=replace(asked.guard, min_removed=_NEVER, min_added=_NEVER),
    )


def _narrowed(connection: Connection, target: Target, people: models.People) -> Target:
    """The same destination, about those of these people who are within its reach."""
    contacts = people.contacts if target.mode.identity == "email" else people.users
    within = frozenset(_reached(connection, target, contacts))
    return replace(target, reach=replace(target.reach, contacts=within, rollout=None), whole=target.reach)


def _reached(connection: Connection, target: Target, contacts: Iterable[str]) -> set[str]:
    asked = {"contacts": list(contacts), **target.in_whole_reach}
    return {row.contact for row in fetch_all(connection, _Contact, "who_is_in_reach", asked)}


def _asked(job: sync.Job) -> sync.Job:
    """A question is answered whether or not a run would be held as a whole."""
    return replace(job, guard=replace(job.guard, ready=None, watches_suppression=False))


def _examine(connection: Connection, planned: TargetPlan, limit: int) -> DestinationAudit:
    here = {"destination_id": planned.target.destination_id}
    _defer(connection, planned.target)
    reasons = {row.why: row.contacts for row in fetch_all(connection, _Pending, "count_pending", here)}
    pending = fetch_all(connection, _Example, "list_pending", {**here, "limit": limit})
    examples = [Difference(row.why, row.audience, row.property, row.contact) for row in pending]
    contradictions, contradicting = _replay(connection, here, limit)
    listed = {why: contacts for why, contacts in reasons.items() if why not in _DIFFERENCES}
    stays = 0 if planned.target.reach.everybody else _count_out_of_reach(connection, planned)
    left = {
        f"left uncertain: {row.why}": row.contacts for row in fetch_all(connection, _Pending, "count_left_uncertain")
    }
    skipped = {f"skipped: {reason}": members for reason, members in planned.skipped.items()}
    return DestinationAudit(
        name=planned.target.name,
        differences=sum(reasons.get(why, 0) for why in _DIFFERENCES) + contradictions,
        examples=[*examples, *contradicting],
        listed={**listed, **left, **skipped, **({"out_of_reach": stays} if stays else {})},
    )


def _defer(connection: Connection, target: Target) -> None:
    """What the last run deferred there waits for the next one, in this plan too."""
    here = {"destination_id": target.destination_id}
    for run_id in fetch_values(connection, "find_deferring_run", here):
        execute(connection, "defer_as_last_run", {**here, "run_id": run_id})


def _count_out_of_reach(connection: Connection, planned: TargetPlan) -> int:
    here = {"destination_id": planned.target.destination_id, **planned.target.in_reach}
    return int(fetch_value(connection, "count_out_of_reach", here))


def _replay(connection: Connection, here: Mapping[str, object], limit: int) -> tuple[int, list[Difference]]:
    """How often history and state contradict one another, and the first of these contradictions."""
    execute(connection, "create_replay", here)
    execute(connection, "create_replay_told", here)
    rows = fetch_all(connection, _Contradiction, "list_replay_differences", {**here, "limit": limit})
    execute(connection, "drop_replay")
    found = [Difference(row.why, row.audience, row.property, row.contact, row.user_id) for row in rows]
    counts = [
        Difference(
            "count",
            row.audience,
            row.property,
            detail=f"the history adds up to {row.replayed:,} members, the state has {row.members:,}",
        )
        for row in fetch_all(connection, _Sum, "count_replay_differences", here)
    ]
    return (rows[0].found if rows else 0) + len(counts), [*found, *counts]


def _known_as(connection: Connection, who: str) -> Story:
    rows = fetch_all(connection, _Name, "who_is_it", {"who": who})
    contacts = sorted({row.contact for row in rows if row.contact and "@" in row.contact})
    users = sorted({row.user_id for row in rows if row.user_id})
    return Story(who, contacts, users, fetch_value(connection, "who_is_forgotten", {"who": who}))


def _add_names(story: Story) -> None:
    """Adds the names that only the warehouse knows yet: the addresses of this user, the users of this address."""
    for row in story.warehouse:
        sound = row["problem"] in (None, "suppressed", "held_out", "outranked")
        if row["user_id"] == story.who and sound and row["contact"] not in story.contacts:
            story.contacts.append(row["contact"])
        if row["contact"] in story.contacts and row["user_id"] and row["user_id"] not in story.users:
            story.users.append(row["user_id"])


def _keys(story: Story) -> list[str]:
    """What this person is known by, whatever a destination knows contacts by."""
    return [*story.contacts, *(user for user in story.users if user not in story.contacts)]


def _pending(connection: Connection, target: Target, story: Story) -> dict[str, Any]:
    _defer(connection, target)
    contacts = story.contacts if target.mode.identity == "email" else story.users
    reached = _reached(connection, target, contacts)
    names = {"contacts": _keys(story), "users": story.users, "destination_id": target.destination_id}
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
    for title, statement in _RECALLED.items():
        for destination in story.destinations:
            destination[title] = []
        for row in _dicts(execute(connection, statement, names)):
            name = row.pop("destination")
            if name not in by_name:
                by_name[name] = {"name": name, "told": [], "held": [], "refused": [], "pending": [], "skipped": []}
                story.destinations.append(by_name[name])
            by_name[name][title].append(row)
    story.history = _dicts(execute(connection, "who_changed", {**names, "limit": limit}))


def _dicts(rows: psycopg.Cursor[Any]) -> list[dict[str, Any]]:
    """Rows that are printed as they are, under the names of the statement's columns."""
    names = [column.name for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]
