"""What syncer itself lists about a destination, as its state says it: the excuses that the `auditor` accepts."""

import functools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from tests.sayings import Key, is_blank, of, snake_case
from tests.suppressing import address
from tests.witness import Audited, Snapshot, Telling


class Read(NamedTuple):
    """A run that read a snapshot, or began to: when it did, and when the run had ended."""

    run_id: int
    began: datetime
    ended: datetime


class Outcome(NamedTuple):
    """What became of a property of a contact in a run that was to tell it. `status` as in the history."""

    run_id: int
    status: str
    op: str
    value: object


class Skipped(NamedTuple):
    """A row that was not sent."""

    audience: str | None
    user: str | None
    email: str | None
    reason: str = ""


@dataclass
class Listing:
    """`pinned`: the property of each audience that the state knows. `last_read`: by property, the last run that was
    about it. `deferred`: how many contacts of a property that run left to the next. `left`: the runs that another
    process had to close. `open`: the runs that nobody has closed. `resyncs`: the runs that told all again, and of which
    properties, if not of all. `repairs`: when a reconciliation made something due again. `began`: when the kept history
    begins. `forgets`: people were forgotten, who have no names any more. `resumed`: a pause was lifted since the last
    plan."""

    pinned: Mapping[str, str] = field(default_factory=dict)
    last_read: Mapping[str, Read] = field(default_factory=dict)
    deferred: Mapping[str, int] = field(default_factory=dict)
    runs: Mapping[int, Read] = field(default_factory=dict)
    history: dict[str, tuple[int, str]] = field(default_factory=dict)
    outcomes: dict[Key, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    held: set[tuple[str, str, str]] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    skipped: list[Skipped] = field(default_factory=list)
    paused: set[str | None] = field(default_factory=set)
    resumed: bool = False
    contested: set[str] = field(default_factory=set)
    doubted: set[Key] = field(default_factory=set)
    resyncs: list[tuple[int, set[str] | None]] = field(default_factory=list)
    repairs: dict[Key, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    orders: list[tuple[datetime, str, str]] = field(default_factory=list)
    left: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)
    began: datetime | None = None
    forgets: bool = False

    @classmethod
    def of(cls, world: Audited, destination: str) -> "Listing":
        """What a world's state says about a destination."""

        # In one session: each takes longer to begin than all that is asked here.
        with world.asking() as connection:
            listing = cls._read(connection, destination, forgets=world.witness.forgets)
        told = {"held_out", "outranked"}  # these were told so
        if not listing.froze(world.witness.snapshots, destination):
            told.add("suppressed")
        listing.skipped = [row for row in listing.skipped if row.reason not in told]
        return listing

    def froze(self, snapshots: Sequence[Snapshot], destination: str) -> bool:
        """Whether the destination was one that freezes when its list of skipped rows was made."""
        last = max((read.began for read in self.last_read.values()), default=None)
        configs = [each.config for each in snapshots if last is not None and each.began <= last]
        return bool(configs) and of(configs[-1], destination).get("suppress") == "freeze"

    @classmethod
    def _read(cls, connection: psycopg.Connection[Any], destination: str, *, forgets: bool) -> "Listing":
        def rows(statement: str, filled: str = "") -> list[Any]:
            """None without a row in the table `filled`: a view takes longer to plan than most tests' whole history."""
            if filled not in tables:
                return []
            return connection.execute(statement, [destination] if "%s" in statement else None).fetchall()

        tables = {""}
        tables |= {name for (name,) in rows(FILLED)}
        listing = cls(
            pinned=dict(rows("SELECT name, property FROM audience")),
            runs={run_id: Read(run_id, *times) for run_id, *times in rows(RUNS)},
            held=set(rows(HELD, "held_change")),
            refused={who for (who,) in rows(REFUSED, "refused_contact")},
            skipped=[Skipped(*row) for row in rows(SKIPPED, "skipped_member")],
            paused={name for (name,) in rows(PAUSED, "pause")},
            resumed=bool(rows(RESUMED, "operator_action")),
            doubted=set(rows(DOUBTED, "uncertain")),
            left={run_id for (run_id,) in rows(LEFT)},
            open={run_id for (run_id,) in rows(OPEN)},
            began=min((at for (at,) in rows(HISTORY_BEGAN)), default=None),
            forgets=forgets or bool(rows(FORGETS, "operator_action")),
        )
        last = {name: (run_id, deferred) for name, run_id, deferred in rows(LAST_READ)}
        listing.last_read = {name: listing.runs[run_id] for name, (run_id, _) in last.items()}
        listing.deferred = {name: deferred for name, (_, deferred) in last.items() if deferred}
        listing.resyncs = [
            (run_id, set(map(listing.property_of, names or ())) or None) for run_id, names in rows(RESYNCS)
        ]
        listing.contested = {listing.property_of(name) for (name,) in rows(CONTESTED)}
        listing.orders = [
            (at, action, listing.property_of(name)) for at, action, name in rows(ORDERS, "operator_action")
        ]
        for contact, name, at in rows(REPAIRED, "reconciled_difference"):
            listing.repairs[contact, name].append(at)
        for contact, name, message_id, *outcome in rows(HISTORY):
            found = Outcome(*outcome)
            listing.history[str(message_id)] = (found.run_id, found.status)
            if listing.outcomes[contact, name][-1:] != [found]:  # a row per membership: one call tells of several
                listing.outcomes[contact, name].append(found)
        return listing

    def property_of(self, name: str) -> str:
        """The property of an audience that somebody named."""
        return self.pinned.get(name) or snake_case(name)

    def call(self, telling: Telling, key: Key) -> tuple[int, str] | None:
        """The run that told it, and what the history says became of it; None: it does not know of the call."""
        if telling.message_id is not None:
            return self.history.get(telling.message_id)
        known = [each for each in self.outcomes[key] if self.runs[each.run_id].began <= telling.at]
        return (known[-1].run_id, known[-1].status) if known else None

    def forgot(self, at: datetime) -> bool:
        """Whether the history may have known of a call at this moment, and does no more."""
        return self.forgets or self.began is None or at < self.began

    def unknown_between(self, key: Key, before: int, now: int) -> bool:
        """Whether another call about this may have arrived between those of two runs, although nobody said so.

        One of the run before them may, if another process closed that run: its own may only have stood still, and says
        so when it wakes up and finds out. Then it is told again, although the other process has told it.
        """
        outcomes = [each for each in self.outcomes[key] if each.run_id < now]
        woken = [each for each in outcomes if each.run_id <= before][-2:]
        if [each.status for each in woken] == ["unknown", "succeeded"] and outcomes[-1].run_id == before:
            return woken[0].run_id in self.left
        # What follows another contact's call is told for sure once that may have left.
        return any(
            each.status == "unknown" or (each.status != "succeeded" and each.op == "reasserted")
            for each in outcomes
            if each.run_id > before
        )

    def resynced_between(self, name: str, before: int, now: int) -> bool:
        """Whether a full resync made due again what the first of two runs told."""
        return any(before < run_id <= now and (names is None or name in names) for run_id, names in self.resyncs)

    def repaired_between(self, key: Key, before: datetime, now: datetime) -> bool:
        """Whether a reconciliation found between two calls that the destination believes otherwise."""
        return any(before < at < now for at in self.repairs[key])

    def refreshed(self, key: Key, run: int) -> bool:
        """Whether a run told it once more because it would expire."""
        return any(each.run_id == run and each.op == "refreshed" for each in self.outcomes[key])

    def may_be_false(self, name: str, contacts: Collection[str], first: int, last: int) -> bool:
        """Whether one of these contacts was to be told false in the runs from the first to the last."""
        outcomes = (each for contact in contacts for each in self.outcomes.get((contact, name), ()))
        return any(first <= each.run_id <= last and each.value in (False, None) for each in outcomes)

    def retired(self, name: str, began: datetime, ended: datetime) -> set[bool]:
        """Whether it was retired at the moments of a time: yes, no, or both."""
        states = {False}
        for at, action, property_name in self.orders:
            if property_name == name and at <= ended:
                states = {action == "retire"} | (states if at > began else set())
        return states

    def lists(self, key: Key, users: Collection[str], believed: object, *, by_user: bool) -> bool:
        """Whether it is said why this contact believes that of the property, and not what the last snapshot said.

        A row that was not sent is why they still believe it, if it names them or one of the `users` of whom it was
        told; and why they do not yet, if it is theirs, of one of the `users` who are there.
        """
        contact, name = key
        believes = believed not in (None, False)
        outcomes = self.outcomes.get(key, [])
        last = outcomes[-1] if outcomes else None
        if last is not None and last.status in ("unknown", "aborted", "planned", "failed"):
            is_said = last.status != "failed" or last.run_id in self.open  # who was refused is listed when it is closed
            if contact in self.refused or (is_said and last.run_id >= self.last_read[name].run_id):
                return True
        if any(each[:2] == key and (each[2] == "removed") == believes for each in self.held):
            return True
        if believes and (name in self.contested or key in self.doubted):
            return True
        if self.forgets and not any(contact == there for there, _ in self.outcomes):  # they have no names, of course
            return True
        return any(
            (contact == (user if by_user else at)) + (user in users) >= (1 if believes else 2)
            for property_name, user, at in self._unsent
            if property_name in (None, name)
        )

    @functools.cached_property
    def _unsent(self) -> list[tuple[str | None, str | None, str | None]]:
        """Property, user and address of the rows that were not sent; no property: they name no audience."""
        return [
            (None if is_blank(row.audience) else self.property_of(str(row.audience)), row.user, address(row.email))
            for row in self.skipped
        ]


FILLED = " UNION ALL ".join(
    f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})"
    for table in (
        "held_change",
        "refused_contact",
        "skipped_member",
        "pause",
        "uncertain",
        "operator_action",
        "reconciled_difference",
    )
)

