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
from syncer.planning.snapshot import NotEnoughError
from syncer.planning.standing import Standing
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, analyze, execute, fetch_one, fetch_value, fetch_values

_IN_TIME = 0.9
"""What is told again before it expires is told after this fraction of the time: the next run may be late."""


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
    knows_nobody: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison leaves: the `fingerprints` of audiences of which nothing differs, and whether something of what
    is to be told takes a run back. `found` are the kinds of differences (see `diff_members`), `stands` what there is
    beside them."""

    found: Set[str]
    stands: Standing
    fingerprints: Mapping[int, str]
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
    ids of all audiences that there are. With `last`, audiences whose rows have not changed since the last run are not
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
        found = self._find(stands)
        if self._mark_excluded(stands):
            found = self._found()
        if "skip" in found and found & {"lose", "unsure"}:
            here = {"destination_id": self.target.destination_id}
            execute(self.connection, "mark_still_named", {**here, **self.target.in_reach})
        rolls_back = stands.held and rollbacks.add(
            self.connection, self.request, self.counts, self.target, self.audiences, self.paused
        )
        if rolls_back:
            return Compared(self._found(), stands, {}, rolls_back=True)
        return Compared(found, stands, self._fingerprints_to_leave(), rolls_back=False)

    def _find(self, stands: Standing) -> Set[str]:
        """Finds all differences, and what the state has of their contacts; returns of which kinds there are any."""
        here = {"destination_id": self.target.destination_id}
        in_reach = {**here, **self.target.in_reach}
        differences = self._compare_members()
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
        return found

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

    def _compare_members(self) -> int:
        """Compares memberships, except those of audiences that need no comparison; returns how many differ."""
        unchanged = {"unchanged": list(self._unchanged())}
        audiences = fetch_one(self.connection, _Audiences, "list_compared_audiences", unchanged)
        nameless = list(self.counts.nameless)
        compared = {
            "destination_id": self.target.destination_id,
            **self.target.in_reach,
            **audiences._asdict(),
            "all_audiences": not unchanged["unchanged"],
            "only_contacts": self.target.only_contacts,
            "nameless": nameless,
            "anything": bool(audiences.audience_ids or nameless or None in self.counts.rows),
        }
        here = {"destination_id": self.target.destination_id}
        before = fetch_one(self.connection, _Begun, "begin_comparing", here)
        snapshot = self.counts.snapshot
        join = psycopg.sql.SQL("LEFT" if before.knows_nobody else "FULL")
        sides = {**self.target.compared, "accepted": snapshot.accepted, "join": join}
        made = snapshot.execute(self.connection, "diff_members", compared, **sides)
        execute(self.connection, "end_comparing", before._asdict())
        execute(self.connection, "complete_member_delta")
        if fetch_value(self.connection, "any_padded"):
            analyze(self.connection, "member_delta")
            execute(self.connection, "match_padded", {"destination_id": self.target.destination_id})
        return made.rowcount

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

    def _unchanged(self) -> Collection[int]:
        """The audiences that need no comparison."""
        if self.last is None or self.counts.totals is None:
            return ()
        return self.last.unchanged(self.target.destination_id, self._fingerprints(self._read))

    def _fingerprints_to_leave(self) -> Mapping[int, str]:
        """Those of the audiences of which nothing differs, if the next run may save work by them."""
        if self.last is None:
            return {}
        changed = checksums.changed(self.connection)
        unchanged = {key: name for key, name in self._read.items() if key not in changed}
        return self._fingerprints(unchanged) if checksums.most(len(unchanged), len(self._read)) else {}

    def _fingerprints(self, names: Mapping[int, str]) -> Mapping[int, str]:
        rows, totals, reading = self.counts.rows, self.counts.add_up(), self.target.reading
        return {
            key: checksums.fingerprint(rows.get(name, 0), totals.get(name, 0), reading) for key, name in names.items()
        }

    @property
    def _read(self) -> Mapping[int, str]:
        """The names of those whose memberships are compared with the snapshot's, by their ids."""
        return {
            key: audience.name
            for key, audience in self.audiences.items()
            if self.target.reads(audience) and not audience.is_trait
        }
