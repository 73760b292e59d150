"""How pages are sent: tries, waits, pacing, and what an outcome means. No network, no database, no real time."""

import itertools
import math
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import errors, models
from syncer.delivery import deliver as delivery
from syncer.delivery import pacing, sender
from syncer.delivery.retrying import RetryPolicy
from syncer.models import Identify, Outcome, Payload, Refusal
from syncer.state import Connection, State, pages
from syncer.state.leadership import Leadership, Lease

UNLIMITED = models.Rate(0)


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
    def tempo(self) -> pacing.Clock:
        return pacing.Clock(now=lambda: self.at, pause=self.pause)


@dataclass
class Scripted:
    """A destination whose answers are given: a list of refused contacts, or an error."""

    answers: list[list[str] | errors.DestinationError]
    per_request: int = 1000
    rate: models.Rate = UNLIMITED
    recognises_events: bool = True
    clock: Clock = field(default_factory=Clock)
    name: str = "scripted"
    page_size: int = 1000
    concurrency: int = 1
    sent: list[tuple[float, int]] = field(default_factory=list)

    def requests(self, identifies: Sequence[models.Call]) -> tuple[list[Payload], list[Refusal]]:
        cuts = range(0, len(identifies), self.per_request)
        return [Payload(identifies[cut : cut + self.per_request], []) for cut in cuts], []

    def send(self, request: Payload) -> list[Refusal]:
        self.sent.append((self.clock.at, len(request.identifies)))
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, errors.DestinationError):
            raise answer
        return [Refusal(identify, "no", 400) for identify in request.identifies if identify.contact in answer]

    def account(self) -> dict[str, str]:
        return {}

    def key_hash(self, salt: bytes) -> str:
        return ""

    def problems(self) -> list[str]:
        return []

    def close(self) -> None: ...


@dataclass
class Picky(Scripted):
    """Refuses every request that holds one of the bad contacts, or more identifies than it takes.

    Of a contact that comes alone it says `words`, or the contact's name. The first answer to each size of request that
    is in `loses` gets lost.
    """

    bad: frozenset[str] = frozenset()
    words: str | None = None
    takes: int = 1000
    loses: set[int] = field(default_factory=set)
    seen: list[list[str]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)

    def send(self, request: Payload) -> list[Refusal]:
        contacts = [identify.contact for identify in request.identifies]
        self.seen.append(contacts)
        if request.encoded:
            assert [body.decode() for body in request.encoded] == contacts
        if len(contacts) in self.loses:
            self.loses.remove(len(contacts))
            raise unavailable()
        super().send(request)
        if len(contacts) > self.takes:
            raise errors.RequestRefusedError("too large", http_status=413)
        if self.bad.intersection(contacts):
            raise errors.RequestRefusedError(self.words or ",".join(contacts), http_status=400)
        self.accepted += contacts
        return []

    def requests(self, identifies: Sequence[models.Call]) -> tuple[list[Payload], list[Refusal]]:
        requests, refusals = super().requests(identifies)
        return [Payload(r.identifies, [i.contact.encode() for i in r.identifies]) for r in requests], refusals


def contacts(*numbers: int) -> frozenset[str]:
    return frozenset(f"c{number}" for number in numbers)


def go(lane: sender.Sender, page: int, count: int) -> sender.SentPage:
    """A page as a lane lets it go."""
    lane.reserve(count)
    return lane.send(page, lane.encode(identifies(count)))


def identifies(count: int) -> list[Identify]:
    return [Identify(f"c{n}", 0, f"u{n}", f"c{n}", f"m{n}", {"vip": True}) for n in range(count)]


def sender_to(
    destination: models.Destination, clock: Clock, halted: Callable[[], bool] = lambda: False
) -> sender.Sender:
    return sender.Sender(destination, halted, clock.tempo, RetryPolicy())


def unavailable(*, maybe_applied: bool = True, retry_after: float | None = None) -> errors.DestinationUnavailableError:
    return errors.DestinationUnavailableError("down", maybe_applied=maybe_applied, retry_after=retry_after)