HELD = """
SELECT contact, property, op FROM held_changes WHERE destination = %s
"""

REFUSED = """
SELECT contact FROM refused_contacts WHERE destination = %s
"""

FORGETS = """
SELECT FROM operator_actions WHERE action = 'forget'
"""

RUNS = """
SELECT run_id, coalesce(snapshot_at, started_at), coalesce(finished_at, now()) FROM sync_runs
"""

LAST_READ = """
SELECT DISTINCT ON (audience.property) audience.property, run_id, run_count.deferred
FROM run_count JOIN run USING (run_id) JOIN audience USING (audience_id) JOIN destination USING (destination_id)
WHERE destination.name = %s AND snapshot_at IS NOT NULL
ORDER BY audience.property, run_id DESC
"""

HISTORY = """
SELECT contact, property, message_id, run_id, status, op, value
FROM sync_changelog
WHERE destination = %s AND op <> 'covered' AND status <> 'held'
ORDER BY run_id
"""

HISTORY_BEGAN = """
SELECT min(started_at) FROM run JOIN sync_change USING (run_id) HAVING count(*) > 0
"""

SKIPPED = """
SELECT audience, user_id, email, reason FROM skipped_members WHERE destination = %s
"""

PAUSED = """
SELECT audience.property
FROM pause LEFT JOIN audience USING (audience_id) LEFT JOIN destination USING (destination_id)
WHERE destination.name IS NULL OR destination.name = %s
"""

