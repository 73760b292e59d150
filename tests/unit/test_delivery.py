"""How pages are sent: tries, waits, pacing, and what an outcome means. No network, no database, no real time."""

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from syncer import delivery, errors, models, pages
from syncer.models import Identify, Outcome, Refusal, Request
from syncer.state import State


@dataclass
class Clock:
    """Time passes only when somebody waits."""

    at: float = 0.0
    waits: list[float] = field(default_factory=list)

    def pause(self, _event: threading.Event, seconds: float) -> bool:
        self.at += seconds
        self.waits.append(seconds)
        return False

    @property
    def tempo(self) -> delivery.Tempo:
        return delivery.Tempo(now=lambda: self.at, pause=self.pause)


@dataclass
class Scripted:
    """A destination whose answers are given: a list of refused contacts, or an error."""

    answers: list[list[str] | errors.DestinationError]
    per_request: int = 1000
    events_per_second: float = 0
    clock: Clock = field(default_factory=Clock)
    name: str = "scripted"
    page_size: int = 1000
    concurrency: int = 1
    sent: list[tuple[float, int]] = field(default_factory=list)

    def requests(self, identifies: Sequence[Identify]) -> tuple[list[Request], list[Refusal]]:
        cuts = range(0, len(identifies), self.per_request)
        return [Request(identifies[cut : cut + self.per_request], []) for cut in cuts], []

    def send(self, request: Request) -> list[Refusal]:
        self.sent.append((self.clock.at, len(request.identifies)))
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, errors.DestinationError):
            raise answer
        return [Refusal(identify, "no", 400) for identify in request.identifies if identify.contact in answer]

    def account(self) -> dict[str, str]:
        return {}

    def problems(self) -> list[str]:
        return []

    def close(self) -> None: ...


def go(lane: delivery._Sender, page: int, count: int) -> delivery._Flight:
    """A page as a lane lets it go."""
    lane.reserve(count)
    return lane.send(page, identifies(count))


def identifies(count: int) -> list[Identify]:
    return [Identify(f"c{n}", 0, f"u{n}", f"c{n}", f"m{n}", {"vip": True}) for n in range(count)]


def sender(
    destination: models.Destination, clock: Clock, halted: Callable[[], bool] = lambda: False
) -> delivery._Sender:
    return delivery._Sender(destination, halted, clock.tempo)


def unavailable(*, maybe_applied: bool = True, retry_after: float | None = None) -> errors.DestinationUnavailableError:
    return errors.DestinationUnavailableError("down", maybe_applied=maybe_applied, retry_after=retry_after)


def send(destination: Scripted, count: int = 2) -> delivery._Flight:
    return go(sender(destination, destination.clock), 7, count)


def outcomes(flight: delivery._Flight) -> list[Outcome]:
    return [failure.outcome for failure in flight.settlement.failures]


def test_a_page_that_is_accepted_has_no_failures() -> None:
    flight = send(Scripted([[]]))

    assert (flight.error, flight.settlement.page, flight.settlement.requests) == (None, 7, 1)
    assert flight.settlement.applied
    assert outcomes(flight) == []


def test_a_refused_contact_does_not_touch_its_neighbours() -> None:
    flight = send(Scripted([["c1"]]))

    assert [(f.identify.contact, f.outcome, f.reason) for f in flight.settlement.failures] == [
        ("c1", Outcome.FAILED, "no")
    ]
    assert flight.error is None


def test_a_page_is_tried_eight_times_with_growing_waits() -> None:
    destination = Scripted([unavailable() for _ in range(20)])

    flight = send(destination)

    times = [at for at, _ in destination.sent]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) == 8
    assert all(0.5 * 2**n <= wait <= 0.5 * 2**n + 1.01 for n, wait in enumerate(waits))
    assert outcomes(flight) == [Outcome.UNKNOWN] * 2
    assert (flight.settlement.requests, flight.settlement.retries) == (8, 7)
    assert isinstance(flight.error, errors.DestinationUnavailableError)


def test_tries_that_cannot_have_arrived_leave_the_page_aborted() -> None:
    flight = send(Scripted([unavailable(maybe_applied=False) for _ in range(8)]))

    assert outcomes(flight) == [Outcome.ABORTED] * 2
    assert flight.settlement.applied is False


def test_one_try_that_may_have_arrived_makes_the_page_unknown() -> None:
    answers = [unavailable(maybe_applied=True), *[unavailable(maybe_applied=False) for _ in range(7)]]

    assert outcomes(send(Scripted([*answers]))) == [Outcome.UNKNOWN] * 2


