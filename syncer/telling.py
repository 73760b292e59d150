"""Tells every destination what a plan has for it, side by side, and meanwhile plans what is left of it.

The main thread plans, each destination has a thread that delivers. One that stops does not stop the others.
"""

import contextvars
import functools
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from syncer import errors
from syncer.delivery import deliver
from syncer.delivery.retrying import RetryPolicy
from syncer.planning import plan, writing
from syncer.planning.continuing import Continuation
from syncer.planning.targets import Target
from syncer.state import State, pages, witness
from syncer.state.leadership import Leadership
from syncer.stopping import Interrupted, Stop

_NOTE_SECONDS = 2.0
"""Seconds between two notes of how far a run is."""


class Progress(Protocol):
    """Watches how far it is."""

    def planned(self, destination: str, identifies: int) -> None:
        """This many identifies are about to be sent to a destination, or a few less; of a large first sync the first
        ones, and then, when all are counted, once more how many there are."""

    def sent(self, destination: str, identifies: int) -> None:
        """This many more were settled. Called from several threads."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is told: the plan of a run, that is committed, for as long as we lead."""

    state: State
    leadership: Leadership
    run_id: int
    planned: plan.Plan
    retries: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True)
class Told:
    """What stopped destinations, by their names, and why it was not all planned, if so."""

    by_destination: Mapping[str, errors.DestinationError]
    error: str | None


def tell(order: Order, stop: Stop, progress: Progress) -> Told:
    """Delivers to all destinations until nothing waits, or it is stopped."""
    planned, connection = order.planned, order.leadership.connection
    writing.before_delivery(connection, order.run_id, planned)
    broken = threading.Event()

    def counted(identifies: int) -> None:
        if planned.sliced is not None:
            progress.planned(planned.sliced.target.name, identifies)

    continuation = Continuation(connection, order.run_id, planned, order.leadership.token, counted)

    def halted() -> bool:
        return stop.asked.is_set() or broken.is_set()

    more = deliver.More()
    deliveries: dict[Future[errors.DestinationError | None], str] = {}
    with ThreadPoolExecutor(max(1, len(planned.targets)), thread_name_prefix="delivery") as threads:
        for each in planned.targets:
            goes_on = each.target.destination_id == continuation.destination_id
            later = planned.waiting if goes_on and planned.headcount is not None else 0
            progress.planned(each.target.name, each.identifies + later)
            if not (each.identifies or goes_on) and each.target.mode.events is None:
                continue  # there is nothing to say, and no session is opened to find that out
            delivery = _delivery(order, each.target, more if goes_on else None)
            sent = functools.partial(progress.sent, each.target.name)
            context = contextvars.copy_context()
            future = threads.submit(context.run, deliver.deliver, order.state, delivery, halted, sent)
            deliveries[future] = each.target.name
        note = functools.partial(witness.remember_progress, connection, order.run_id)
        try:
            _go_on(deliveries, continuation, more, stop, broken, note)
        finally:
            more.end()
            continuation.drop()
    ended = {name: delivery.result() for delivery, name in deliveries.items()}
    error = None if continuation.over else "interrupted before all of it was planned"
    return Told({name: error for name, error in ended.items() if error is not None}, error)


def _delivery(order: Order, target: Target, more: deliver.More | None) -> deliver.Order:
    properties = {
        audience.audience_id: audience.property
        for audience in order.planned.audiences
        if audience.audience_id is not None and audience.property is not None
    }
    here = pages.RunDestination(order.run_id, target.destination_id)
    events = target.mode.events
    return deliver.Order(here, target.destination, properties, order.leadership, events, order.retries, more)


def _go_on(
    deliveries: Collection[Future[Any]],
    continuation: Continuation,
    more: deliver.More,
    stop: Stop,
    broken: threading.Event,
    note: Callable[[], None],
) -> None:
    """Plans what is left, waits for all deliveries, and notes how far they are. One that broke halts the others after
    their pages in flight; one that stopped does not, and what it is not told is planned all the same."""

    def plans() -> bool:
        return not (continuation.over or stop.asked.is_set() or broken.is_set())

    running = set(deliveries)
    noted_at = time.monotonic()
    while running or plans():
        # With a deadline, because a signal handler runs only when the main thread wakes up.
        done, running = wait(running, timeout=0.0 if plans() else 0.2, return_when=FIRST_COMPLETED)
        if any(delivery.exception() is not None for delivery in done):
            broken.set()
        elif plans():
            _plan_more(continuation, stop, broken)
            more.grew()
        if not plans():
            more.end()
        if time.monotonic() - noted_at >= _NOTE_SECONDS:
            note()
            noted_at = time.monotonic()


def _plan_more(continuation: Continuation, stop: Stop, broken: threading.Event) -> None:
    """Plans another slice. A wish to stop breaks it off wherever it is: there is all of a slice, or nothing."""
    try:
        with stop.may_interrupt():
            continuation.write()
    except Interrupted:
        continuation.break_off()
    except BaseException:
        broken.set()
        raise
