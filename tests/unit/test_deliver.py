"""Pages on their way: when they are claimed, which are sent side by side, and how they are settled."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import pytest

from syncer import errors
from syncer.calls import Call, Identify, Payload, Refusal
from syncer.delivery import deliver as delivery
from syncer.models import Outcome
from syncer.state import Connection, State, pages
from syncer.state.leadership import Leadership, Lease
from tests.unit.scripted import Scripted, everybody_refused, named, unavailable


class FakePages:
    """Stands for the pages of one delivery: no database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, urgencies: Sequence[int]) -> None:
        self.claimed: list[int] = []
        self.settled: dict[int, pages.Settlement] = {}
        self.unanswered_at_claim: dict[int, set[int]] = {}
        self.in_transaction = False
        self.doubted: list[int] = []
        self.refused_before: dict[str, int] = {}
        self.forgave: list[int] = []
        """How many pages were settled whenever refusals were forgiven: in the same transaction, or all of them."""
        planned = [pages.PlannedPage(number, urgency, 1) for number, urgency in enumerate(urgencies, 1)]
        monkeypatch.setattr(pages, "waiting", lambda *_: planned)
        monkeypatch.setattr(pages, "load", lambda _connection, _delivery, page, _properties: [only(page)])
        monkeypatch.setattr(pages, "refused_before", lambda *_: self.refused_before)
        monkeypatch.setattr(pages, "claim", self._claim)
        monkeypatch.setattr(pages, "settle", self._settle)
        monkeypatch.setattr(pages, "forgive", self._forgive)
        monkeypatch.setattr(pages, "doubt", lambda _connection, _delivery, doubted: self.doubted.extend(doubted))

    def _claim(self, _connection: object, _delivery: object, _token: object, claimed: Sequence[int]) -> set[int]:
        for page in claimed:
            self.unanswered_at_claim[page] = set(self.claimed) - set(self.settled)
        self.claimed += claimed
        return set(claimed)

    def _settle(self, _connection: object, _delivery: object, settlements: Sequence[pages.Settlement]) -> None:
        self.settled.update((settlement.page, settlement) for settlement in settlements)

    def _forgive(self, _connection: object, _delivery: object) -> None:
        assert self.in_transaction or len(self.settled) == len(self.claimed)
        self.forgave.append(len(self.settled))

    @contextmanager
    def connect(self, _purpose: str, _longest_pause: float | None = None) -> Iterator["FakePages"]:
        yield self

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.in_transaction = True
        yield
        self.in_transaction = False


def only(page: int) -> Identify:
    return named(f"c{page}")


def deliver(fake: FakePages, destination: Scripted, halted: Callable[[], bool] = lambda: False) -> object:
    leading = Leadership(cast(Connection, fake), uuid.uuid4(), Lease())
    order = delivery.Order(pages.RunDestination(1, 1), destination, {}, leading)
    return delivery.deliver(cast(State, fake), order, halted, lambda _: None, destination.clock.clock)


def test_pages_of_different_urgency_never_fly_together(monkeypatch: pytest.MonkeyPatch) -> None:
    urgencies = [1, 1, 1, 2, 3, 3, 5, 6, 6]
    fake = FakePages(monkeypatch, urgencies)

    assert deliver(fake, Scripted([], concurrency=4)) is None

    assert fake.claimed == [*range(1, 10)]
    for page, unanswered in fake.unanswered_at_claim.items():
        assert {urgencies[other - 1] for other in unanswered} <= {urgencies[page - 1]}


def test_pages_of_one_urgency_fly_together(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [4, 4])
    both_sent = threading.Barrier(2, timeout=10)

    class Both(Scripted):
        def send(self, request: Payload) -> list[Refusal]:
            both_sent.wait()
            return []

    assert deliver(fake, Both([], concurrency=2)) is None


@pytest.mark.parametrize(("refused", "side_by_side"), [(set(), True), ({"c1"}, False), ({"c2"}, False)])
def test_groups_are_settled_side_by_side_unless_one_holds_a_refusal(
    monkeypatch: pytest.MonkeyPatch, refused: set[str], side_by_side: bool
) -> None:
    fake = FakePages(monkeypatch, [2, 2])
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
    assert deliver(fake, OneAfterTheOther([], concurrency=2)) is None

    assert met == [side_by_side]
    assert begun[1].is_set()