def send(destination: Scripted, count: int = 2) -> sender.SentPage:
    return go(sender_to(destination, destination.clock), 7, count)


def outcomes(flight: sender.SentPage) -> list[Outcome]:
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


# --- refused requests are split --------------------------------------------------------------------------------------


@given(count=st.integers(1, 64), bad=st.sets(st.integers(0, 63)))
def test_of_a_refused_request_exactly_the_bad_contacts_fail(count: int, bad: set[int]) -> None:
    bad = {number for number in bad if number < count}
    destination = Picky([], bad=contacts(*bad))

    flight = send(destination, count)

    assert {(f.identify.contact, f.outcome, f.reason, f.http_status) for f in flight.settlement.failures} == {
        (f"c{number}", Outcome.FAILED, f"c{number}", 400) for number in bad
    }
    assert len(flight.settlement.failures) == len(bad)
    assert sorted(destination.accepted) == sorted(f"c{number}" for number in range(count) if number not in bad)
    assert flight.settlement.requests == len(destination.seen) <= 1 + 2 * len(bad) * math.ceil(math.log2(count))
    assert (flight.error, flight.settlement.retries, flight.settlement.applied) == (None, 0, True)


@pytest.mark.parametrize("takes", [1, 7, 49, 50])
def test_a_request_that_is_too_large_is_split_and_accepted(takes: int) -> None:
    destination = Picky([], takes=takes)

    flight = send(destination, 50)

    assert outcomes(flight) == []
    assert sorted(destination.accepted) == sorted(f"c{number}" for number in range(50))


def test_an_identify_that_is_too_large_alone_fails() -> None:
    flight = send(Picky([errors.RequestRefusedError("too large", http_status=413) for _ in range(2)]), 2)

    assert [(f.identify.contact, f.outcome, f.http_status) for f in flight.settlement.failures] == [
        ("c0", Outcome.FAILED, 413)
    ]


def test_the_parts_of_a_refused_request_are_tried_after_those_that_wait() -> None:
    destination = Picky([], bad=contacts(1))

    send(destination, 4)

    assert destination.seen == [["c0", "c1", "c2", "c3"], ["c0", "c1"], ["c2", "c3"], ["c0"], ["c1"]]


def test_the_failure_says_whether_an_identify_was_alone() -> None:
    split = send(Picky([], bad=contacts(1)), 2)
    by_name = send(Scripted([["c1"]]), 2)
    by_name_alone = send(Scripted([["c0"]]), 1)
    lost_alone = send(Scripted([unavailable() for _ in range(8)]), 1)
    lost_together = send(Scripted([unavailable() for _ in range(8)]), 2)

    flights = [split, by_name, by_name_alone, lost_alone, lost_together]
    assert [[f.alone for f in flight.settlement.failures] for flight in flights] == [
        [True],
        [False],
        [True],
        [True],
        [False, False],
    ]


def test_an_identify_that_was_never_sent_was_not_alone() -> None:
    """Everything halts between the refusal of two and the first of them."""
    destination = Picky([], bad=contacts(0), loses={2})

    flight = go(sender_to(destination, destination.clock, lambda: len(destination.seen) > 1), 7, 2)

    assert [(f.outcome, f.alone) for f in flight.settlement.failures] == [(Outcome.UNKNOWN, False)] * 2


def test_a_lost_answer_of_the_whole_makes_its_refused_and_unsent_parts_unknown() -> None:
    lost = send(Picky([], bad=contacts(1), loses={4}), 4)
    stopped = errors.DestinationStoppedError("bad key", http_status=401)
    refused = errors.RequestRefusedError("no", http_status=400)
    cut_off = send(Scripted([unavailable(), refused, refused, [], stopped], per_request=4), 6)

    assert [(f.identify.contact, f.outcome) for f in lost.settlement.failures] == [("c1", Outcome.UNKNOWN)]
    assert [(f.identify.contact, f.outcome) for f in cut_off.settlement.failures] == [
        ("c2", Outcome.UNKNOWN),
        ("c3", Outcome.UNKNOWN),
        ("c4", Outcome.ABORTED),
        ("c5", Outcome.ABORTED),
    ]
    assert cut_off.error is stopped


