"""What a run has to tell: compares the snapshot with what each destination accepted, in SQL. `writing` keeps it.

The warehouse's rows never pass through Python, except those of a warehouse that hands over values, on their way into
the staging table. One transaction holds the whole plan: after a crash there is all of it or nothing.

The truth table of a contact's property (two users with one email are one contact; "has" means: some row):

    state has   snapshot has   certain   told                     op
    no          yes            -         true                     added
    yes         no             -         false                    removed
    yes         yes            yes       nothing (rows move)      covered
    yes         yes            no        true                     reasserted
    no          no             no        false                    removed
    yes         yes            due again true                     reasserted
    told false  no             due again false                    reasserted

"Due again" is what a full resync makes of everything that was told before it. What is to be told may have to wait:
`held` by the guard, `refused` and not due for another try; it is planned again by every run until it goes.

What that makes of one audience's rows (u1 a: user u1 with the address a), by what the destination's contacts are:

    before         after          the contact is the email      the contact is the user id
    -              u1 a           a added                       u1 added
    u1 a           -              a removed                     u1 removed
    u1 a           u1 b           a removed, b added            u1 trait_changed
    u1 a           u1 -           -                             -
    u1 a           - a            -                             u1 removed
    u1 a           u2 a           a covered                     u1 removed, u2 added
    u1 a           u2 b           a removed, b added            u1 removed, u2 added
    u1 a           u1 a, u1 b     b added                       -
    u1 a, u1 b     u1 b           a removed, b reasserted       u1 trait_changed
    -              u1 a, u2 a     a added                       u1 added, u2 added
    -              u1 a, u2 b     a added, b added              u1 added, u2 added
    u1 a, u2 a     u1 a           a covered                     u2 removed
    u1 a, u2 a     -              a removed                     u1 removed, u2 removed
    u1 a, u2 a     u1 b, u2 a     a covered, b added            u1 trait_changed
    u1 a, u2 a     u1 b, u2 b     a removed, b added            u1 trait_changed, u2 trait_changed
    u1 a, u2 a     u1 -, u2 a     -                             -
    u1 a, u2 a     u1 -           a covered                     u2 removed
    u1 a, u2 b     u1 a           b removed                     u2 removed
    u1 a, u2 b     u1 b           a removed, b reasserted       u1 trait_changed, u2 removed
    u1 a, u2 b     u1 a, u2 a     a reasserted, b removed       u2 trait_changed
    u1 a, u2 b     u1 b, u2 a     a covered, b covered          u1 trait_changed, u2 trait_changed
    u1 a, u2 b     u1 -, u2 b     -                             -
    u1 a, u2 b     u1 -, u2 a     b removed, a reasserted       u2 trait_changed

(A row without a user id, or without an address, is skipped. `reasserted`: the follow-up, see below.)

A row that cannot be sent is skipped, and is never read as an exit of the contact or the user that it still names.
A user whose email changes leaves one contact and enters another; because Segment also keys by user id, the `false`
to the old contact is followed by the present value to the new one, whether or not that had to be told.
"""

import math
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg
import psycopg.sql

from syncer import errors, models, naming
from syncer.planning import checksums, counts, guard
from syncer.planning.differences import Comparison
from syncer.planning.snapshot import Snapshot
from syncer.planning.targets import PlanRequest, Scope, Target
from syncer.spelling import did_you_mean
from syncer.state import Connection, columns_of, execute, fetch_one, fetch_value, translated_errors
from syncer.state.audiences import known_audiences
from syncer.state.pauses import Pause, list_pauses

# An identify carries at most 250 properties and 20,000 bytes of them (see `split_parts`).
_PART_PROPERTIES = 250
_PART_BYTES = 20_000
# Where at most this share of an audience is needed to see that nothing is held, a part of the state is read for it.
_FEW = 0.2

_PRIVATE = (
    "create_plan_audience",
    "create_known_member",
    "create_contact_change",
    "create_profile",
    "create_caller",
    "create_follow_edge",
    "create_planned_identify",
)

Identify = Callable[[Connection, Sequence[models.Audience]], list[int]]
"""Gives the audiences that are sound their ids: those that the state has, or imagined ones in a preview."""

Keep = Callable[["TargetPlan", psycopg.sql.Composable], None]
"""Told the plan for one destination, and the snapshot as a relation, while the private tables are filled."""


