"""What differs between a snapshot and what a destination accepted: fills `member_delta`, a row for every difference.

This is the only part of a plan that reads all of both sides; what comes after it touches the differences alone.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

import psycopg.sql

from syncer import models
from syncer.planning import checksums, rollbacks, standing, suppression
from syncer.planning.counts import Counts
from syncer.planning.moved import Anywhere, Moved
from syncer.planning.snapshot import NotEnoughError
from syncer.planning.standing import Standing
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, analyze, execute, fetch_one, fetch_value, fetch_values

_IN_TIME = 0.9
"""What is told again before it expires is told after this fraction of the time: the next run may be late."""

MANY_PADDED = 0.08
"""Where blanks surround a larger share of the addresses, it costs less to take them off all before they are compared
than to look those up once more that were not found."""


class _Audiences(NamedTuple):
    """The audiences to compare, as parallel arrays."""

    audience_ids: Sequence[int]
    names: Sequence[str]
    reads: Sequence[bool]
    due_before: Sequence[int]


class _Begun(NamedTuple):
    """The session's settings before a comparison, and whether there is nobody to compare with."""

    tuple_cost: str
    memory: str
    merge_joins: str
    knows_nobody: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison finds: which kinds of differences (see `diff_members`), in how many `rows` of memberships, what
    `stands` beside them, and whether something of what is to be told takes a run back. `leaving`: what it leaves for
    the next one."""

    found: Set[str]
    rows: int
    stands: Standing
    leaving: checksums.Leaving
    rolls_back: bool

    @property
    def all_new(self) -> bool:
        """Whether somebody only enters, and nothing else stands or is due."""
        stands = self.stands
        waits = stands.uncertain or stands.refused or stands.held or stands.resyncs or stands.users_told_false
        return self.found <= {"gain", "skip"} and not waits


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares the snapshot with what one destination accepted, in the private tables of the plan.

    `audiences` are those that are planned there, `paused` those that are not because they are paused. `known` are the
    ids of all audiences that there are. With `last`, members whose rows have not changed since the last run are not
    compared.
    """

    connection: Connection
    request: PlanRequest
    counts: Counts
    target: Target
    audiences: Mapping[int, models.Audience]
    paused: Mapping[int, models.Audience]
    known: Set[int]
    last: checksums.Checksums | None

    def reading(self) -> str:
        """A digest of all that the comparison depends on beside the rows and the state: see `generations`."""
        audiences = fetch_one(self.connection, _Audiences, "list_compared_audiences", {"unchanged": []})
        return hashlib.sha256(json.dumps([self.target.reading, audiences]).encode()).hexdigest()[:32]

    def compare(self) -> Compared:
        """Fills `member_delta` and `known_member`."""
        self._refuse_other_reading()
        stands = standing.find(self.connection, self.target.destination_id)
        found, rows, leaving = self._find(stands)
        if self._mark_excluded(stands):
            found = self._found()
        if "skip" in found and found & {"lose", "unsure"}:
            here = {"destination_id": self.target.destination_id}
            execute(self.connection, "mark_still_named", {**here, **self.target.in_reach})
        rolls_back = stands.held and rollbacks.add(
            self.connection, self.request, self.counts, self.target, self.audiences, self.paused
        )
        if rolls_back:
            return Compared(self._found(), rows, stands, checksums.Leaving(), rolls_back=True)
        return Compared(found, rows, stands, leaving, rolls_back=False)

    def _find(self, stands: Standing) -> tuple[Set[str], int, checksums.Leaving]:
        """Finds all differences, and what the state has of their contacts; returns of which kinds there are any, how
        many are of memberships, and what that leaves."""
        here = {"destination_id": self.target.destination_id}
        in_reach = {**here, **self.target.in_reach}
        memory = self._memory()
        unchanged = [] if memory is None else list(memory.unchanged(self._read))
        audiences = fetch_one(self.connection, _Audiences, "list_compared_audiences", {"unchanged": unchanged})
        left_out = set(unchanged) - set(audiences.audience_ids)
        differences = self._compare_members(audiences, self._parts(memory, audiences), everything=not left_out)
        if any(audience.is_trait for audience in self.audiences.values()):
            self.counts.snapshot.execute(self.connection, "diff_values", in_reach, contact=self.target.contact)
        if self.request.has_profiles(self.target):
            self._resolve_profiles()
        self._add_due(in_reach, stands)
        if self.counts.snapshot.suppressed is not None:
            everybody = self.target.reach.everybody
            suppression.find(self.connection, self.target.mode.identity, in_reach, everybody=everybody)
        analyze(self.connection, "member_delta")
        if self.target.mode.tells_profiles:
            trigger = {"traits_trigger": self.target.mode.traits_trigger}
            execute(self.connection, "add_profile_changes", {**in_reach, **trigger})
        found = self._found()
        if found:
            execute(self.connection, "gather_known", here, **self.target.known(self.audiences.values()))
            analyze(self.connection, "known_member")
        if self.target.reach.everybody:
            self._count(differences)
        return found, differences, self._leave(memory, left_out, differences)

    def _mark_excluded(self, stands: Standing) -> bool:
        """Marks and lists the differences of those who are told nothing, or nothing more; whether there may be any."""
        if self.counts.snapshot.suppressed is not None:
            suppression.mark(self.connection, self.target.mode)
        if self.counts.snapshot.reduced:
            execute(self.connection, "list_taken_out", contact=self.target.contact)
        if stands.forgotten:
            execute(self.connection, "skip_forgotten", {"by_email": self.target.mode.identity == "email"})
        return self.counts.snapshot.reduced or stands.forgotten

    def _found(self) -> Set[str]:
        """Of a table that only this transaction sees. Who changes the kind of a row, or adds one, has to ask again."""
        return frozenset(fetch_values(self.connection, "list_kinds"))

    def _refuse_other_reading(self) -> None:
        """Of a part of the snapshot, only what was compared in the same way before can be compared again."""
        part = self.counts.snapshot.part
        if part is not None and part.readings.get(self.target.destination_id) != self.reading():
            raise NotEnoughError(
                f"{self.target.name} was compared otherwise by the run before: its settings, its audiences or what is"
                " paused or due again are others"
            )

    def _compare_members(self, audiences: _Audiences, parts: Sequence[Moved | None], *, everything: bool) -> int:
        """Compares the memberships of these audiences, or of each the part that moved; returns how many differ.
        `everything`: there are no others."""
        nameless = list(self.counts.nameless)
        about_anybody = bool(nameless or None in self.counts.rows)
        anything = about_anybody or bool(audiences.audience_ids)
        anywhere = Anywhere() if about_anybody else Anywhere.of(parts)
        compared = {
            "destination_id": self.target.destination_id,
            **self.target.in_reach,
            **audiences._asdict(),
            "all_audiences": everything,
            "only_contacts": self.target.only_contacts,
            "nameless": nameless,
            "anything": anything,
            "key": None if self.last is None else self.last.key,
            "groups": [1 if part is None else part.groups for part in parts],
            "moved": [None if part is None else part.bits for part in parts],
            "finest": anywhere.groups,
            "anywhere": anywhere.bits,
        }
        here = {"destination_id": self.target.destination_id}
        before = fetch_one(self.connection, _Begun, "begin_comparing", here)
        snapshot = self.counts.snapshot.parted() if any(parts) else self.counts.snapshot
        join = psycopg.sql.SQL("LEFT" if before.knows_nobody else "FULL")
        padded = anything and self.target.mode.identity == "email" and self._are_padded()
        sides = {**self.target.compared(padded=padded), "accepted": snapshot.accepted, "join": join}
        made = snapshot.execute(self.connection, "diff_members", compared, **sides)
        execute(self.connection, "end_comparing", before._asdict())
        execute(self.connection, "complete_member_delta")
        if not padded and fetch_value(self.connection, "any_padded"):
            analyze(self.connection, "member_delta")
            execute(self.connection, "match_padded", {"destination_id": self.target.destination_id})
        return made.rowcount

    def _are_padded(self) -> bool:
        """Whether blanks surround many addresses of the snapshot."""
        return bool(self.counts.snapshot.fetch_value(self.connection, "are_padded", {"share": MANY_PADDED}))

    def _memory(self) -> checksums.Memory | None:
        """What is remembered of this destination; None: nothing may be."""
        if self.last is None or self.counts.sums is None:
            return None
        kept = self.last.of(self.target.destination_id)
        return checksums.Memory(self.counts.sums, self.target.destination_id, kept)

    def _parts(self, memory: checksums.Memory | None, audiences: _Audiences) -> Sequence[Moved | None]:
        """Of which groups of each audience rows are read; None: of all. What is due again has not moved."""
        if memory is None:
            return [None] * len(audiences.audience_ids)
        listed = zip(audiences.audience_ids, audiences.names, audiences.reads, audiences.due_before, strict=True)
        moved = memory.moved({key: name for key, name, reads, due in listed if reads and not due})
        return [moved.get(key) for key in audiences.audience_ids]

    def _leave(self, memory: checksums.Memory | None, left_out: Collection[int], differences: int) -> checksums.Leaving:
        """What is left for the next comparison, before anybody's name is taken out of the differences. `left_out` are
        the audiences that were not compared."""
        rows = sum(self.counts.rows.values())
        if memory is None:
            return checksums.Leaving()
        if checksums.worthwhile(rows - differences, rows):
            return memory.leave(self._read, left_out)
        return memory.leave_unknown(self._read) if memory.is_first() else checksums.Leaving()

    def _add_due(self, in_reach: Mapping[str, object], stands: Standing) -> None:
        """Adds what is to be told whether or not anything changed."""
        if stands.uncertain:
            execute(self.connection, "add_uncertain", in_reach)
        if self.target.reach.retract:
            execute(self.connection, "add_retractions", in_reach)
        if self.target.mode.refresh is not None:
            analyze(self.connection, "member_delta")
            execute(self.connection, "add_refreshes", {**in_reach, "seconds": _IN_TIME * self.target.mode.refresh})

    def _resolve_profiles(self) -> None:
        """Finds what goes along with a call, and the rows that contradict it."""
        columns = {"contact": self.target.contact, "email": self.target.email, "traits": self.request.traits}
        self.counts.snapshot.execute(self.connection, "resolve_profiles", {}, **columns)
        analyze(self.connection, "profile")
        self.counts.snapshot.execute(self.connection, "skip_conflicting", {}, **columns)

    def _count(self, differences: int) -> None:
        """Lets the counts learn from this comparison as far as it went: not everything may have been compared."""
        read = self._read
        planned = {key for key, audience in self.audiences.items() if not audience.is_trait}
        both_whole = self.known <= planned and self.counts.names <= set(read.values())
        by_email = self.target.mode.identity == "email"
        self.counts.learn(self.target.destination_id, read, differences=differences, complete=both_whole and by_email)

    @property
    def _read(self) -> Mapping[int, str]:
        """The names of those whose memberships are compared with the snapshot's, by their ids."""
        return {
            key: audience.name
            for key, audience in self.audiences.items()
            if self.target.reads(audience) and not audience.is_trait
        }
