"""Delivers the pages of a plan to one destination: claims them, several in flight, and settles them in groups.

While pages are in flight, no statements run but those that claim, load and settle. No transaction waits for the
network, because a `sender` has no connection.

Settling has threads and connections of its own: while groups are committed, the next pages are in flight, and all
that land meanwhile are the next group. So a fast receiver gets large groups, and a slow one does not wait for them.
Where every class is a single page, pages go one by one anyway, and their settler uses the connection of the delivery.
The next page is loaded and encoded while others are in flight, so that a free sender need not wait for that.
Two pages never hold the same property of a contact, so groups do not wait for one another; but what a refusal means
may depend on the others, so a group with a refusal is settled alone.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from syncer import errors, models
from syncer.calls import Destination
from syncer.delivery.pacing import Clock, Reservation
from syncer.delivery.retrying import RetryPolicy
from syncer.delivery.sender import Encoded, Sender, SentPage
from syncer.log import Logger
from syncer.state import Connection, State, events, pages, retried
from syncer.state.leadership import LEASE_SECONDS, Leadership

log = Logger(__name__)

_CLAIM_AHEAD = 0.05
"""Seconds before its turn at which a page is loaded and claimed, so that the limit is used up to the last event."""

_SETTLERS = 2
"""How many groups are committed at once. Where the receiver answers at once, one of them is always writing; more than
two are no faster on two cores."""


class More:
    """Says that more pages are planned, from another thread, until it says that none are."""

    def __init__(self) -> None:
        self._grown = threading.Event()
        self._ended = threading.Event()

    @property
    def comes(self) -> bool:
        """Whether more may come. Asked before the pages are looked up: then the last are not missed."""
        return not self._ended.is_set()

    def grew(self) -> None:
        """More are there."""
        self._grown.set()

    def end(self) -> None:
        """No more come."""
        self._ended.set()
        self._grown.set()

    def taken(self) -> bool:
        """Whether there are more since the last call."""
        grown = self._grown.is_set()
        self._grown.clear()
        return grown

    def wait(self) -> None:
        """Waits until there are more, but not for long: whoever waits may have to stop."""
        self._grown.wait(0.2)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be delivered: one destination's pages of one run, for as long as we lead; then the events it is owed.

    `properties` names each audience id's property. Without `events`, no event is sent. `more`: not all of it is planned
    yet; what comes later is of the same urgency.
    """

    delivery: pages.RunDestination
    destination: Destination
    properties: Mapping[int, str]
    leadership: Leadership
    events: models.Events | None = None
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    more: More | None = None


def deliver(
    state: State,
    order: Order,
    halted: Callable[[], bool],
    sent: Callable[[int], None],
    clock: Clock | None = None,
) -> errors.DestinationError | None:
    """Delivers until nothing waits, `halted` says so, or the destination stops; returns the error that stopped it.

    `sent` is called with the number of identifies of every page that was settled. Pages in flight are always waited
    for and settled.
    """
    with ExitStack() as connections:

        def connect(purpose: str) -> Connection:
            purpose = f"{purpose} {order.destination.name}"[:60]
            return connections.enter_context(state.connect(purpose, LEASE_SECONDS))

        connection = connect("delivery to")
        known = pages.refused_before(connection, order.delivery)
        leads = order.leadership.lease.good
        sender = Sender(order.destination, halted, clock or Clock(), order.retries, leads, known)
        queue = deque(pages.waiting(connection, order.delivery))
        # Before anything is sent: once it is, it must not depend on what a full server has left. Pages of different
        # urgency are never settled together.
        together = max(Counter(page.urgency for page in queue).values(), default=0)
        most = _SETTLERS if order.more is not None else min(_SETTLERS, together)
        # A lone page is claimed once the one before it is settled, and was loaded before that one landed.
        settlers = [connect("settling for") for _ in range(most)] if most > 1 else [connection]
        return _Delivery(connection, _Settler(settlers, order.delivery, sender), order, halted, sent, sender).run(queue)


class _Settler:
    """Commits pages that have landed, group by group; as many groups at once as it has connections."""

    def __init__(self, connections: Sequence[Connection], delivery: pages.RunDestination, sender: Sender) -> None:
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for connection in connections:
            self._idle.put(connection)
        self._delivery = delivery
        self._sender = sender

    def settle(self, group: Sequence[SentPage]) -> None:
        """One group, in one transaction."""
        connection = self._idle.get_nowait()
        settlements = [page.settlement for page in group]
        retried(lambda: self._commit(connection, settlements))
        self._idle.put(connection)

    def _commit(self, connection: Connection, settlements: Sequence[pages.Settlement]) -> None:
        with connection.transaction():
            pages.settle(connection, self._delivery, settlements)
            if self._sender.refuses_everybody:
                pages.forgive(connection, self._delivery)


