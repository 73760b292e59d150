"""Asks destinations what they believe, now and then (`reconcile_every`): in a thread of its own, while we lead.

It asks only while no run is under way, so that it neither delays nor accompanies one. What it found is in the view
`reconciliations` and in the metrics. A daemon that ends, or leads no more, leaves what the next one goes on with.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from syncer import errors, sync
from syncer.daemon.appointment import Appointment
from syncer.log import Logger
from syncer.reconciling import record
from syncer.reconciling.reconcile import Question, Reconciling
from syncer.state import State, accounts
from syncer.stopping import Stop

_LOOK_SECONDS = 5.0
"""Seconds between two looks at whether one is due."""

_AFTER_TROUBLE = 600.0
"""Seconds after which a destination is asked again that did not answer, or a state that could not be used."""

log = Logger(__name__)


class Reconciler:
    """Keeps these appointments for as long as we lead; a `serve.Watcher`."""

    def __init__(self, state: State, appointments: Sequence[Appointment]) -> None:
        self._state = state
        self._appointments = appointments
        self._leads = threading.Event()
        self._stop = Stop()
        self._ended = threading.Event()
        self._not_before: dict[str, float] = {}

    def beat(self) -> None:
        """See `serve.Watcher`."""

    def leads(self, leading: bool) -> None:  # noqa: FBT001
        """See `serve.Watcher`."""
        if leading and not self._leads.is_set():
            self._stop = Stop()
            self._leads.set()
        elif not leading:
            self._let_go()

    def lost(self, error: errors.SyncerError) -> None:  # noqa: ARG002
        """See `serve.Watcher`."""
        self._let_go()

    def ran(self, result: sync.Result) -> None:
        """See `serve.Watcher`."""

    def could_not_run(self, error: errors.SyncerError) -> None:
        """See `serve.Watcher`."""

    def _let_go(self) -> None:
        self._leads.clear()
        self._stop.asked.set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keeps them until the end of the block."""
        thread = threading.Thread(target=self._watch, name="reconciler", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._let_go()
            thread.join(_LOOK_SECONDS)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            if self._leads.is_set():
                self.look()

    def look(self) -> None:
        """Asks each destination that is due."""
        stop = self._stop
        for each in self._appointments:
            name = each.target.name
            if stop.asked.is_set() or time.monotonic() < self._not_before.get(name, 0.0):
                continue
            try:
                if self._is_due(each):
                    self._reconcile(each, stop)
            except errors.SyncerError as error:
                log.warning("could not reconcile", destination=name, error=type(error).__name__)
                self._not_before[name] = time.monotonic() + _AFTER_TROUBLE
            except Exception as error:  # nobody else would say that nobody asks any more
                log.exception("could not reconcile", destination=name, error=type(error).__name__)
                self._not_before[name] = time.monotonic() + _AFTER_TROUBLE

    def _is_due(self, each: Appointment) -> bool:
        """Due is what was never finished, or began so long ago; not a destination that was never told anything."""
        with self._state.connect("reconcile") as connection:
            destination_id = accounts.known(connection).get(each.target.name)
            if destination_id is None:
                return False
            began_at = record.began_scheduled_at(connection, destination_id)
        return began_at is None or datetime.now(UTC) - began_at >= timedelta(seconds=each.every)

    def _reconcile(self, each: Appointment, stop: Stop) -> None:
        question = Question(sample=each.sample, scheduled=True)
        standing = Reconciling(self._state, each.target, question, stop, _Quiet()).run(0).reconciliation
        if standing.finished_at is not None:
            write = log.warning if standing.differing else log.info
            write("reconciled", destination=each.target.name, asked=standing.asked, differing=standing.differing)


class _Quiet:
    """See `reconcile.Progress`."""

    def begun(self, standing: record.Reconciliation, *, is_new: bool) -> None: ...

    def waits(self) -> None: ...

    def asked(self, contacts: int) -> None: ...
