"""Goes on with a plan of which the first slice is written, while what is planned already is delivered: see `slices`."""

import uuid
from collections.abc import Callable
from contextlib import suppress

import psycopg

from syncer.planning import plan, slices, writing
from syncer.planning.changes import TargetPlan, calls_of
from syncer.state import Connection, break_off, columns_of, execute, fetch_value, retried
from syncer.state.audiences import pin_audiences


class Continuation:
    """The later slices, one after the other, as long as this process leads. Until one is committed, it is deferred.

    `counted` is called with the number of identifies of all slices together, or a few more, once contacts are counted.
    """

    def __init__(
        self,
        connection: Connection,
        run_id: int,
        planned: plan.Plan,
        token: uuid.UUID,
        counted: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._run_id = run_id
        self._token = token
        self._planned = planned
        self._waiting = planned.waiting
        self._counted = counted
        self._next = 1

    @property
    def destination_id(self) -> int | None:
        """The destination that is told slice by slice, if there is one."""
        return None if self._planned.sliced is None else self._planned.sliced.target.destination_id

    @property
    def over(self) -> bool:
        """Whether all is planned."""
        return self._slices is None or self._next > len(self._slices.bounds)

    def write(self) -> None:
        """Plans another slice and commits it.

        Raises `NotOursError` if another process leads, or has closed the run.
        """
        here, sliced = self._planned.sliced, self._slices
        if here is None or sliced is None:
            return
        if self._next == 1:
            if self._planned.headcount is None:
                self._count(here, sliced.count())
            with self._connection.transaction():
                sliced.divide()
        retried(lambda: self._write(here, sliced))
        pin_audiences(self._connection, self._run_id)
        if self._next & (self._next + 1) == 0:  # there is twice as much as the planner knows of
            writing.know_growth(self._connection, self._run_id)
        self._next += 1

    def break_off(self) -> None:
        """After a signal broke into `write`."""
        break_off(self._connection)

    def drop(self) -> None:
        """Leaves to the next run what was not planned."""
        if self._slices is not None:
            with suppress(psycopg.Error):  # a session that is lost took it along
                slices.drop(self._connection)

    @property
    def _slices(self) -> slices.Slices | None:
        return None if self._planned.sliced is None else self._planned.sliced.sliced

    def _count(self, planned: TargetPlan, found: slices.Counted) -> None:
        waiting = plan.waiting(planned, found.contacts)
        ids = [each.audience_id for each in self._planned.audiences if each.audience_id is not None]
        counted = {
            "run_id": self._run_id,
            "token": self._token,
            "audience_id": ids,
            "users": [found.users.get(audience_id, 0) for audience_id in ids],
            "contacts": found.contacts,
            "fewer": self._waiting - waiting,
        }
        retried(lambda: fetch_value(self._connection, "add_headcount", counted))
        self._waiting = waiting
        self._counted(planned.identifies + waiting)

    def _write(self, planned: TargetPlan, sliced: slices.Slices) -> None:
        last = self._next == len(sliced.bounds)
        here = {"run_id": self._run_id, "destination_id": planned.target.destination_id}
        with self._connection.transaction():
            written = sliced.write(self._next)
            calls = calls_of(written)
            execute(
                self._connection,
                "extend_run_counts",
                {**here, **columns_of(written, "audience_id", "rows", "contacts")},
            )
            added = {"planned": calls.identifies, "mirrors": last and planned.mirrors}
            execute(self._connection, "extend_run_destination", {**here, **added})
            # Somebody waits until the last slice is planned: only then is nothing left.
            told = self._waiting if last else min(calls.identifies, self._waiting - 1)
            extended = {"token": self._token, "calls_saved": calls.saved, "told": told}
            fetch_value(self._connection, "extend_run", {"run_id": self._run_id, **extended})
        self._waiting -= told
