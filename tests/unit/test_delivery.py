"""How pages are sent: tries, waits, pacing, and what an outcome means. No network, no database, no real time."""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from syncer import delivery, errors, models
from syncer.models import Identify, Outcome, Refusal, Request


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


def identifies(count: int) -> list[Identify]:
    return [Identify(f"c{n}", 0, f"u{n}", f"c{n}", f"m{n}", {"vip": True}) for n in range(count)]


def sender(
    destination: models.Destination, clock: Clock, halted: Callable[[], bool] = lambda: False
) -> delivery._Sender:
    return delivery._Sender(destination, halted, clock.tempo)


def unavailable(*, maybe_applied: bool = True, retry_after: float | None = None) -> errors.DestinationUnavailableError:
    return errors.DestinationUnavailableError("down", maybe_applied=maybe_applied, retry_after=retry_after)


def send(destination: Scripted, count: int = 2) -> delivery._Flight:
    return sender(destination, destination.clock).send(7, identifies(count), due=0.0)


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

    flight = sender(destination, destination.clock, stop_after_the_first).send(1, identifies(1), due=0.0)

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
        lane.send(number, identifies(page), lane.reserve(page))

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

    lane.send(1, identifies(1), lane.reserve(1))

    assert lane.reserve(1) >= 20