def test_a_lost_answer_of_one_part_makes_no_other_part_unknown() -> None:
    flight = send(Picky([], bad=contacts(1, 3), loses={1}), 4)

    assert [(f.identify.contact, f.outcome) for f in flight.settlement.failures] == [
        ("c1", Outcome.FAILED),
        ("c3", Outcome.FAILED),
    ]


def test_a_refusal_by_name_after_a_lost_answer_is_unknown() -> None:
    assert outcomes(send(Scripted([unavailable(), ["c1"]]))) == [Outcome.UNKNOWN]


def test_each_part_has_eight_attempts() -> None:
    refused = errors.RequestRefusedError("no", http_status=400)
    seven = [unavailable(maybe_applied=False) for _ in range(7)]

    flight = send(Scripted([*seven, refused, *seven, [], *seven, []]), 2)

    assert (flight.error, outcomes(flight)) == (None, [])
    assert (flight.settlement.requests, flight.settlement.retries) == (24, 21)


def test_the_parts_share_the_fifteen_minutes_of_their_page() -> None:
    def wait() -> errors.DestinationUnavailableError:
        return unavailable(maybe_applied=False, retry_after=400)

    refused = errors.RequestRefusedError("no", http_status=400)
    destination = Scripted([wait(), wait(), refused, wait()])

    flight = send(destination)

    assert [round(at) for at, _ in destination.sent] == [0, 400, 800, 800]
    assert outcomes(flight) == [Outcome.ABORTED] * 2


def test_parts_take_their_turns_with_the_pacer_and_leave_nothing_reserved() -> None:
    clock = Clock()
    destination = Picky([], bad=contacts(3), rate=models.Rate(10), clock=clock)
    lane = sender_to(destination, clock)

    go(lane, 1, 8)

    # 8, then its halves, those of the refused half, and at last each of two alone: after the share of those before it.
    starts = [at for at, _ in destination.sent]
    sizes = [events for _, events in destination.sent]
    assert sizes == [8, 4, 4, 2, 2, 1, 1]
    assert starts == pytest.approx([0, 0.8, 1.2, 1.6, 1.8, 2.0, 2.1], abs=0.11)
    assert lane._pacer._reserved == 0


# --- a destination that refuses everybody ----------------------------------------------------------------------------

NOBODY = "write key is disabled"


def everybody_refused(count: int, clock: Clock | None = None) -> Picky:
    return Picky([], bad=contacts(*range(count)), words=NOBODY, clock=clock or Clock())


def test_a_destination_that_refuses_everybody_stops_and_nothing_is_held_against_contacts() -> None:
    destination = everybody_refused(64)

    flight = send(destination, 64)

    assert isinstance(flight.error, errors.DestinationStoppedError)
    assert flight.error.http_status == 400
    assert "scripted refuses every contact with the same words (status 400)" in str(flight.error)
    assert f'"{NOBODY}"' in str(flight.error)
    assert "Check the account" in str(flight.error)
    assert outcomes(flight) == [Outcome.ABORTED] * 64
    assert flight.settlement.applied is False
    assert sum(len(seen) == 1 for seen in destination.seen) == 10


def test_nine_contacts_refused_alone_are_refused() -> None:
    flight = send(everybody_refused(9), 9)

    assert (flight.error, outcomes(flight)) == (None, [Outcome.FAILED] * 9)


def test_the_row_goes_on_from_page_to_page() -> None:
    destination = Picky([], bad=contacts(0, 1, 2), words=NOBODY, per_request=1)
    lane = sender_to(destination, destination.clock)

    def page(first: int) -> sender.SentPage:
        destination.bad = frozenset(f"d{number}" for number in range(first, first + 5))
        lane.reserve(5)
        return lane.send(first, lane.encode([_named(f"d{number}") for number in range(first, first + 5)]))

    assert (page(0).error, lane.refuses_everybody) == (None, False)
    assert isinstance(page(5).error, errors.DestinationStoppedError)
    assert lane.refuses_everybody