class _Delivery:
    """One destination's pages on their way: loaded and claimed here, in one thread and on one connection.

    A page is `flying` while a sender has it, `landed` until a settler is free, and then in a group being settled.
    A crash makes those pages uncertain: no more than there are senders, or two.
    """

    def __init__(
        self,
        connection: Connection,
        settler: _Settler,
        order: Order,
        halted: Callable[[], bool],
        sent: Callable[[int], None],
        sender: Sender,
    ) -> None:
        self._connection = connection
        self._settler = settler
        self._order = order
        self._halted = halted
        self._sent = sent
        self._sender = sender
        self._flying: dict[Future[SentPage], pages.PlannedPage] = {}
        self._landed: list[tuple[pages.PlannedPage, SentPage]] = []
        self._settling: dict[Future[None], list[pages.PlannedPage]] = {}
        self._ready: tuple[int, Encoded] | None = None  # the next page's number, loaded and encoded before its turn
        self._last = 0  # the number of the last page that was taken up
        self._alone = False  # whether no other group may be settled beside the present one
        self._stopped: errors.DestinationError | None = None

    def run(self, queue: deque[pages.PlannedPage]) -> errors.DestinationError | None:
        """Delivers these pages, and then the events that are owed; see `deliver`."""
        try:
            self._deliver_all(queue)
        except errors.NotOursError:  # all senders have ended; what they sent may be later than what the new leader sent
            pages.doubt(self._connection, self._order.delivery, [page.page for page in self._claimed()])
            raise
        self._end()
        self._tell_events()
        return self._stopped

    def _end(self) -> None:
        """If all who got an answer were turned away, it was the destination's, and is held against none of them."""
        if self._sender.refuses_everybody:
            return  # it stopped for that, and what was settled is forgiven
        refuses = self._sender.end()
        if refuses is not None:
            pages.forgive(self._connection, self._order.delivery)
            self._stop(refuses)

    def _deliver_all(self, queue: deque[pages.PlannedPage]) -> None:
        with (
            ThreadPoolExecutor(self._order.destination.concurrency, thread_name_prefix="sender") as senders,
            ThreadPoolExecutor(_SETTLERS, thread_name_prefix="settler") as settlers,
        ):
            try:
                self._deliver(queue, senders, settlers)
            except BaseException:
                self._sender.give_up.set()  # or a sender that waits for another try keeps the failed delivery alive
                raise

    def _deliver(
        self, queue: deque[pages.PlannedPage], senders: ThreadPoolExecutor, settlers: ThreadPoolExecutor
    ) -> None:
        while True:
            more = self._order.more if self._order.more is not None and self._order.more.comes else None
            self._look_for_more(queue)
            self._launch(queue, senders)
            if self._flying or self._settling:
                self._load_ahead(queue)
                # A free sender waits for its turn, not for a page to land.
                turn = self._sender.due_in() if self._has_room(queue) else 0
                under_way: list[Future[Any]] = [*self._flying, *self._settling]
                wait(under_way, timeout=turn or None, return_when=FIRST_COMPLETED)
                self._land()
                self._settle(settlers)
            elif queue and not self._over():
                self._sender.sleep(self._sender.due_in() - _CLAIM_AHEAD)
            elif more is not None and not self._over():
                more.wait()
            else:
                return

    def _look_for_more(self, queue: deque[pages.PlannedPage]) -> None:
        """Takes up what was planned meanwhile. A page that is paused stayed behind, and is not taken up again."""
        if not queue and self._order.more is not None and self._order.more.taken():
            found = pages.waiting(self._connection, self._order.delivery)
            queue.extend(page for page in found if page.page > self._last)
        if queue:
            self._last = queue[-1].page

    def _launch(self, queue: deque[pages.PlannedPage], threads: ThreadPoolExecutor) -> None:
        """Claims the pages whose turn has come, as many as there are free senders, then lets them go.

        A page is claimed no sooner than it can be sent: what is claimed is what a crash makes uncertain.
        """
        launched: list[tuple[pages.PlannedPage, Reservation]] = []
        while self._has_room(queue, len(launched)) and self._sender.due_in() <= _CLAIM_AHEAD:
            if not self._may_go(queue[0], [page for page, _ in launched]):
                break
            page = queue.popleft()
            launched.append((page, self._sender.reserve(page.identifies)))
        if not launched:
            return
        loaded = [self._load(page) for page, _ in launched]
        numbers = [page.page for page, _ in launched]
        claimed = pages.claim(self._connection, self._order.delivery, self._order.leadership.token, numbers)
        for (page, reservation), encoded in zip(launched, loaded, strict=True):
            if page.page in claimed:
                self._flying[threads.submit(self._sender.send, page.page, encoded, reservation)] = page
            else:  # paused since it was planned
                reservation.release()

    def _has_room(self, queue: deque[pages.PlannedPage], launching: int = 0) -> bool:
        """Whether a sender is free, and not too much is claimed. A lone one need not wait until its page is settled."""
        senders = self._order.destination.concurrency
        free = min(senders - len(self._flying), max(senders, 2) - len(self._claimed())) - launching
        return bool(queue) and free > 0 and not self._over()

    def _may_go(self, page: pages.PlannedPage, launching: Sequence[pages.PlannedPage]) -> bool:
        """Pages of different urgency never fly together: each class waits until the one before it is settled."""
        return all(other.urgency == page.urgency for other in [*self._claimed(), *launching])

    def _claimed(self) -> list[pages.PlannedPage]:
        """The pages that are ours and not settled yet: what a crash makes uncertain."""
        landed = [page for page, _ in self._landed]
        return [*self._flying.values(), *landed, *(page for group in self._settling.values() for page in group)]

    def _load_ahead(self, queue: deque[pages.PlannedPage]) -> None:
        if queue and self._ready is None and not self._over():
            self._ready = (queue[0].page, self._load(queue[0]))

    def _load(self, page: pages.PlannedPage) -> Encoded:
        ready, self._ready = self._ready, None
        if ready is not None and ready[0] == page.page:
            return ready[1]
        identifies = pages.load(self._connection, self._order.delivery, page.page, self._order.properties)
        return self._sender.encode(identifies)

    def _land(self) -> None:
        """Takes over the pages that have come back. A destination that stopped gets no more pages."""
        for future in [future for future in self._flying if future.done()]:
            sent_page = future.result()
            self._landed.append((self._flying.pop(future), sent_page))
            if sent_page.error is not None:
                self._stop(sent_page.error)

    def _settle(self, settlers: ThreadPoolExecutor) -> None:
        """Commits everything that has landed as one group, once a settler is free and groups need not go one by one."""
        for future in [future for future in self._settling if future.done()]:
            future.result()
            for page in self._settling.pop(future):
                self._sent(page.identifies)
        alone = not all(sent_page.settlement.accepted for _, sent_page in self._landed)
        most = 1 if alone or (self._settling and self._alone) else _SETTLERS
        if self._landed and len(self._settling) < most:
            group, self._landed = self._landed, []
            self._alone = alone
            future = settlers.submit(self._settler.settle, [sent_page for _, sent_page in group])
            self._settling[future] = [page for page, _ in group]

    def _tell_events(self) -> None:
        """Sends the events that are owed, in order, also those of earlier runs; none after the destination stopped."""
        names = self._order.events
        # Where events go at most once, a crash costs no more than one event.
        size = self._order.destination.page_size if self._order.destination.recognises_events else 1
        while names is not None and not self._over():
            owed = events.owed(self._connection, self._order.delivery.destination_id, names, size)
            if not owed:
                return
            self._tell(owed)

    def _tell(self, owed: Sequence[events.Owed]) -> None:
        """Sends some events. Where the receiver recognises no repetition, they are owed no longer before they leave."""
        token = self._order.leadership.token
        once = not self._order.destination.recognises_events
        if once:
            events.take(self._connection, token, owed)
        reservation = self._sender.reserve(len(owed))
        encoded = self._sender.encode([each.track for each in owed])
        sent_page = self._sender.send(pages.COVERED_PAGE, encoded, reservation)
        failures = {failure.identify.message_id: failure for failure in sent_page.settlement.failures}
        by_outcome = [(each, failures.get(each.track.message_id)) for each in owed]
        stopped = self._sender.end() or sent_page.error
        refused = [(each, why.reason) for each, why in by_outcome if why and why.outcome is models.Outcome.FAILED]
        if self._sender.refuses_everybody:
            refused = []  # they stay owed
        if once:
            _tell_lost(self._order.destination.name, list(failures.values()))
        else:
            with self._connection.transaction():
                events.take(self._connection, token, [each for each, failure in by_outcome if failure is None])
                events.refuse(self._connection, token, refused)
        if refused:
            log.warning("events were refused", destination=self._order.destination.name, events=len(refused))
        if stopped is not None:
            self._stop(stopped)
        elif not once and len(refused) < len(failures):
            self._sender.give_up.set()  # what is still owed waits for the next run

    def _stop(self, error: errors.DestinationError) -> None:
        if self._halted() and not isinstance(error, errors.DestinationStoppedError):
            return  # we broke off its tries ourselves
        if self._stopped is None or isinstance(error, errors.DestinationStoppedError):
            self._stopped = error
        self._sender.give_up.set()

    def _over(self) -> bool:
        return self._stopped is not None or self._halted()


def _tell_lost(destination: str, failures: Sequence[pages.Failure]) -> None:
    """Logs the events that are lost because they go at most once."""
    lost = [failure for failure in failures if failure.outcome is not models.Outcome.FAILED]
    if lost:
        log.warning("events may be lost; they go at most once there", destination=destination, events=len(lost))