RESUMED = """
SELECT FROM operator_actions WHERE action = 'resume' AND at > (SELECT max(snapshot_at) FROM run)
"""

CONTESTED = """
SELECT name FROM run_audience
WHERE run_id = (SELECT max(run_id) FROM run WHERE snapshot_at IS NOT NULL) AND problem IS NOT NULL
"""

DOUBTED = """
SELECT contact, property
FROM uncertain JOIN audience USING (audience_id) JOIN destination USING (destination_id)
WHERE left_because IS NOT NULL AND destination.name = %s
"""

RESYNCS = """
SELECT sync_runs.run_id, arguments -> 'audiences'
FROM sync_runs
LEFT JOIN operator_actions ON operator_actions.run_id = sync_runs.run_id AND action = 'resync' -- or what approved it
WHERE trigger = 'resync'
    AND coalesce(arguments -> 'destinations', '[]') IN ('[]', jsonb_build_array(%s::text))
"""

REPAIRED = """
SELECT contact, property, started_at
FROM reconciled_differences JOIN reconciliations USING (reconciliation_id, destination)
WHERE reconciled_differences.repaired AND destination = %s
"""

LEFT = """
SELECT run_id FROM sync_runs WHERE error LIKE 'the process % ended without closing this run'
"""

OPEN = """
SELECT run_id FROM sync_runs WHERE finished_at IS NULL
"""

ORDERS = """
SELECT at, action, name
FROM operator_actions
CROSS JOIN LATERAL (
    SELECT arguments ->> 'audience'
    UNION ALL
    SELECT jsonb_array_elements_text(arguments -> 'audiences') WHERE jsonb_typeof(arguments -> 'audiences') = 'array'
) AS named (name)
WHERE action IN ('retire', 'resume') AND name IS NOT NULL
ORDER BY at
"""