def test_many_parts_of_one_contact_are_one_contact() -> None:
    destination = Picky([], bad=frozenset(["many"]), words=NOBODY, per_request=1)
    lane = sender_to(destination, destination.clock)
    lane.reserve(20)

    flight = lane.send(1, lane.encode([_named("many", part) for part in range(20)]))

    assert (flight.error, outcomes(flight)) == (None, [Outcome.FAILED] * 20)


def test_other_words_begin_another_row() -> None:
    refused = [errors.RequestRefusedError(words, http_status=400) for words in [*["a"] * 9, "b", *["a"] * 9]]

    flight = send(Scripted([*refused], per_request=1), 19)

    assert (flight.error, outcomes(flight)) == (None, [Outcome.FAILED] * 19)


def test_another_status_begins_another_row() -> None:
    refused = [errors.RequestRefusedError("a", http_status=status) for status in [*[400] * 9, 422, *[400] * 9]]

    assert send(Scripted([*refused], per_request=1), 19).error is None


@given(before=st.integers(0, 8), after=st.integers(10, 40))
def test_one_accepted_identify_switches_the_rule_off_for_the_run(before: int, after: int) -> None:
    count = before + 1 + after
    bad = contacts(*(number for number in range(count) if number != before))
    destination = Picky([], bad=bad, words=NOBODY)

    flight = send(destination, count)

    assert flight.error is None
    assert destination.accepted == [f"c{before}"]
    assert outcomes(flight) == [Outcome.FAILED] * (count - 1)


def test_an_accepted_neighbour_of_a_contact_refused_by_name_switches_the_rule_off() -> None:
    destination = Scripted([["c0"], *[errors.RequestRefusedError("no", http_status=400) for _ in range(31)]])
    lane = sender_to(destination, destination.clock)

    go(lane, 1, 2)

    assert go(lane, 2, 16).error is None


def test_refusals_by_name_among_others_and_our_own_do_not_count() -> None:
    """Nothing is accepted: pages of two that are both refused by name, and contacts that no request can carry."""

    class Narrow(Scripted):
        def requests(self, identifies: Sequence[models.Call]) -> tuple[list[Payload], list[Refusal]]:
            return [], [Refusal(identify, "no") for identify in identifies]

    by_name = Scripted([["c0", "c1"] for _ in range(20)])
    lane = sender_to(by_name, by_name.clock)

    assert [go(lane, page, 2).error for page in range(20)] == [None] * 20
    assert outcomes(send(Narrow([]), 20)) == [Outcome.FAILED] * 20


def test_a_contact_refused_by_name_in_a_request_of_its_own_counts() -> None:
    flight = send(Scripted([[f"c{number}"] for number in range(10)], per_request=1), 12)

    assert isinstance(flight.error, errors.DestinationStoppedError)
    assert outcomes(flight) == [Outcome.ABORTED] * 12


def test_what_may_have_arrived_stays_unknown_where_everybody_is_refused() -> None:
    destination = everybody_refused(20)
    destination.loses = {20}

    flight = send(destination, 20)

    assert isinstance(flight.error, errors.DestinationStoppedError)
    assert outcomes(flight) == [Outcome.UNKNOWN] * 20
    assert flight.settlement.applied