def test_retry_after_is_obeyed_and_is_no_attempt() -> None:
    destination = Scripted([*[unavailable(maybe_applied=False, retry_after=30) for _ in range(20)], []])

    flight = send(destination)

    times = [at for at, _ in destination.sent]
    assert len(times) == 21
    assert all(later - earlier == pytest.approx(30) for earlier, later in itertools.pairwise(times))
    assert flight.error is None
    assert flight.settlement.retries == 20


def test_retry_after_zero_does_not_make_a_tight_loop() -> None:
    destination = Scripted([unavailable(maybe_applied=False, retry_after=0.0) for _ in range(5000)])

    send(destination)

    assert len(destination.sent) <= 15 * 60 + 1


def test_a_page_is_given_up_after_fifteen_minutes() -> None:
    destination = Scripted([unavailable(maybe_applied=False, retry_after=400) for _ in range(9)])

    flight = send(destination)

    assert [round(at) for at, _ in destination.sent] == [0, 400, 800]
    assert outcomes(flight) == [Outcome.ABORTED] * 2


def test_requests_of_a_page_have_outcomes_of_their_own() -> None:
    stopped = errors.DestinationStoppedError("bad key", http_status=401)
    flight = send(Scripted([[], stopped], per_request=1), count=3)

    assert [(f.identify.contact, f.outcome) for f in flight.settlement.failures] == [
        ("c1", Outcome.ABORTED),
        ("c2", Outcome.ABORTED),
    ]
    assert flight.settlement.applied
    assert flight.error is stopped


def test_a_page_of_which_one_request_has_no_answer_is_accepted_unknown_and_aborted_in_part() -> None:
    flight = send(Scripted([[], *[unavailable() for _ in range(8)]], per_request=1), count=3)

    assert [(f.identify.contact, f.outcome) for f in flight.settlement.failures] == [
        ("c1", Outcome.UNKNOWN),
        ("c2", Outcome.ABORTED),
    ]
    assert flight.settlement.applied
    assert isinstance(flight.error, errors.DestinationUnavailableError)


@pytest.mark.parametrize("refused_by", [errors.RequestRefusedError, errors.DestinationStoppedError])
@pytest.mark.parametrize(("maybe_applied", "outcome"), [(True, Outcome.UNKNOWN), (False, None)])
def test_a_refusal_after_a_lost_answer_does_not_make_it_certain(
    refused_by: type[errors.RequestRefusedError | errors.DestinationStoppedError],
    maybe_applied: bool,
    outcome: Outcome | None,
) -> None:
    flight = send(Scripted([unavailable(maybe_applied=maybe_applied), refused_by("no", http_status=400)]), count=1)

    certainly = Outcome.FAILED if refused_by is errors.RequestRefusedError else Outcome.ABORTED
    assert outcomes(flight) == [outcome or certainly]


def test_a_refused_request_fails_its_own_contacts_only() -> None:
    flight = send(Scripted([[], errors.RequestRefusedError("too odd", http_status=400), []], per_request=1), count=3)

    assert [(f.identify.contact, f.outcome, f.reason) for f in flight.settlement.failures] == [
        ("c1", Outcome.FAILED, "too odd")
    ]
    assert flight.error is None


def test_no_try_begins_once_everything_halts() -> None:
    destination = Scripted([unavailable(), []])
    halted: list[bool] = []

    def stop_after_the_first() -> bool:
        return bool(destination.sent) or bool(halted)

    flight = go(sender(destination, destination.clock, stop_after_the_first), 1, 1)

    assert len(destination.sent) == 1
    assert outcomes(flight) == [Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("rate", "page", "request_size"), [(1000, 500, 500), (1000, 500, 130), (50, 50, 50), (7, 7, 3)]
)
def test_over_any_ten_seconds_at_most_the_limit_plus_one_request_leaves(
    rate: int, page: int, request_size: int
) -> None:
    clock = Clock()
    destination = Scripted([], per_request=request_size, events_per_second=rate, clock=clock)
    lane = sender(destination, clock)
    pages = 80 * rate // page

    for number in range(pages):
        go(lane, number, page)

    sent = destination.sent
    for at, _ in sent:
        window = sum(events for when, events in sent if at <= when < at + 10)
        assert window <= 10 * rate + request_size
    last, _ = sent[-1]
    assert pages * page / (last + request_size / rate) >= 0.95 * rate


def test_a_wait_that_the_receiver_asks_for_holds_everybody() -> None:
    clock = Clock()
    destination = Scripted([unavailable(maybe_applied=False, retry_after=20)], events_per_second=10, clock=clock)
    lane = sender(destination, clock)

    go(lane, 1, 1)

    assert clock.at + lane.due_in() >= 20