@dataclass(frozen=True, slots=True)
class _Calls:
    """How many calls a plan makes, and how many more a call for every change would be."""

    identifies: int
    saved: int


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """What one audience gives to tell at one destination, in contacts.

    `held` wait for approval, of them `held_add` to be told true; `deferred` and
    `deferred_add` the same for those that wait for the next run. `reads`: the snapshot was asked about it, and
    something named it.
    """

    audience_id: int
    added: int
    removed: int
    held: int
    held_add: int
    deferred: int
    deferred_add: int
    reads: bool
    initial: bool


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The plan for one destination; `identifies` are calls, `skipped` members by reason.

    `about_all`: it is about all audiences that can be told, so whoever is not in it has nothing to be told.
    `whole`: and none was set aside. `fingerprints` are of audiences that did not move (see `syncer/unmoved.py`).
    `mirrors`: all rows of the snapshot are told here, or were; contacts are addresses.
    """

    target: Target
    about_all: bool
    whole: bool
    identifies: int
    calls_saved: int
    counts: Sequence[AudienceCount]
    skipped: Mapping[str, int]
    holds: Sequence[guard.Hold]
    fingerprints: Mapping[int, str]
    mirrors: bool
    deferred: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `audiences` are those in scope, also those set aside; `members` counts user ids by name.

    `targets` are without the destinations that are paused.
    """

    snapshot_at: datetime
    memberships: int
    contacts: int
    audiences: Sequence[models.Audience]
    members: Mapping[str, int]
    targets: Sequence[TargetPlan]

    @property
    def calls_saved(self) -> int:
        return sum(target.calls_saved for target in self.targets)

    @property
    def deferred(self) -> int:
        return sum(target.deferred for target in self.targets)


@contextmanager
def transaction(connection: Connection) -> Iterator[psycopg.Transaction]:
    """The transaction in which a whole plan is made, as of one moment; the private tables go with it."""
    with translated_errors(), connection.transaction() as whole:
        execute(connection, "begin_plan")
        yield whole


def preview(connection: Connection, request: PlanRequest, keep: Keep) -> Plan:
    """The plan that a run would make now, thrown away: sends nothing, changes nothing, needs no lock.

    `keep` sees each destination's plan while the private tables still hold it.
    """
    with request.snapshot(connection) as snapshot, transaction(connection) as whole:
        run_id = fetch_value(connection, "show_next_run")
        plan = make(connection, request, snapshot, run_id, _imagined, keep)
        raise psycopg.Rollback(whole)
    return plan


def make(
    connection: Connection,
    request: PlanRequest,
    snapshot: Snapshot,
    run_id: int,
    identify: Identify,
    keep: Keep,
    memory: checksums.Checksums | None = None,
) -> Plan:
    """Plans for every target in turn in the private tables; `keep` saves each before the next is planned.

    With a memory, audiences that did not move are not compared.
    """
    heads = counts.begin(connection, snapshot, run_id, totals=memory is not None and memory.pays)
    known = known_audiences(connection)
    resolved = naming.resolve(request.configured, heads.names, known)
    _refuse_unknown(request.scope, resolved)
    resolved = _with_value_types(connection, snapshot, resolved)
    audiences = [audience for audience in resolved if request.scope.covers(audience)]
    sound = [audience for audience in audiences if audience.problem is None]
    keyed = list(zip(identify(connection, sound), sound, strict=True))

    for create in _PRIVATE:
        execute(connection, create)
    everything = {audience.audience_id for audience in known} | {key for key, _ in keyed}
    comparison = Comparison(connection, request, snapshot, heads, everything, memory)
    planner = _Planner(connection, request, run_id, heads, comparison)
    pauses = list_pauses(connection)
    targets: list[TargetPlan] = []
    for target in request.targets:
        going = {key: audience for key, audience in keyed if not _is_paused(pauses, target.destination_id, key)}
        if _is_paused(pauses, target.destination_id):
            continue
        execute(connection, "empty_plan")
        about_all = request.scope.whole and len(going) == len(keyed)
        targets.append(
            planner.plan(target, going, about_all=about_all, whole=about_all and len(keyed) == len(resolved))
        )
        keep(targets[-1], snapshot.relation)
    ids = {audience.name: audience_id for audience_id, audience in keyed}
    return Plan(
        snapshot_at=snapshot.taken_at or fetch_value(connection, "show_now"),
        memberships=sum(heads.rows.values()),
        contacts=heads.contacts(),
        audiences=[replace(audience, audience_id=ids.get(audience.name)) for audience in audiences],
        members=heads.members(audience.name for audience in audiences),
        targets=targets,
    )


