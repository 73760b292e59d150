"""What is to be told to one destination: folds its differences into changes of contacts, and judges which may go now.

The truth table of a contact's property (two users with one email are one contact; "has" means: some row):

    state has   snapshot has   certain   told                     op
    no          yes            -         true                     added
    yes         no             -         false                    removed
    yes         yes            yes       nothing (rows move)      covered
    yes         yes            no        true                     reasserted
    no          no             no        false                    removed
    yes         yes            due again true                     reasserted
    told false  no             due again false                    reasserted
    yes         yes            expiring  true                     refreshed

"Due again" is what a full resync makes of everything that was told before it, until it is accepted, whoever the rows of
a contact are by then. "Expiring" is what the destination would forget by itself (`refresh`): see `add_refreshes`.
The resync ends once nobody is left whom it could tell: those who are skipped, held or refused
stay due by themselves, and those beyond the destination's reach wait for a wider one. What is to be told may have to
wait: `contested`, because another name claims the property as well; `held` by the guard; `refused` and not due for
another try; it is planned again by every run until it goes.

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
to the old contact is followed by the present value to one contact where they are now, by a call that names them,
whether or not that had to be told. Where that contact's call has to name another of its users, the `false` waits for
the next run. A user id of more than 100 contacts is no identity: it is listed as `shared_user_id`, and not followed.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from syncer import models, naming
from syncer.planning import guard, parts, slices
from syncer.planning.checksums import Leaving
from syncer.planning.counts import Counts
from syncer.planning.differences import Compared, Comparison
from syncer.planning.holds import Holding
from syncer.planning.standing import Standing
from syncer.planning.targets import PlanRequest, Target
from syncer.state import MAX_CONTACTS_OF_USER, Connection, analyze, execute, fetch_all, fetch_one, fetch_value


class AudienceCount(NamedTuple):
    """What one audience gives to tell at one destination, in contacts.

    `held` wait for approval, of them `held_add` to be told true; `deferred` and `deferred_add` the same for those that
    wait for the next run, of them `yielding` for another audience of a priority; `refreshed` are told true before that
    expires. `reads`: the snapshot was asked about it, and something named it.
    """

    audience_id: int
    added: int
    removed: int
    held: int
    held_add: int
    deferred: int
    deferred_add: int
    yielding: int
    refreshed: int
    reads: bool
    initial: bool


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The plan for one destination; `identifies` are calls, `skipped` members by reason, `deferred` contacts.

    `about_all`: it is about all audiences that can be told, so a contact that is not in it has nothing to be told.
    `whole`: and no audience was set aside. `believed`: about all, and the guard held no removal: whoever is not in the
    snapshot has left. `leaving`: what it leaves for the next plan (see `checksums`).
    `mirrors`: all rows of the snapshot are told here, or were; contacts are addresses. `unasked`: see `PlanAudiences`.
    `reading`: how it was compared (see `Comparison.reading`). `rolls_back`: something of it takes a run back, and what
    the warehouse says of that is not planned. `found`, `stands`: see `Compared`. `changes` counts properties of
    contacts, also those that wait, `followers` of them those that have to be told after another contact's `false`.
    `sliced`: it is written slice by slice, of which this is the first, already written: it has no `changes`.
    `counted_later`: and users and contacts of the snapshot can be counted by what is put aside for the later ones.
    """

    target: Target
    about_all: bool
    whole: bool
    believed: bool
    identifies: int
    calls_saved: int
    counts: Sequence[AudienceCount]
    skipped: Mapping[str, int]
    holds: Sequence[guard.Hold]
    leaving: Leaving
    mirrors: bool
    deferred: int
    unasked: Collection[int]
    reading: str
    rolls_back: bool
    found: Set[str]
    stands: Standing
    changes: int
    followers: int
    sliced: slices.Slices | None = None
    counted_later: bool = False