def test_no_try_begins_once_everything_halts() -> None:
    destination = Scripted([unavailable(), []])
    halted: list[bool] = []

    def stop_after_the_first() -> bool:
        return bool(destination.sent) or bool(halted)

    flight = go(sender_to(destination, destination.clock, stop_after_the_first), 1, 1)

    assert len(destination.sent) == 1
    assert outcomes(flight) == [Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("rate", "page", "request_size"), [(1000, 500, 500), (1000, 500, 130), (50, 50, 50), (7, 7, 3)]
)
def test_over_any_ten_seconds_at_most_the_limit_plus_one_request_leaves(
    rate: int, page: int, request_size: int
) -> None:
    clock = Clock()
    destination = Scripted([], per_request=request_size, rate=models.Rate(rate), clock=clock)
    lane = sender_to(destination, clock)
    pages = 80 * rate // page

    for number in range(pages):
        go(lane, number, page)

    sent = destination.sent
    for at, _ in sent:
        window = sum(events for when, events in sent if at <= when < at + 10)
        assert window <= 10 * rate + request_size
    last, _ = sent[-1]
    assert pages * page / (last + request_size / rate) >= 0.95 * rate


@pytest.mark.parametrize(("page", "request_size"), [(500, 100), (250, 100), (100, 100), (5, 1)])
def test_where_requests_are_counted_any_size_of_one_takes_the_same_time(page: int, request_size: int) -> None:
    clock = Clock()
    rate = models.Rate(5, together=request_size)
    destination = Scripted([], per_request=request_size, rate=rate, clock=clock)
    lane = sender_to(destination, clock)

    for number in range(20):
        go(lane, number, page)

    starts = [at for at, _ in destination.sent]
    assert len(starts) == 20 * rate.count(page)
    assert starts == pytest.approx([number / 5 for number in range(len(starts))], abs=0.11)
    assert lane._pacer._reserved == 0


def test_a_page_of_more_requests_than_it_was_announced_with_takes_its_time_too() -> None:
    """One contact in many parts makes as many requests of one identify each."""
    clock = Clock()
    destination = Scripted([], per_request=1, rate=models.Rate(5, together=100), clock=clock)
    lane = sender_to(destination, clock)

    lane.reserve(10)
    assert lane.due_in() == pytest.approx(0.2)
    lane.send(1, lane.encode(identifies(10)))

    assert [at for at, _ in destination.sent] == pytest.approx([number / 5 for number in range(10)], abs=0.11)
    assert clock.at + lane.due_in() == pytest.approx(2.0, abs=0.11)
    assert lane._pacer._reserved == 0


def test_what_is_withdrawn_is_not_waited_for() -> None:
    clock = Clock()
    lane = sender_to(Scripted([], rate=models.Rate(5, together=100), clock=clock), clock)
    for identifies_of_a_page in (100, 101, 250):
        lane.reserve(identifies_of_a_page)
        lane.reserve(-identifies_of_a_page)
    assert lane.due_in() == 0


def test_a_wait_that_the_receiver_asks_for_holds_everybody() -> None:
    clock = Clock()
    destination = Scripted([unavailable(maybe_applied=False, retry_after=20)], rate=models.Rate(10), clock=clock)
    lane = sender_to(destination, clock)

    go(lane, 1, 1)

    assert clock.at + lane.due_in() >= 20


def test_requests_that_were_held_up_do_not_leave_in_a_bunch() -> None:
    """Four pages of two requests each; the first of each hangs until the turns of all the second ones have passed."""
    clock = Clock()
    arrived, go_on = threading.Semaphore(0), threading.Event()

    class Slow(Scripted):
        def send(self, request: Payload) -> list[Refusal]:
            refusals = super().send(request)
            if not go_on.is_set():
                arrived.release()
                go_on.wait(10)
            return refusals

    destination = Slow([], per_request=50, rate=models.Rate(100), clock=clock, concurrency=4)
    lane = sender_to(destination, clock)
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


