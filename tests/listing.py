"""What syncer itself lists about a destination, as its views say it: the excuses that the `auditor` accepts."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from tests.witness import Audited

Key = tuple[str, str]
"""contact, property"""


class LastRead(NamedTuple):
    """The last run that read a snapshot of a property: when it did, and when the run had ended."""

    run_id: int
    began: datetime
    ended: datetime


@dataclass
class Listing:
    """`pinned`: the property of each audience that the state knows. `last_read` is by property. `deferred`: how many
    calls the last run left to the next. `left`: the runs that another process had to close."""

    pinned: Mapping[str, str]
    last_read: Mapping[str, LastRead]
    deferred: int
    history: dict[str, tuple[int, str]] = field(default_factory=dict)
    outcomes: dict[Key, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    held: set[Key] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    skipped: list[tuple[str | None, str | None, str | None]] = field(default_factory=list)
    paused: set[str | None] = field(default_factory=set)
    resyncs: list[datetime] = field(default_factory=list)
    orders: list[tuple[datetime, str, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    forgets: bool = False

    @classmethod
    def of(cls, world: Audited, destination: str) -> "Listing":
        """What the views of a world's state say about a destination."""

        # In one session: each takes longer to begin than all that is asked here.
        with world.asking() as connection:
            return cls._read(connection, destination, forgets=world.witness.forgets)

    @classmethod
    def _read(cls, connection: psycopg.Connection[Any], destination: str, *, forgets: bool) -> "Listing":
        def rows(statement: str) -> list[Any]:
            return connection.execute(statement, [destination] if "%s" in statement else None).fetchall()

        listing = cls(
            pinned=dict(rows("SELECT name, property FROM audience")),
            last_read={name: LastRead(*read) for name, *read in rows(LAST_READ)},
            deferred=sum(count for (count,) in rows(DEFERRED)),
        )
        for contact, name, run_id, status, message_id in rows(HISTORY):
            if message_id is not None:
                listing.history[str(message_id)] = (run_id, status)
            listing.outcomes[contact, name].append((run_id, status))
        listing.held = set(rows("SELECT contact, property FROM held_changes WHERE destination = %s"))
        listing.refused = {who for (who,) in rows("SELECT contact FROM refused_contacts WHERE destination = %s")}
        listing.skipped = rows("SELECT audience, user_id, email FROM skipped_members WHERE destination = %s")
        listing.paused = {name for (name,) in rows(PAUSED)}
        listing.resyncs = [at for (at,) in rows(RESYNCS)]
        listing.orders = [(at, action, listing.pinned.get(name, snake_case(name))) for at, action, name in rows(ORDERS)]
        listing.left = {run_id for (run_id,) in rows(LEFT)}
        listing.known = {contact for contact, _ in listing.outcomes}
        listing.forgets = forgets or bool(rows("SELECT FROM operator_actions WHERE action = 'forget'"))
        return listing

    def status(self, message_id: str | None) -> str | None:
        """What the history says became of a call; None if it does not know it, or names no calls here."""
        if message_id is None:
            return "succeeded"
        return self.history.get(message_id, (0, None))[1]

    def unknown_between(self, contact: str, name: str, before: str | None, now: str | None) -> bool:
        """Whether another call about this may have arrived between the two, although nobody said so.

        One of a run before them may, if that was closed without its process, which may only have stood still and have
        told it when it woke up: so whoever took over tells it twice.
        """
        first = self.history.get(before or "", (0, ""))[0]
        last = self.history.get(now or "", (1 << 31, ""))[0]
        outcomes = [outcome for outcome in self.outcomes[contact, name] if outcome[0] < last]
        between = [status for run_id, status in outcomes if run_id >= first]
        overtaken = [status for run_id, status in outcomes[-2:] if run_id in self.left or status == "succeeded"]
        return overtaken == ["unknown", "succeeded"] or any(status in ("unknown", "failed") for status in between)

    def resynced_between(self, before: datetime, now: datetime) -> bool:
        return any(before <= at <= now for at in self.resyncs)

    def retired_between(self, name: str, before: datetime | None, now: datetime) -> bool:
        """Whether an audience was retired at a moment since then, or had been."""
        retired = False
        for at, action, property_name in self.orders:
            if at > now:
                break
            if property_name == name:
                if retired and before is not None and at >= before:
                    return True
                retired = action == "retire"
        return retired

    def retired(self, name: str) -> bool:
        """Whether it is retired since before the last run."""
        last = self.last_read.get(name)
        return last is not None and self.retired_between(name, last.began, last.began)

    def lists(self, contact: str, users: set[str], name: str) -> bool:
        """Whether it is said why this contact does not know the property as the last snapshot said it."""
        if {None, name} & self.paused or contact in self.refused or (contact, name) in self.held:
            return True
        if self.forgets and contact not in self.known:  # people are forgotten without their names, of course
            return True
        if any(email_or_user in (contact, *users) for _, *who in self.skipped for email_or_user in _texts(who)):
            return True
        outcomes = self.outcomes.get((contact, name), [])
        last = self.last_read[name].run_id
        return any(run_id >= last and status != "succeeded" for run_id, status in outcomes)


def snake_case(name: str) -> str:
    """The property of an audience that the state does not know, or knows by another name now."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _texts(who: list[str | None]) -> list[str]:
    return [form for text in who if text for form in (text, text.strip(" \t\r\n\xa0").lower())]


LAST_READ = """
SELECT DISTINCT ON (property) property, run_id, snapshot_at, coalesce(finished_at, now())
FROM sync_run_counts JOIN sync_runs USING (run_id)
WHERE destination = %s AND snapshot_at IS NOT NULL
ORDER BY property, run_id DESC
"""

DEFERRED = """
SELECT deferred FROM run WHERE snapshot_at IS NOT NULL ORDER BY run_id DESC LIMIT 1
"""

HISTORY = """
SELECT contact, property, run_id, status, message_id FROM sync_changelog WHERE destination = %s AND op <> 'covered'
ORDER BY run_id
"""

PAUSED = """
SELECT audience.property
FROM pause LEFT JOIN audience USING (audience_id) LEFT JOIN destination USING (destination_id)
WHERE destination.name IS NULL OR destination.name = %s
"""

RESYNCS = """
SELECT started_at FROM sync_runs WHERE trigger = 'resync' ORDER BY started_at
"""

LEFT = """
SELECT run_id FROM sync_runs WHERE error LIKE 'the process % ended without closing this run'
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
