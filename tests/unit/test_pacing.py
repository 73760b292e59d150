"""Requests leave no faster than the rate limit allows, and no slower."""

import threading

import pytest

from syncer.calls import Payload, Rate, Refusal
from syncer.delivery.pacing import Pacer
from tests.unit.scripted import (
    FakeClock,
    Picky,
    Scripted,
    contacts,
    identifies,
    nothing_is_reserved,
    send_page,
    sender_to,
    unavailable,
)


def test_parts_take_their_turns_with_the_pacer_and_leave_nothing_reserved() -> None:
    clock = FakeClock()
    destination = Picky([], bad=contacts(3), rate=Rate(10), clock=clock)
    sender = sender_to(destination, clock)

    send_page(sender, 1, 8)

    # 8, then its halves, those of the refused half, and at last each of two alone: after the share of those before it.
    starts = [at for at, _ in destination.sent]
    sizes = [events for _, events in destination.sent]
    assert sizes == [8, 4, 4, 2, 2, 1, 1]
    assert starts == pytest.approx([0, 0.8, 1.2, 1.6, 1.8, 2.0, 2.1], abs=0.11)
    assert nothing_is_reserved(sender, clock)


@pytest.mark.parametrize(
    ("rate", "page", "request_size"), [(1000, 500, 500), (1000, 500, 130), (50, 50, 50), (7, 7, 3)]
)
def test_over_any_ten_seconds_at_most_the_limit_plus_one_request_leaves(
    rate: int, page: int, request_size: int
) -> None:
    clock = FakeClock()
    destination = Scripted([], per_request=request_size, rate=Rate(rate), clock=clock)
    sender = sender_to(destination, clock)
    pages = 80 * rate // page

    for number in range(pages):
        send_page(sender, number, page)

    sent = destination.sent
    for at, _ in sent:
        window = sum(events for when, events in sent if at <= when < at + 10)
        assert window <= 10 * rate + request_size
    last, _ = sent[-1]
    assert pages * page / (last + request_size / rate) >= 0.95 * rate


@pytest.mark.parametrize(("page", "request_size"), [(500, 100), (250, 100), (100, 100), (5, 1)])
def test_where_requests_are_counted_any_size_of_one_takes_the_same_time(page: int, request_size: int) -> None:
    clock = FakeClock()
    rate = Rate(5, together=request_size)
    destination = Scripted([], per_request=request_size, rate=rate, clock=clock)
    sender = sender_to(destination, clock)

    for number in range(20):
        send_page(sender, number, page)

    starts = [at for at, _ in destination.sent]
    assert len(starts) == 20 * rate.count(page)
    assert starts == pytest.approx([number / 5 for number in range(len(starts))], abs=0.11)
    assert nothing_is_reserved(sender, clock)


def test_a_page_of_more_requests_than_it_was_announced_with_takes_its_time_too() -> None:
    """One contact in many parts makes as many requests of one identify each."""
    clock = FakeClock()
    destination = Scripted([], per_request=1, rate=Rate(5, together=100), clock=clock)
    sender = sender_to(destination, clock)

    reservation = sender.reserve(10)
    assert sender.due_in() == pytest.approx(0.2)
    sender.send(1, sender.encode(identifies(10)), reservation)

    assert [at for at, _ in destination.sent] == pytest.approx([number / 5 for number in range(10)], abs=0.11)
    assert clock.at + sender.due_in() == pytest.approx(2.0, abs=0.11)
    assert nothing_is_reserved(sender, clock)


def test_what_is_withdrawn_is_not_waited_for() -> None:
    clock = FakeClock()
    sender = sender_to(Scripted([], rate=Rate(5, together=100), clock=clock), clock)
    for identifies_of_a_page in (100, 101, 250):
        sender.reserve(identifies_of_a_page).release()
    assert sender.due_in() == 0


def test_a_page_uses_up_its_own_reservation_and_gives_back_what_is_left() -> None:
    clock = FakeClock()
    pacer = Pacer(10, clock.clock.now)
    others = pacer.reserve(30)

    with pacer.reserve(20) as reservation:
        assert pacer.due_in() == pytest.approx(5)
        assert reservation.take(5) == 0
        assert pacer.due_in() == pytest.approx(5)  # that turn is taken now, and no longer reserved
        reservation.resize(35)
        assert pacer.due_in() == pytest.approx(7)
        assert reservation.take(5) == pytest.approx(0.5)

    assert pacer.due_in() == pytest.approx(4)
    others.release()
    assert pacer.due_in() == pytest.approx(1)


def test_a_wait_that_the_receiver_asks_for_holds_everybody() -> None:
    clock = FakeClock()
    destination = Scripted([unavailable(maybe_applied=False, retry_after=20)], rate=Rate(10), clock=clock)
    sender = sender_to(destination, clock)

    send_page(sender, 1, 1)

    assert clock.at + sender.due_in() >= 20


def test_requests_that_were_held_up_do_not_leave_in_a_bunch() -> None:
    """Four pages of two requests each; the first of each hangs until the turns of all the second ones have passed."""
    clock = FakeClock()
    arrived, go_on = threading.Semaphore(0), threading.Event()

    class Slow(Scripted):
        def send(self, request: Payload) -> list[Refusal]:
            refusals = super().send(request)
            if not go_on.is_set():
                arrived.release()
                go_on.wait(10)
            return refusals

    destination = Slow([], per_request=50, rate=Rate(100), clock=clock, concurrency=4)
    sender = sender_to(destination, clock)
    threads = [threading.Thread(target=lambda number=number: send_page(sender, number, 100)) for number in range(4)]
    for thread in threads:
        thread.start()
        assert arrived.acquire(timeout=10)
    clock.at = 10.0
    go_on.set()
    for thread in threads:
        thread.join(10)
    for number in range(4, 20):
        send_page(sender, number, 100)

    for at, _ in destination.sent:
        window = sum(events for when, events in destination.sent if at <= when < at + 10)
        assert window <= 10 * 100 + 50