def test_requests_that_were_held_up_do_not_leave_in_a_bunch() -> None:
    """Four pages of two requests each; the first of each hangs until the turns of all the second ones have passed."""
    clock = Clock()
    arrived, go_on = threading.Semaphore(0), threading.Event()

    class Slow(Scripted):
        def send(self, request: Request) -> list[Refusal]:
            refusals = super().send(request)
            if not go_on.is_set():
                arrived.release()
                go_on.wait(10)
            return refusals

    destination = Slow([], per_request=50, events_per_second=100, clock=clock, concurrency=4)
    lane = sender(destination, clock)
    threads = [threading.Thread(target=lambda number=number: go(lane, number, 100)) for number in range(4)]
    for thread in threads:
        thread.start()
        assert arrived.acquire(timeout=10)
    clock.at = 10.0
    go_on.set()
    for thread in threads:
        thread.join(10)
    for number in range(4, 20):
        go(lane, number, 100)

    for at, _ in destination.sent:
        window = sum(events for when, events in destination.sent if at <= when < at + 10)
        assert window <= 10 * 100 + 50


# --- the lane: pages on their way, their claims and settlements ------------------------------------------------------


class Book:
    """Stands for the pages of one delivery: no database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, urgencies: Sequence[int]) -> None:
        self.claimed: list[int] = []
        self.settled: dict[int, pages.Settlement] = {}
        self.unanswered_at_claim: dict[int, set[int]] = {}
        planned = [pages.PlannedPage(number, urgency, 1) for number, urgency in enumerate(urgencies, 1)]
        monkeypatch.setattr(pages, "waiting", lambda *_: planned)
        monkeypatch.setattr(pages, "load", lambda _connection, _delivery, page, _properties: [_only(page)])
        monkeypatch.setattr(pages, "claim", self._claim)
        monkeypatch.setattr(pages, "settle", self._settle)

    def _claim(self, _connection: object, _delivery: object, _token: object, claimed: Sequence[int]) -> None:
        for page in claimed:
            self.unanswered_at_claim[page] = set(self.claimed) - set(self.settled)
        self.claimed += claimed

    def _settle(self, _connection: object, _delivery: object, settlements: Sequence[pages.Settlement]) -> None:
        self.settled.update((settlement.page, settlement) for settlement in settlements)

    @contextmanager
    def connect(self, _purpose: str) -> Iterator["Book"]:
        yield self

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield


def _only(page: int) -> Identify:
    return Identify(f"c{page}", 0, f"u{page}", f"c{page}", f"m{page}", {"vip": True})


def deliver(book: Book, destination: Scripted, halted: Callable[[], bool] = lambda: False) -> object:
    order = delivery.Order(pages.Delivery(1, 1), destination, {}, uuid.uuid4())
    return delivery.deliver(cast(State, book), order, halted, lambda _: None, destination.clock.tempo)


def test_additions_are_claimed_only_when_every_removal_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(monkeypatch, [1, 1, 1, 2, 2, 3])

    assert deliver(book, Scripted([], concurrency=4)) is None

    assert book.claimed == [1, 2, 3, 4, 5, 6]
    assert all(book.unanswered_at_claim[page].isdisjoint({1, 2, 3}) for page in (4, 5, 6))


def test_a_destination_that_stops_leaves_the_rest_unclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(monkeypatch, [3, 3, 3])
    stopped = errors.DestinationStoppedError("bad key", http_status=401)

    assert deliver(book, Scripted([[], stopped])) is stopped

    assert book.claimed == [1, 2]
    assert [settlement.applied for settlement in book.settled.values()] == [True, False]


def test_a_refusal_of_the_account_outweighs_that_it_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages in flight: one gets 401 while the other still tries."""
    book = Book(monkeypatch, [3, 3])
    stopped = errors.DestinationStoppedError("bad key", http_status=401)
    both_sent = threading.Barrier(2, timeout=10)

    class Both(Scripted):
        def send(self, request: Request) -> list[Refusal]:
            if len(self.sent) < 2:
                self.sent.append((self.clock.at, 1))
                both_sent.wait()
            raise stopped if request.identifies[0].contact == "c2" else unavailable()

    assert deliver(book, Both([], concurrency=2)) is stopped

    assert {page: settlement.applied for page, settlement in book.settled.items()} == {1: True, 2: False}


def test_a_wish_to_stop_is_no_error_of_the_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(monkeypatch, [3, 3])
    destination = Scripted([unavailable()])

    assert deliver(book, destination, lambda: bool(destination.sent)) is None

    assert book.claimed == [1]
    assert [failure.outcome for failure in book.settled[1].failures] == [Outcome.UNKNOWN]


def test_a_page_that_cannot_be_claimed_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(monkeypatch, [3, 3])

    def overtaken(*_: object) -> None:
        raise errors.NotOursError("another syncer took over")

    monkeypatch.setattr(pages, "claim", overtaken)
    destination = Scripted([])

    with pytest.raises(errors.NotOursError):
        deliver(book, destination)

    assert destination.sent == []
