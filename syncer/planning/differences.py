"""What differs between a snapshot and what a destination accepted: the rows of `member_delta`, and who they are about.

This is the only part of a plan that reads all of both sides; what comes after it touches the differences alone.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import asdict, dataclass

from syncer import models
from syncer.planning import checksums
from syncer.planning.counts import Counts
from syncer.planning.snapshot import Snapshot
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, execute, fetch_one, fetch_value


@dataclass(frozen=True, slots=True)
class _Listed:
    """The audiences to compare, as parallel arrays."""

    audience_ids: Sequence[int]
    names: Sequence[str]
    reads: Sequence[bool]
    due_before: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class _Settings:
    """The session's settings before a comparison."""

    tuple_cost: str
    memory: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares for one destination after the other, in the private tables of the plan's transaction.

    `known` are the ids of all audiences, also of those that are new. With a memory, audiences that did not move are not
    compared.
    """

    connection: Connection
    request: PlanRequest
    snapshot: Snapshot
    census: Counts
    known: Set[int]
    memory: checksums.Checksums | None

    def compare(self, target: Target, audiences: Mapping[int, models.Audience]) -> Mapping[int, str]:
        """Fills `member_delta` and what hangs on it; the fingerprints of audiences of which nothing differs."""
        here = {"destination_id": target.destination_id, **target.in_reach}
        execute(self.connection, "drop_member_delta")
        differences = self._find_differences(target, self._unmoved(target, audiences))
        if any(audience.is_trait for audience in audiences.values()):
            self.snapshot.read(self.connection, "diff_values", here, contact=target.contact)
        if self.request.has_profiles(target):
            self._resolve_profiles(target)
        execute(self.connection, "add_uncertain", here)
        if target.reach.retract:
            execute(self.connection, "add_retractions", here)
        execute(self.connection, "analyze_member_delta")
        if target.mode.keeps_profiles:
            execute(self.connection, "add_profile_changes", here)
        execute(self.connection, "gather_known", here, **target.known(audiences.values()))
        execute(self.connection, "analyze_known_member")
        if target.reach.everybody:
            self._count_heads(target, audiences, differences)
        if fetch_value(self.connection, "any_forgotten"):
            execute(self.connection, "skip_forgotten")
        execute(self.connection, "name_skipped", {"destination_id": target.destination_id})
        return self._remembered(target, audiences)

    def _find_differences(self, target: Target, unmoved_ids: Collection[int]) -> int:
        """Compares the snapshot's memberships with the state's, those of these audiences aside; how many differ."""
        listed = fetch_one(self.connection, _Listed, "read_plan_audiences", {"unmoved": list(unmoved_ids)})
        nameless = list(self.census.nameless)
        compared = {
            "destination_id": target.destination_id,
            **target.in_reach,
            **asdict(listed),
            "all_audiences": not unmoved_ids,
            "nameless": nameless,
            "anything": bool(listed.audience_ids or nameless or None in self.census.rows),
        }
        before = fetch_one(self.connection, _Settings, "begin_comparing")
        differences = self.snapshot.read(self.connection, "diff_members", compared, **target.compared).rowcount
        execute(self.connection, "end_comparing", {"tuple_cost": before.tuple_cost, "memory": before.memory})
        execute(self.connection, "complete_member_delta")
        if fetch_value(self.connection, "any_spelled"):
            execute(self.connection, "analyze_member_delta")
            execute(self.connection, "match_spelled", {"destination_id": target.destination_id})
        return differences

    def _unmoved(self, target: Target, audiences: Mapping[int, models.Audience]) -> Collection[int]:
        """The audiences that need no comparison."""
        if self.memory is None or self.census.totals is None:
            return ()
        return self.memory.unmoved(target.destination_id, self._fingerprints(target, _read(target, audiences)))

    def _remembered(self, target: Target, audiences: Mapping[int, models.Audience]) -> Mapping[int, str]:
        """The fingerprints of the audiences of which nothing differs, if the next run may save work by them."""
        if self.memory is None:
            return {}
        read = _read(target, audiences)
        moved = checksums.moved(self.connection)
        still = {key: name for key, name in read.items() if key not in moved}
        return self._fingerprints(target, still) if checksums.most(len(still), len(read)) else {}

    def _fingerprints(self, target: Target, names: Mapping[int, str]) -> Mapping[int, str]:
        rows, totals = self.census.rows, self.census.add_up()
        return {
            key: checksums.fingerprint(rows.get(name, 0), totals.get(name, 0), target.reading)
            for key, name in names.items()
        }

    def _count_heads(self, target: Target, audiences: Mapping[int, models.Audience], differences: int) -> None:
        """Lets the census learn from a comparison, as far as that reached: not everything may have been compared."""
        read = _read(target, audiences)
        planned = {key for key, audience in audiences.items() if not audience.is_trait}
        both_whole = self.known <= planned and self.census.names <= set(read.values())
        by_email = target.mode.identity == "email"
        self.census.learn(target.destination_id, read, differences=differences, complete=both_whole and by_email)

    def _resolve_profiles(self, target: Target) -> None:
        """What goes along with a call, and the rows that say otherwise."""
        columns = {"contact": target.contact, "email": target.email, "traits": self.request.traits}
        self.snapshot.read(self.connection, "resolve_profiles", {}, **columns)
        execute(self.connection, "analyze_profile")
        self.snapshot.read(self.connection, "list_conflicts", {}, **columns)


def _read(target: Target, audiences: Mapping[int, models.Audience]) -> Mapping[int, str]:
    """The names of those whose memberships are compared with the snapshot's, by their ids."""
    return {
        key: audience.name for key, audience in audiences.items() if target.reads(audience) and not audience.is_trait
    }
