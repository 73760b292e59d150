"""Asks the guard about the changes that one destination would be told, and makes those wait that it holds."""

import math
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple

from syncer import models
from syncer.planning import guard
from syncer.planning.counts import Counts
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, columns_of, execute, fetch_all, fetch_one

# Where at most this share of an audience is needed to see that nothing is held, a part of the state is read for it.
_FEW = 0.2
# So many rows of the state hold, as a rule, a different contact.
_ROWS_OF_CONTACT = 10


class _Told(NamedTuple):
    audience_id: int
    contacts: int


@dataclass(frozen=True, slots=True)
class Holding:
    """Judges what `fold_changes` found, in the private tables of the plan. `audiences` are those that it is about."""

    connection: Connection
    request: PlanRequest
    counts: Counts
    target: Target
    audiences: Mapping[int, models.Audience]

    def hold(self) -> list[guard.Hold]:
        """Judges every audience by itself, and then the removals that may go, of all of them together.

        A question about some people (see `Target.whole`) is answered by what the last run left held as well.
        """
        if self.target.whole is not None:
            execute(self.connection, "hold_as_last_run", self._here)
        moved = fetch_all(self.connection, guard.Moves, "count_guarded", self._here)
        limits = {moves.audience_id: self.request.guard_of(moves.name) for moves in moved}
        told = self._count_told(moved, limits)
        holds = [
            hold
            for moves in moved
            for hold in guard.judge(
                limits[moves.audience_id],
                moves,
                told.get(moves.audience_id, 0),
                snapshot_empty=not any(self.counts.rows.values()),
            )
        ]
        self._make_wait(holds)
        held = {hold.audience_id for hold in holds if hold.op == "removed"}
        together = self._hold_together([moves for moves in moved if moves.audience_id not in held], told)
        self._make_wait(together)
        return [*holds, *together]

    @property
    def _here(self) -> dict[str, object]:
        return {"destination_id": self.target.destination_id}

    def _make_wait(self, holds: Collection[guard.Hold]) -> None:
        if holds:
            held = columns_of(holds, "audience_id", "op", "initial")
            execute(self.connection, "hold_changes", {**self._here, **held})

    def _count_told(self, moved: Collection[guard.Moves], limits: Mapping[int, models.Guard]) -> Mapping[int, int]:
        """How many contacts of each audience were told true: as many as the guard needs, or all.

        Telling different contacts apart costs more than comparing. As a rule a few of the state's rows hold enough.
        """
        needed: dict[int, float] = {}
        rows = {moves.audience_id: self.counts.rows.get(moves.name, 0) for moves in moved}
        for moves in moved:
            enough = guard.needed(limits[moves.audience_id], moves)
            needed[moves.audience_id] = max(enough, needed.get(moves.audience_id, 0))
        told: dict[int, int] = {}
        plenty = [key for key, contacts in needed.items() if 0 < contacts <= _FEW * rows[key]]
        sample = 2 * sum(rows[key] for key in plenty) * max((needed[key] / rows[key] for key in plenty), default=0)
        for keys, at_most in ((plenty, math.ceil(sample)), (list(needed), None)):
            short = [key for key in keys if told.get(key, 0) < needed[key]]
            if short:
                asked = {**self._here, **self.target.in_reach, "audience_ids": short, "at_most": at_most}
                counted = fetch_all(self.connection, _Told, "count_told", asked)
                told.update((row.audience_id, row.contacts) for row in counted)
        return told

    def _hold_together(self, going: Collection[guard.Moves], told: Mapping[int, int]) -> list[guard.Hold]:
        """All removals of the audiences that are judged together, if they are too many together. `told` is how many
        contacts of an audience were told true, or fewer."""
        together = self._judged_together
        going = [moves for moves in going if moves.removed and moves.audience_id in together]
        if sum(moves.removed for moves in going) < self.request.guard.min_removed:
            return []
        asked = {**self._here, "audience_ids": list(together)}
        losses = fetch_one(self.connection, guard.Losses, "count_losses", asked)
        counted = [told[key] for key in together if key in told]
        at_least = guard.Told(properties=sum(counted), contacts=max(counted, default=0))
        reason = guard.judge_together(self.request.guard, losses, at_least)
        if reason is not None:
            reason = guard.judge_together(self.request.guard, losses, self._count_told_together(losses, asked))
        if reason is None:
            return []
        return [guard.Hold(moves.audience_id, "removed", moves.initial, reason) for moves in going]

    @property
    def _judged_together(self) -> Set[int]:
        """All but those that are emptied on purpose, leave nobody, or may lose more by a limit of their own."""
        general = self.request.guard.max_removed_fraction
        return {
            key
            for key, audience in self.audiences.items()
            if not audience.retired
            and not (audience.is_trait and audience.keeps)
            and self.request.guard_of(audience.name).max_removed_fraction <= general
        }

    def _count_told_together(self, losses: guard.Losses, asked: Mapping[str, object]) -> guard.Told:
        """How many contacts and properties were told true: enough for these losses to go, or all. See `_count_told`."""
        needed = guard.needed_together(self.request.guard, losses)
        sample = 2 * max(needed.properties, _ROWS_OF_CONTACT * needed.contacts)
        told = guard.Told(properties=0, contacts=0)
        for at_most in (sample, None):
            if at_most is not None and at_most > _FEW * sum(self.counts.rows.values()):
                continue
            limited = {**asked, **self.target.in_reach, "at_most": at_most}
            told = fetch_one(self.connection, guard.Told, "count_told_together", limited)
            if guard.judge_together(self.request.guard, losses, told) is None:
                break
        return told
