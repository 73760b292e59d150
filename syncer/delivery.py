"""Sends the pages of a plan to one destination: several in flight, paced, retried, and settled in groups.

Retries, pacing and the decision what an outcome means live here, once for every destination. No statement runs while a
page is in the hands of a sender thread except those that claim, load and settle; no transaction is open while the
network is awaited, because senders have no connection.

    an identify:  planned ─▶ sent ─▶ accepted                                  succeeded
                                 ├─▶ refused by name, or its request was       failed
                                 ├─▶ tries used up, some may have arrived      unknown
                                 └─▶ tries used up, none can have arrived      aborted
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import structlog
import tenacity

from syncer import errors, models, pages
from syncer.models import Outcome
from syncer.state import Connection, State

MAX_ATTEMPTS = 8
MAX_SECONDS = 15 * 60
MIN_RETRY_AFTER = 1.0
"""Seconds. A wait that the receiver asks for counts as no attempt, so `Retry-After: 0` must not make a tight loop."""
_BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=60) + tenacity.wait_random(0, 1)
_CLAIM_AHEAD = 0.05
"""Seconds. So long before its turn a page is loaded and claimed, so that the limit is used up to the last event."""
_CATCH_UP = 0.1
"""Seconds. So late a request may leave without the next ones being late as well."""
_REMOVALS = 1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tempo:
    """How time passes: a monotonic clock in seconds, and a pause that ends early when the event is set."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[threading.Event, float], bool] = lambda halt, seconds: halt.wait(seconds)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be delivered: one destination's pages of one run. `properties` names each audience id's property."""

    delivery: pages.Delivery
    destination: models.Destination
    properties: Mapping[int, str]
    token: uuid.UUID


def deliver(
    state: State,
    order: Order,
    halted: Callable[[], bool],
    sent: Callable[[int], None],
    tempo: Tempo | None = None,
) -> errors.DestinationError | None:
    """Delivers until nothing waits, `halted` says so, or the destination stops; returns the error that stopped it.

    `sent` is told how many identifies were settled. Pages in flight are always waited for and settled.
    """
    sender = _Sender(order.destination, halted, tempo or Tempo())
    with state.connect(f"delivery to {order.destination.name}"[:60]) as connection:
        try:
            return _Lane(connection, order, halted, sent, sender).run()
        except BaseException:
            sender.give_up.set()  # a sender that waits for another try must not keep a failed delivery alive
            raise


class _Lane:
    """One destination's pages on their way; everything here runs in one thread, on one connection."""

    def __init__(
        self,
        connection: Connection,
        order: Order,
        halted: Callable[[], bool],
        sent: Callable[[int], None],
        sender: "_Sender",
    ) -> None:
        self._connection = connection
        self._order = order
        self._halted = halted
        self._sent = sent
        self._sender = sender
        self._flying: dict[Future[_Flight], pages.PlannedPage] = {}
        self._stopped: errors.DestinationError | None = None

    def run(self) -> errors.DestinationError | None:
        queue = deque(pages.waiting(self._connection, self._order.delivery))
        with ThreadPoolExecutor(self._order.destination.concurrency, thread_name_prefix="sender") as threads:
            while True:
                self._launch(queue, threads)
                if self._flying:
                    # A free sender waits for its turn, not for a page to land.
                    turn = self._sender.due_in() if self._has_room(queue) else 0
                    landed, _ = wait(self._flying, timeout=turn or None, return_when=FIRST_COMPLETED)
                    self._settle(landed)
                elif queue and not self._over():
                    self._sender.sleep(self._sender.due_in() - _CLAIM_AHEAD)
                else:
                    return self._stopped

    def _launch(self, queue: deque[pages.PlannedPage], threads: ThreadPoolExecutor) -> None:
        """Claims the pages whose turn has come, as many as there are free senders, then lets them go.

        A page is claimed no sooner than it can be sent: what is claimed is what a crash makes uncertain.
        """
        launched: list[pages.PlannedPage] = []
        while self._has_room(queue, len(launched)) and self._sender.due_in() <= _CLAIM_AHEAD:
            if not self._may_go(queue[0], launched):
                break
            launched.append(queue.popleft())
            self._sender.reserve(launched[-1].identifies)
        if not launched:
            return
        loaded = [self._load(page) for page in launched]
        pages.claim(self._connection, self._order.delivery, self._order.token, [page.page for page in launched])
        for page, identifies in zip(launched, loaded, strict=True):
            self._flying[threads.submit(self._sender.send, page.page, identifies)] = page

    def _has_room(self, queue: deque[pages.PlannedPage], launching: int = 0) -> bool:
        free = self._order.destination.concurrency - len(self._flying) - launching
        return bool(queue) and free > 0 and not self._over()

    def _may_go(self, page: pages.PlannedPage, launching: Sequence[pages.PlannedPage]) -> bool:
        """Additions wait until every removal is answered."""
        ahead = [*self._flying.values(), *launching]
        return page.urgency == _REMOVALS or all(other.urgency != _REMOVALS for other in ahead)

    def _load(self, page: pages.PlannedPage) -> list[models.Identify]:
        return pages.load(self._connection, self._order.delivery, page.page, self._order.properties)

    def _settle(self, landed: set[Future["_Flight"]]) -> None:
        """Commits what has come back, as one group."""
        if not landed:
            return
        flights = [future.result() for future in landed]
        with self._connection.transaction():
            pages.settle(self._connection, self._order.delivery, [flight.settlement for flight in flights])
        for future, flight in zip(landed, flights, strict=True):
            self._sent(self._flying.pop(future).identifies)
            if flight.error is not None:
                self._stop(flight.error)

    def _stop(self, error: errors.DestinationError) -> None:
        if self._halted() and not isinstance(error, errors.DestinationStoppedError):
            return  # we broke off its tries ourselves
        if self._stopped is None or isinstance(error, errors.DestinationStoppedError):
            self._stopped = error
        self._sender.give_up.set()

    def _over(self) -> bool:
        return self._stopped is not None or self._halted()