def _is_paused(pauses: Sequence[Pause], destination_id: int, audience_id: int | None = None) -> bool:
    return any(pause.covers(destination_id, audience_id) for pause in pauses)


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans for one destination after the other, in the private tables of one transaction."""

    connection: Connection
    request: PlanRequest
    run_id: int
    heads: counts.Counts
    comparison: Comparison

    def plan(
        self, target: Target, audiences: Mapping[int, models.Audience], *, about_all: bool, whole: bool
    ) -> TargetPlan:
        """The plan for one destination: of the differences, what is to be told, and of that, what may go now."""
        here = {"destination_id": target.destination_id}
        self._list(target, audiences)
        fingerprints = self.comparison.compare(target, audiences)
        execute(self.connection, "fold_changes")
        execute(self.connection, "analyze_contact_change")
        holds = self._hold(target)
        execute(self.connection, "name_callers", here)
        execute(self.connection, "analyze_caller")
        execute(self.connection, "hold_back_refused", {**here, "run_id": self.run_id, "whole": about_all})
        if self._follow(target):
            execute(self.connection, "gather_followed", here, **target.known(audiences.values()))
            execute(self.connection, "name_callers", here)
        self._defer(target)
        self._order(target, audiences)
        calls = fetch_one(self.connection, _Calls, "count_identifies")
        skipped = {row.reason: row.members for row in execute(self.connection, "count_skipped")}
        return TargetPlan(
            target=target,
            about_all=about_all,
            whole=whole,
            identifies=calls.identifies,
            calls_saved=calls.saved,
            counts=[AudienceCount(*row) for row in execute(self.connection, "count_changes")],
            skipped=skipped,
            holds=holds,
            fingerprints=fingerprints,
            mirrors=whole and not skipped and self._covers_everything(target, audiences),
            deferred=fetch_value(self.connection, "count_deferred"),
        )

    def _covers_everything(self, target: Target, audiences: Mapping[int, models.Audience]) -> bool:
        """Whether all that the state knows of is planned, from the snapshot, for everybody, by address."""
        return (
            target.reach.everybody
            and target.mode.identity == "email"
            and self.comparison.known <= audiences.keys()
            and all(target.reads(audience) and not audience.is_trait for audience in audiences.values())
        )

    def _follow(self, target: Target) -> int:
        """What has to be told after a false, and only then: so many changes come to the plan by that."""
        here = {"destination_id": target.destination_id}
        came = execute(self.connection, "follow_moves", {**here, **target.in_reach}).rowcount
        execute(self.connection, "drop_circles")
        while not target.mode.per_audience and execute(self.connection, "follow_chains", here).fetchall():
            pass
        return came

    def _list(self, target: Target, audiences: Mapping[int, models.Audience]) -> None:
        listed = list(audiences.values())
        named = {audience.name for audience in self.request.configured} | self.heads.names
        execute(
            self.connection,
            "list_plan_audiences",
            {
                "destination_id": target.destination_id,
                **target.in_reach,
                "audience_ids": list(audiences),
                "names": [audience.name for audience in listed],
                "properties": [audience.property for audience in listed],
                "traits": [audience.is_trait for audience in listed],
                "keeps": [audience.keeps for audience in listed],
                "reads": [target.reads(audience) for audience in listed],
                "retired": [audience.retired for audience in listed],
                "vanished": [not target.lists(audience) or audience.name not in named for audience in listed],
            },
        )
        execute(self.connection, "analyze_plan_audience")

    def _hold(self, target: Target) -> list[guard.Hold]:
        """Asks the guard, and makes wait what it holds."""
        here = {"destination_id": target.destination_id}
        moved = [guard.Moves(*row) for row in execute(self.connection, "count_guarded", here)]
        limits = {moves.audience_id: self.request.guard_of(moves.name) for moves in moved}
        told = self._told(target, moved, limits)
        holds = [
            hold
            for moves in moved
            for hold in guard.judge(
                limits[moves.audience_id],
                moves,
                told.get(moves.audience_id, 0),
                snapshot_empty=not self.heads.rows,
            )
        ]
        if holds:
            execute(self.connection, "hold_changes", {**here, **columns_of(holds, "audience_id", "op", "initial")})
        return holds

    def _told(
        self, target: Target, moved: Collection[guard.Moves], limits: Mapping[int, models.Guard]
    ) -> Mapping[int, int]:
        """How many contacts the audiences have that were told true: as many as the guard needs, or all.

        Telling different contacts apart costs more than comparing. As a rule a few of the state's rows hold enough.
        """
        needed: dict[int, float] = {}
        rows = {moves.audience_id: self.heads.rows.get(moves.name, 0) for moves in moved}
        for moves in moved:
            enough = guard.needed(limits[moves.audience_id], moves)
            needed[moves.audience_id] = max(enough, needed.get(moves.audience_id, 0))
        told: dict[int, int] = {}
        plenty = [key for key, contacts in needed.items() if 0 < contacts <= _FEW * rows[key]]
        sample = 2 * sum(rows[key] for key in plenty) * max((needed[key] / rows[key] for key in plenty), default=0)
        for keys, at_most in ((plenty, math.ceil(sample)), (list(needed), None)):
            short = [key for key in keys if told.get(key, 0) < needed[key]]
            if short:
                here = {"destination_id": target.destination_id, **target.in_reach}
                counted = execute(self.connection, "count_told", {**here, "audience_ids": short, "at_most": at_most})
                told.update((row.audience_id, row.contacts) for row in counted)
        return told

    def _defer(self, target: Target) -> None:
        """What could not be told before the next run is due is left to that."""
        if target.tellable is None:
            return
        here = {"destination_id": target.destination_id, "per_audience": target.mode.per_audience}
        execute(self.connection, "defer_changes", {**here, "at_most": target.tellable, "page_size": target.page_size})

    def _order(self, target: Target, audiences: Mapping[int, models.Audience]) -> None:
        properties = [audience.property or "" for audience in audiences.values()]
        if target.mode.per_audience:
            execute(self.connection, "split_per_audience")
        elif len(properties) > _PART_PROPERTIES or sum(len(name) + 9 for name in properties) > _PART_BYTES:
            execute(self.connection, "split_parts")
        execute(
            self.connection,
            "order_identifies",
            {
                "destination_id": target.destination_id,
                "page_size": target.page_size,
                "per_audience": target.mode.per_audience,
            },
        )
        execute(self.connection, "analyze_planned_identify")


def _refuse_unknown(scope: Scope, audiences: Sequence[models.Audience]) -> None:
    known = {audience.name for audience in audiences} | {audience.property for audience in audiences}
    for name in sorted(scope.audiences - known):
        hint = did_you_mean(name, [word for word in known if word])
        hint = hint or "`syncer plan` lists those that there are"
        raise errors.ConfigError([errors.Problem("--audience", f"there is no audience {name!r}; {hint}")])


def _with_value_types(
    connection: Connection, snapshot: Snapshot, audiences: Sequence[models.Audience]
) -> list[models.Audience]:
    """Sets a computed trait aside if its values are not all of one type, or of another than was sent first."""
    traits = [audience.name for audience in audiences if audience.is_trait and not audience.problem]
    if not traits:
        return list(audiences)
    found = {row.audience: row for row in snapshot.read(connection, "list_value_types", {"names": traits})}
    known = {audience.audience_id: audience for audience in known_audiences(connection)}
    judged: list[models.Audience] = []
    for audience in audiences:
        row = found.get(audience.name) if audience.name in traits else None
        pinned = known.get(audience.audience_id) if audience.audience_id is not None else None
        problem = naming.value_problem(row.types or (), pinned, named=row.named) if row else None
        if row and row.types and problem is None:
            audience = replace(audience, value_type=row.types[0])
        judged.append(replace(audience, problem=problem) if problem else audience)
    return judged


def _imagined(_connection: Connection, audiences: Sequence[models.Audience]) -> list[int]:
    """A preview registers nothing: an audience that is new gets a number that no other can have."""
    known = [audience.audience_id for audience in audiences]
    return [-1 - secrets.randbelow(2**31 - 1) if each is None else each for each in known]