class AlertLog:
    """Stands for the pages of one delivery: no database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, urgencies: Sequence[int]) -> None:
        self.claimed: list[int] = []
        self.settled: dict[int, pages.Settlement] = {}
        self.unanswered_at_claim: dict[int, set[int]] = {}
        self.in_transaction = False
        self.forgave: list[int] = []
        """How many pages were settled whenever refusals were forgiven, in the same transaction."""
        planned = [pages.PlannedPage(number, urgency, 1) for number, urgency in enumerate(urgencies, 1)]
        monkeypatch.setattr(pages, "waiting", lambda *_: planned)
        monkeypatch.setattr(pages, "load", lambda _connection, _delivery, page, _properties: [_only(page)])
        monkeypatch.setattr(pages, "claim", self._claim)
        monkeypatch.setattr(pages, "settle", self._settle)
        monkeypatch.setattr(pages, "forgive", self._forgive)

    def _claim(self, _connection: object, _delivery: object, _token: object, claimed: Sequence[int]) -> set[int]:
        for page in claimed:
            self.unanswered_at_claim[page] = set(self.claimed) - set(self.settled)
        self.claimed += claimed
        return set(claimed)

    def _settle(self, _connection: object, _delivery: object, settlements: Sequence[pages.Settlement]) -> None:
        self.settled.update((settlement.page, settlement) for settlement in settlements)

    def _forgive(self, _connection: object, _delivery: object) -> None:
        assert self.in_transaction
        self.forgave.append(len(self.settled))

    @contextmanager
    def connect(self, _purpose: str, _longest_pause: float | None = None) -> Iterator["AlertLog"]:
        yield self

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.in_transaction = True
        yield
        self.in_transaction = False


def _only(page: int) -> Identify:
    return _named(f"c{page}")


def _named(contact: str, part: int = 0) -> Identify:
    return Identify(contact, part, contact, contact, f"{contact}/{part}", {"vip": True})


def deliver(book: AlertLog, destination: Scripted, halted: Callable[[], bool] = lambda: False) -> object:
    leading = Leadership(cast(Connection, book), uuid.uuid4(), Lease())
    order = delivery.Order(pages.RunDestination(1, 1), destination, {}, leading)
    return delivery.deliver(cast(State, book), order, halted, lambda _: None, destination.clock.tempo)


def test_pages_of_different_urgency_never_fly_together(monkeypatch: pytest.MonkeyPatch) -> None:
    urgencies = [1, 1, 1, 2, 3, 3, 5, 6, 6]
    book = AlertLog(monkeypatch, urgencies)

    assert deliver(book, Scripted([], concurrency=4)) is None

    assert book.claimed == [*range(1, 10)]
    for page, unanswered in book.unanswered_at_claim.items():
        assert {urgencies[other - 1] for other in unanswered} <= {urgencies[page - 1]}


def test_pages_of_one_urgency_fly_together(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [4, 4])
    both_sent = threading.Barrier(2, timeout=10)

    class Both(Scripted):
        def send(self, request: Payload) -> list[Refusal]:
            both_sent.wait()
            return []

    assert deliver(book, Both([], concurrency=2)) is None


@pytest.mark.parametrize(("refused", "side_by_side"), [(set(), True), ({"c1"}, False), ({"c2"}, False)])
def test_groups_are_settled_side_by_side_unless_one_holds_a_refusal(
    monkeypatch: pytest.MonkeyPatch, refused: set[str], side_by_side: bool
) -> None:
    book = AlertLog(monkeypatch, [2, 2])
    begun: list[threading.Event] = [threading.Event(), threading.Event()]
    met: list[bool] = []

    def settle(_connection: object, _delivery: object, settlements: Sequence[pages.Settlement]) -> None:
        (settlement,) = settlements
        begun[settlement.page - 1].set()
        if settlement.page == 1:
            met.append(begun[1].wait(10 if side_by_side else 0.2))

    class OneAfterTheOther(Scripted):
        """Answers the second page while the first is being settled."""

        def send(self, request: Payload) -> list[Refusal]:
            (identify,) = request.identifies
            assert identify.contact == "c1" or begun[0].wait(10)
            return [Refusal(identify, "no", 400)] if identify.contact in refused else []

    monkeypatch.setattr(pages, "settle", settle)
    assert deliver(book, OneAfterTheOther([], concurrency=2)) is None

    assert met == [side_by_side]
    assert begun[1].is_set()


def test_a_lone_sender_waits_neither_for_the_next_page_nor_until_its_own_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = AlertLog(monkeypatch, [2, 2, 2])
    encoded, sent = threading.Event(), threading.Event()
    met: list[bool] = []

    def settle(_connection: object, _delivery: object, settlements: Sequence[pages.Settlement]) -> None:
        if any(settlement.page == 1 for settlement in settlements):
            met.append(sent.wait(10))
        book.settled.update((settlement.page, settlement) for settlement in settlements)

    class Lone(Scripted):
        def requests(self, identifies: Sequence[models.Call]) -> tuple[list[Payload], list[Refusal]]:
            if identifies[0].contact == "c2":
                encoded.set()
            return super().requests(identifies)

        def send(self, request: Payload) -> list[Refusal]:
            if request.identifies[0].contact == "c1":
                met.append(encoded.wait(10))
            else:
                sent.set()
            return []

    monkeypatch.setattr(pages, "settle", settle)
    assert deliver(book, Lone([], concurrency=1)) is None

    assert met == [True, True]
    assert sorted(book.settled) == [1, 2, 3]
    assert all(len(unanswered) <= 1 for unanswered in book.unanswered_at_claim.values())


def test_where_everybody_is_refused_what_was_settled_before_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [2] * 12)
    destination = everybody_refused(13)

    error = deliver(book, destination)

    assert isinstance(error, errors.DestinationStoppedError)
    assert book.claimed == [*range(1, 11)]
    assert book.forgave[-1] == 10
    assert [settlement.applied for settlement in book.settled.values()] == [*[True] * 9, False]


def test_where_everybody_is_refused_pages_that_land_late_are_forgiven_too(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [2] * 30)
    destination = everybody_refused(31)
    destination.concurrency = 4

    assert isinstance(deliver(book, destination), errors.DestinationStoppedError)

    assert book.forgave[-1] == len(book.settled) == len(book.claimed) <= 30


def test_where_contacts_are_refused_nothing_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [2] * 30)
    destination = everybody_refused(31)
    destination.bad -= {"c1"}

    assert deliver(book, destination) is None

    assert (len(book.settled), book.forgave) == (30, [])


def test_a_destination_that_stops_leaves_the_rest_unclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [3, 3, 3])
    stopped = errors.DestinationStoppedError("bad key", http_status=401)

    assert deliver(book, Scripted([[], stopped])) is stopped

    assert book.claimed == [1, 2]
    assert [settlement.applied for settlement in book.settled.values()] == [True, False]


def test_a_refusal_of_the_account_outweighs_that_it_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages in flight: one gets 401 while the other still tries."""
    book = AlertLog(monkeypatch, [3, 3])
    stopped = errors.DestinationStoppedError("bad key", http_status=401)
    both_sent = threading.Barrier(2, timeout=10)

    class Both(Scripted):
        def send(self, request: Payload) -> list[Refusal]:
            if len(self.sent) < 2:
                self.sent.append((self.clock.at, 1))
                both_sent.wait()
            raise stopped if request.identifies[0].contact == "c2" else unavailable()

    assert deliver(book, Both([], concurrency=2)) is stopped

    assert {page: settlement.applied for page, settlement in book.settled.items()} == {1: True, 2: False}


def test_a_wish_to_stop_is_no_error_of_the_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [3, 3])
    destination = Scripted([unavailable()])

    assert deliver(book, destination, lambda: bool(destination.sent)) is None

    assert book.claimed == [1]
    assert [failure.outcome for failure in book.settled[1].failures] == [Outcome.UNKNOWN]


def test_a_page_that_cannot_be_claimed_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    book = AlertLog(monkeypatch, [3, 3])

    def overtaken(*_: object) -> None:
        raise errors.NotOursError("another syncer took over")

    monkeypatch.setattr(pages, "claim", overtaken)
    destination = Scripted([])

    with pytest.raises(errors.NotOursError):
        deliver(book, destination)

    assert destination.sent == []