@dataclass(frozen=True, slots=True)
class _Flight:
    """A page that has come back."""

    settlement: pages.Settlement
    error: errors.DestinationError | None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of a request. `applied`: some of it was answered, or may have arrived."""

    failures: Sequence[pages.Failure]
    applied: bool = True
    error: errors.DestinationError | None = None


@dataclass(slots=True)
class _Tries:
    """The tries of one page so far. Waits that the receiver asked for are no attempts of ours.

    `announced` events of it have not had their turn yet.
    """

    began: float
    announced: int
    requests: int = 0
    attempts: int = 0
    retries: int = 0
    asked: bool = False
    maybe_applied: bool = False


class _Sender:
    """Sends pages, from several threads at once. Knows neither state nor plan."""

    def __init__(self, destination: models.Destination, halted: Callable[[], bool], tempo: Tempo) -> None:
        self._destination = destination
        self._halted = halted
        self._tempo = tempo
        self._pacer = _Pacer(destination.events_per_second, tempo.now)
        self.give_up = threading.Event()
        """Set when the destination stopped: no page starts another try."""

    def due_in(self) -> float:
        """Seconds until the next page may go."""
        return self._pacer.due_in()

    def reserve(self, events: int) -> None:
        """Announces a page that is about to be handed to `send`."""
        self._pacer.reserve(events)

    def send(self, page: int, identifies: Sequence[models.Identify]) -> _Flight:
        """Sends a page that was announced, request by request. Every identify gets an outcome, whatever happens."""
        tries = _Tries(self._tempo.now(), announced=len(identifies))
        try:
            return self._send(page, identifies, tries)
        finally:
            self._pacer.reserve(-tries.announced)

    def _send(self, page: int, identifies: Sequence[models.Identify], tries: _Tries) -> _Flight:
        requests, refusals = self._destination.requests(identifies)
        failures = [_refused(refusal) for refusal in refusals]
        applied = bool(refusals)
        error: errors.DestinationError | None = None
        for request in requests:
            if error is not None:
                failures += _all_failed(request, Outcome.ABORTED, f"not sent: {error}")
                continue
            verdict = self._judge(request, tries)
            failures += verdict.failures
            applied = applied or verdict.applied
            error = verdict.error
        settlement = pages.Settlement(page, tries.requests, tries.retries, failures, applied=applied)
        return _Flight(settlement, error)

    def _judge(self, request: models.Request, tries: _Tries) -> _Verdict:
        """Sends one request until it is answered or given up, and says what that means for its identifies."""
        tries.attempts, tries.asked, tries.maybe_applied = 0, False, False
        try:
            return _Verdict([_refused(refusal) for refusal in self._send_request(request, tries)])
        except errors.RequestRefusedError as refused:
            # An earlier try whose answer was lost may have been applied all the same.
            outcome = Outcome.UNKNOWN if tries.maybe_applied else Outcome.FAILED
            return _Verdict(_all_failed(request, outcome, str(refused), refused.http_status))
        except (errors.DestinationUnavailableError, errors.DestinationStoppedError) as stopped:
            outcome = Outcome.UNKNOWN if tries.maybe_applied else Outcome.ABORTED
            failures = _all_failed(request, outcome, str(stopped), stopped.http_status)
            return _Verdict(failures, applied=tries.maybe_applied, error=stopped)

    def _send_request(self, request: models.Request, tries: _Tries) -> list[models.Refusal]:
        def attempt() -> list[models.Refusal]:
            self._await(self._turn(len(request.identifies), tries))
            tries.requests += 1
            tries.attempts += 1
            try:
                return self._destination.send(request)
            except errors.DestinationUnavailableError as error:
                tries.maybe_applied = tries.maybe_applied or error.maybe_applied
                if error.retry_after is not None:
                    tries.attempts -= 1
                    tries.asked = True
                    self._pacer.hold(error.retry_after)
                raise

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(errors.DestinationUnavailableError),
            stop=lambda call: self._exhausted(tries, call),
            wait=lambda call: self._wait(tries, call),
            sleep=self.sleep,
            before_sleep=lambda call: self._count_retry(tries, call),
            reraise=True,
        )
        return retrying(attempt)

    def _turn(self, events: int, tries: _Tries) -> float:
        if not tries.attempts and not tries.asked:
            tries.announced -= events
            self._pacer.reserve(-events)
        return self._pacer.turn(events)

    def _exhausted(self, tries: _Tries, call: tenacity.RetryCallState) -> bool:
        spent = self._tempo.now() - tries.began
        if self._given_up() or tries.attempts >= MAX_ATTEMPTS or spent >= MAX_SECONDS:
            return True
        asked = _retry_after(call)
        return asked is not None and spent + asked > MAX_SECONDS

    def _wait(self, tries: _Tries, call: tenacity.RetryCallState) -> float:
        asked = _retry_after(call)
        if asked is not None:
            return max(asked, MIN_RETRY_AFTER)
        call.attempt_number = max(1, tries.attempts)
        return _BACKOFF(call)

    def _count_retry(self, tries: _Tries, call: tenacity.RetryCallState) -> None:
        tries.retries += 1
        error = call.outcome.exception() if call.outcome else None
        log.warning("retrying", destination=self._destination.name, error=str(error), retry=tries.retries)

    def _await(self, due: float) -> None:
        self.sleep(due - self._tempo.now())
        if self._given_up():
            raise errors.DestinationUnavailableError("stopped before it was sent", maybe_applied=False)

    def sleep(self, seconds: float) -> None:
        """Sleeps, unless everything is to stop; in slices, because there are two reasons for that."""
        until = self._tempo.now() + seconds
        while not self._given_up() and (left := until - self._tempo.now()) > 0:
            self._tempo.pause(self.give_up, min(left, 0.2))

    def _given_up(self) -> bool:
        return self.give_up.is_set() or self._halted()


class _Pacer:
    """Spreads events over time: a request may start when those before it have used up their share of the rate.

    Over any ten seconds at most the limit plus one request leaves: a turn is taken when a request is about to leave,
    and no unused time is saved up but a little lateness.
    """

    def __init__(self, events_per_second: float, now: Callable[[], float]) -> None:
        self._rate = events_per_second
        self._now = now
        self._next = now()
        self._reserved = 0
        self._lock = threading.Lock()

    def reserve(self, events: int) -> None:
        """So many events are about to ask for a turn; a negative number takes that back."""
        with self._lock:
            self._reserved += events

    def turn(self, events: int) -> float:
        """Takes the next turn; returns when it comes, on the clock."""
        with self._lock:
            now = self._now()
            start = max(now, self._next)
            self._next = max(now - _CATCH_UP, self._next) + self.share(events)
            return start

    def share(self, events: int) -> float:
        """The seconds that so many events take up."""
        return events / self._rate if self._rate else 0.0

    def due_in(self) -> float:
        """Seconds until the next turn that nobody has reserved."""
        with self._lock:
            return max(0.0, self._next + self.share(self._reserved) - self._now())

    def hold(self, seconds: float) -> None:
        """Nobody starts for so long: the receiver asked for it."""
        with self._lock:
            self._next = max(self._next, self._now() + seconds)


def _retry_after(call: tenacity.RetryCallState) -> float | None:
    error = call.outcome.exception() if call.outcome else None
    return error.retry_after if isinstance(error, errors.DestinationUnavailableError) else None


def _refused(refusal: models.Refusal) -> pages.Failure:
    return pages.Failure(refusal.identify, Outcome.FAILED, refusal.reason, refusal.http_status)


def _all_failed(
    request: models.Request, outcome: Outcome, reason: str, http_status: int | None = None
) -> list[pages.Failure]:
    return [pages.Failure(identify, outcome, reason, http_status) for identify in request.identifies]