class Calls(NamedTuple):
    """How many calls a plan makes, and how many more there would be with a call for every change."""

    identifies: int
    saved: int


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of the differences. `may_follow`: calls were looked for that have to follow others."""

    changes: int
    followers: int
    may_follow: bool
    holds: Sequence[guard.Hold]
    calls: Calls


class _Skipped(NamedTuple):
    reason: str
    members: int


@dataclass(frozen=True, slots=True)
class TargetPlanner:
    """Plans for one destination, in the private tables of the plan. `audiences` are those that it is planned for."""

    connection: Connection
    request: PlanRequest
    counts: Counts
    target: Target
    audiences: Mapping[int, models.Audience]
    comparison: Comparison

    def plan(self, *, about_all: bool, whole: bool, unasked: Collection[int], slice_rows: int | None) -> TargetPlan:
        """Of the differences, what is to be told, and of that, what may go now. See `TargetPlan`. A large first sync is
        divided into slices of about `slice_rows`, and the first one is written."""
        self._list_audiences()
        compared = self.comparison.compare()
        sliced = self._begin_slices(compared, slice_rows) if slice_rows and about_all else None
        first = sliced.write_first() if sliced is not None else []
        told = _of_slice(first) if sliced is not None else self._tell(compared, about_all=about_all)
        if compared.stands.uncertain:
            beyond = {**self._here, **self.target.in_reach, "unasked": list(unasked)}
            execute(self.connection, "find_left_uncertain", beyond)
        skipped = {}
        if told.may_follow or "skip" in compared.found:
            skipped = {row.reason: row.members for row in fetch_all(self.connection, _Skipped, "count_skipped")}
        return TargetPlan(
            target=self.target,
            about_all=about_all,
            whole=whole,
            believed=about_all and all(hold.op != "removed" for hold in told.holds),
            identifies=told.calls.identifies,
            calls_saved=told.calls.saved,
            counts=self._count_changes(first, sliced.waiting if sliced is not None else {}),
            skipped=skipped,
            holds=told.holds,
            leaving=compared.leaving,
            mirrors=whole and not skipped and not compared.rolls_back and self._covers_everything(),
            deferred=fetch_value(self.connection, "count_deferred") if told.changes else 0,
            unasked=unasked,
            reading=self.comparison.reading() if self.counts.snapshot.generation is not None else "",
            rolls_back=compared.rolls_back,
            found=compared.found,
            stands=compared.stands,
            changes=told.changes,
            followers=told.followers,
            sliced=sliced,
            counted_later=sliced is not None and self._finds_all_rows(compared),
        )

    def _begin_slices(self, compared: Compared, slice_rows: int) -> slices.Slices | None:
        """Divides the differences, if no other plan could be made of them as a whole: nothing of it may have to wait
        for the time, for a person, or for another audience."""
        guards = [self.request.guard_of(audience.name) for audience in self.audiences.values()]
        waits = (
            self.target.tellable is not None
            or self.target.mode.per_audience  # what waits is counted in contacts, and each has several calls
            or self.target.whole is not None
            or bool(self.request.priorities)
            or any(audience.contested for audience in self.audiences.values())
            or self.counts.snapshot.suppressed is not None
            or self.counts.snapshot.generation is not None
            or self.request.reviewed is not None
            or self.request.has_profiles(self.target)
            or any(each.hold_initial for each in guards)
        )
        if waits or not compared.all_new:
            return None
        rows = sum(self.counts.rows.get(audience.name, 0) for audience in self.audiences.values())
        return slices.begin(self.connection, self.counts.run_id, self.target, self._properties, rows, slice_rows)

    def _finds_all_rows(self, compared: Compared) -> bool:
        """Whether the differences are all rows of the snapshot, and contacts are addresses."""
        by_email = self.target.mode.identity == "email" and not any(each.is_trait for each in self.audiences.values())
        return by_email and compared.rows == sum(self.counts.rows.values())

    def _tell(self, compared: Compared, *, about_all: bool) -> _Told:
        """From the differences to calls in their order."""
        changes = self._fold(compared)
        holds = self._judge(compared, about_all=about_all) if changes else []
        may_follow = self._may_follow(compared, changes)
        followers = self._follow() if may_follow else 0
        changes += followers
        if changes:
            self._wait_for_priority()
            if may_follow:
                execute(self.connection, "name_moved_users")
            self._defer()
            self._order()
        calls = fetch_one(self.connection, Calls, "count_identifies") if changes else Calls(0, 0)
        return _Told(changes, followers, may_follow, holds, calls)

    def _count_changes(self, first: Sequence[slices.Written], waiting: Mapping[int, int]) -> Sequence[AudienceCount]:
        """What the plan has of every audience, and what waits for later slices."""
        counts = fetch_all(self.connection, AudienceCount, "count_changes")
        if not waiting:
            return counts
        written = {each.audience_id: each.contacts for each in first}
        return [
            each._replace(added=written.get(each.audience_id, 0), deferred=later, deferred_add=later)
            for each in counts
            for later in [waiting.get(each.audience_id, 0)]
        ]

    @property
    def _here(self) -> dict[str, object]:
        return {"destination_id": self.target.destination_id}

    def _list_audiences(self) -> None:
        audiences = list(self.audiences.values())
        named = {audience.name for audience in self.request.configured} | self.counts.names
        execute(
            self.connection,
            "fill_plan_audience",
            {
                **self._here,
                **self.target.in_whole_reach,
                "audience_ids": list(self.audiences),
                "names": [audience.name for audience in audiences],
                "properties": [audience.property for audience in audiences],
                "traits": [audience.is_trait for audience in audiences],
                "keeps": [audience.keeps for audience in audiences],
                "reads": [self.target.reads(audience) for audience in audiences],
                "retired": [audience.retired for audience in audiences],
                "contested": [audience.contested for audience in audiences],
                "vanished": [not self.target.lists(audience) or audience.name not in named for audience in audiences],
            },
        )
        analyze(self.connection, "plan_audience")

    def _fold(self, compared: Compared) -> int:
        """Folds the differences into changes; returns how many."""
        if compared.found <= {"skip"}:
            return 0
        changes = execute(self.connection, "fold_changes").rowcount
        self._silence()
        if any(audience.contested for audience in self.audiences.values()):
            execute(self.connection, "keep_contested")
        analyze(self.connection, "contact_change")
        return changes

    def _judge(self, compared: Compared, *, about_all: bool) -> Sequence[guard.Hold]:
        """Says whom each call names, and makes wait what the guard holds, which it returns, and who was refused."""
        holds = Holding(self.connection, self.request, self.counts, self.target, self.audiences).hold()
        execute(self.connection, "name_callers", self._here)
        if self.target.mode.keys_users:
            if "gain" in compared.found and compared.stands.users_told_false:
                execute(self.connection, "name_returning_users", self._here)
            if "unsure" in compared.found:
                execute(self.connection, "name_doubted_users")
        analyze(self.connection, "caller")
        if compared.stands.refused:
            refused = {**self._here, "run_id": self.counts.run_id, "whole": about_all}
            execute(self.connection, "hold_back_refused", refused)
        return holds

    def _may_follow(self, compared: Compared, changes: int) -> bool:
        """Whether a false, or somebody who was told false before and is back, may have to be followed by a call."""
        if not self.target.mode.keys_users:
            return False
        stands = compared.stands
        returns = stands.users_back or (stands.users_told_false and "gain" in compared.found)
        return returns or (changes > 0 and not compared.found <= {"skip", "gain", "refresh"})

    def _silence(self) -> None:
        """Lets no rule tell anybody who is suppressed more than may be told."""
        if self.counts.snapshot.suppressed is not None:
            execute(self.connection, "silence_suppressed", {"freezes": self.target.mode.freezes})

    def _follow(self) -> int:
        """Adds what has to be told after another contact's `false`; returns how many changes that adds."""
        limit = {"max_contacts": MAX_CONTACTS_OF_USER}
        if not execute(self.connection, "find_followers", {**self._here, **self.target.in_reach, **limit}).rowcount:
            return 0
        execute(self.connection, "put_off_moves")
        execute(self.connection, "leave_refreshes")
        edges = execute(self.connection, "add_follow_edges").rowcount
        links = 0 if self.target.mode.per_audience else edges
        if links > 1:
            analyze(self.connection, "follow_edge")
            execute(self.connection, "put_off_cycles")
        added = execute(self.connection, "follow_moves", self._here).rowcount
        while links and execute(self.connection, "follow_chains", self._here).rowcount:
            pass
        if added:
            execute(self.connection, "gather_followers", self._here, **self.target.known(self.audiences.values()))
            self._silence()
            execute(self.connection, "name_callers", self._here)
        return added

    def _wait_for_priority(self) -> None:
        """Tells nobody true of two audiences of a priority, also for a moment, or while the false of one waits."""
        given = [
            (name, place)
            for place, each in enumerate(self.request.priorities)
            for entry in each.audiences
            for name in (entry, naming.property_of(entry))
        ]
        if not given:
            return
        entries, priorities = zip(*given, strict=True)
        here = {**self._here, **self.target.in_reach, "entries": list(entries), "priorities": list(priorities)}
        execute(self.connection, "wait_for_priority", {**here, "per_audience": self.target.mode.per_audience})

    def _defer(self) -> None:
        """Leaves to the next run what could not be told before that is due."""
        if self.target.tellable is not None:
            execute(self.connection, "defer_changes", {**self._paged, "at_most": self.target.tellable})

    def _order(self) -> None:
        """Splits what is too much for a call, and puts the calls on pages, in the order of delivery."""
        if self.target.mode.per_audience:
            execute(self.connection, "split_per_audience")
        elif parts.may_be_needed(self._properties):
            execute(self.connection, "split_parts", parts.limits())
        execute(self.connection, "order_identifies", self._paged)
        analyze(self.connection, "planned_identify")

    @property
    def _properties(self) -> Collection[str]:
        audiences = [*self.audiences.values(), *self.comparison.paused.values()]
        return [audience.property or "" for audience in audiences]

    @property
    def _paged(self) -> dict[str, object]:
        here = {**self._here, "run_id": self.counts.run_id, "per_audience": self.target.mode.per_audience}
        return {**here, "page_size": self.target.destination.page_size}

    def _covers_everything(self) -> bool:
        """Whether all that the state knows of is planned, from the snapshot, for everybody, by address."""
        return (
            self.target.reach.everybody
            and self.target.mode.identity == "email"
            and self.audiences.keys() >= self.comparison.known
            and all(self.target.reads(audience) and not audience.is_trait for audience in self.audiences.values())
        )


def _of_slice(written: Sequence[slices.Written]) -> _Told:
    """What a slice tells: nothing of it waits or follows anything."""
    return _Told(changes=0, followers=0, may_follow=False, holds=[], calls=calls_of(written))


def calls_of(written: Sequence[slices.Written]) -> Calls:
    """The calls of a slice."""
    calls = sum(each.calls for each in written)
    return Calls(calls, sum(each.contacts for each in written) - calls)