def test_a_lone_sender_waits_neither_for_the_next_page_nor_until_its_own_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakePages(monkeypatch, [2, 2, 2])
    encoded, sent = threading.Event(), threading.Event()
    met: list[bool] = []

    def settle(_connection: object, _delivery: object, settlements: Sequence[pages.Settlement]) -> None:
        if any(settlement.page == 1 for settlement in settlements):
            met.append(sent.wait(10))
        fake.settled.update((settlement.page, settlement) for settlement in settlements)

    class Lone(Scripted):
        def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
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
    assert deliver(fake, Lone([], concurrency=1)) is None

    assert met == [True, True]
    assert sorted(fake.settled) == [1, 2, 3]
    assert all(len(unanswered) <= 1 for unanswered in fake.unanswered_at_claim.values())


def test_where_everybody_is_refused_what_was_settled_before_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [2] * 12)
    destination = everybody_refused(13)

    error = deliver(fake, destination)

    assert isinstance(error, errors.DestinationStoppedError)
    assert fake.claimed == [*range(1, 11)]
    assert fake.forgave[-1] == 10
    assert [settlement.applied for settlement in fake.settled.values()] == [*[True] * 9, False]


def test_where_everybody_is_refused_pages_that_land_late_are_forgiven_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [2] * 30)
    destination = everybody_refused(31)
    destination.concurrency = 4

    assert isinstance(deliver(fake, destination), errors.DestinationStoppedError)

    assert fake.forgave[-1] == len(fake.settled) == len(fake.claimed) <= 30


def test_where_contacts_are_refused_nothing_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [2] * 30)
    destination = everybody_refused(31)
    destination.bad -= {"c1"}

    assert deliver(fake, destination) is None

    assert (len(fake.settled), fake.forgave) == (30, [])


def test_a_destination_that_stops_leaves_the_rest_unclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [3, 3, 3])
    stopped = errors.DestinationStoppedError("bad key", http_status=401)

    assert deliver(fake, Scripted([[], stopped])) is stopped

    assert fake.claimed == [1, 2]
    assert [settlement.applied for settlement in fake.settled.values()] == [True, False]


def test_a_refusal_of_the_account_outweighs_that_it_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages in flight: one gets 401 while the other still tries."""
    fake = FakePages(monkeypatch, [3, 3])
    stopped = errors.DestinationStoppedError("bad key", http_status=401)
    both_sent = threading.Barrier(2, timeout=10)

    class Both(Scripted):
        def send(self, request: Payload) -> list[Refusal]:
            if len(self.sent) < 2:
                self.sent.append((self.clock.at, 1))
                both_sent.wait()
            raise stopped if request.identifies[0].contact == "c2" else unavailable()

    assert deliver(fake, Both([], concurrency=2)) is stopped

    assert {page: settlement.applied for page, settlement in fake.settled.items()} == {1: True, 2: False}


def test_a_wish_to_stop_is_no_error_of_the_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [3, 3])
    destination = Scripted([unavailable()])

    assert deliver(fake, destination, lambda: bool(destination.sent)) is None

    assert fake.claimed == [1]
    assert [failure.outcome for failure in fake.settled[1].failures] == [Outcome.UNKNOWN]


def test_a_page_that_cannot_be_claimed_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [3, 3])

    def overtaken(*_: object) -> None:
        raise errors.NotOursError("another syncer took over")

    monkeypatch.setattr(pages, "claim", overtaken)
    destination = Scripted([])

    with pytest.raises(errors.NotOursError):
        deliver(fake, destination)

    assert destination.sent == []
    assert fake.doubted == []


def test_pages_that_another_process_has_settled_are_left_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePages(monkeypatch, [3, 3])

    def overtaken(*_: object) -> None:
        raise errors.NotOursError("another syncer took over")

    monkeypatch.setattr(pages, "settle", overtaken)

    with pytest.raises(errors.NotOursError):
        deliver(fake, Scripted([], concurrency=2))

    assert sorted(fake.doubted) == [1, 2]
