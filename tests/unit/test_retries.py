"""How often a request is sent again, and after which waits. No network, no database, no real time."""

import itertools

import pytest

from syncer import errors
from syncer.delivery.retrying import RetryPolicy
from syncer.models import Outcome
from tests.unit.scripted import (
    Scripted,
    outcomes,
    send,
    send_page,
    sender_to,
    unavailable,
)


def test_a_page_is_tried_eight_times_with_growing_waits() -> None:
    destination = Scripted([unavailable() for _ in range(20)])

    page = send(destination)

    times = [at for at, _ in destination.sent]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) == 8
    assert all(0.5 * 2**n <= wait <= 0.5 * 2**n + 1.01 for n, wait in enumerate(waits))
    assert outcomes(page) == [Outcome.UNKNOWN] * 2
    assert (page.settlement.requests, page.settlement.retries) == (8, 7)
    assert isinstance(page.error, errors.DestinationUnavailableError)


def test_the_last_attempt_is_one_identify_and_then_the_others_once_more() -> None:
    """So a destination that comes back in time is told everybody."""
    destination = Scripted([*[unavailable() for _ in range(7)], [], []])

    page = send(destination, 5)

    assert [count for _, count in destination.sent] == [*[5] * 7, 1, 4]
    assert (page.error, outcomes(page)) == (None, [])


def test_where_the_last_attempt_is_answered_and_the_others_are_not_one_is_told() -> None:
    destination = Scripted([*[unavailable() for _ in range(7)], [], unavailable()])

    page = send(destination, 5)

    assert [count for _, count in destination.sent] == [*[5] * 7, 1, 4]
    assert isinstance(page.error, errors.DestinationUnavailableError)
    assert outcomes(page) == [Outcome.UNKNOWN] * 4
    assert {failure.reason for failure in page.settlement.failures} == {"down"}


def test_the_last_attempt_of_others_says_nothing_of_the_one_that_it_is_made_with() -> None:
    page = send(Scripted([unavailable() for _ in range(8)]), 5)

    assert [failure.alone for failure in page.settlement.failures] == [False] * 5


def test_no_last_attempt_is_made_while_the_receiver_asks_to_wait() -> None:
    destination = Scripted([unavailable(maybe_applied=False, retry_after=5000)])

    send(destination, 5)

    assert [count for _, count in destination.sent] == [5]


def test_retry_after_is_obeyed_and_is_no_attempt() -> None:
    destination = Scripted([*[unavailable(maybe_applied=False, retry_after=30) for _ in range(20)], []])

    page = send(destination)

    times = [at for at, _ in destination.sent]
    assert len(times) == 21
    assert all(later - earlier == pytest.approx(30) for earlier, later in itertools.pairwise(times))
    assert page.error is None
    assert page.settlement.retries == 20


def test_retry_after_zero_does_not_make_a_tight_loop() -> None:
    destination = Scripted([unavailable(maybe_applied=False, retry_after=0.0) for _ in range(5000)])

    send(destination)

    assert len(destination.sent) <= 15 * 60 + 1


def test_a_page_is_given_up_after_fifteen_minutes() -> None:
    destination = Scripted([unavailable(maybe_applied=False, retry_after=400) for _ in range(9)])

    page = send(destination)

    assert [round(at) for at, _ in destination.sent] == [0, 400, 800]
    assert outcomes(page) == [Outcome.ABORTED] * 2


def test_each_part_has_eight_attempts() -> None:
    refused = errors.RequestRefusedError("no", http_status=400)
    seven = [unavailable(maybe_applied=False) for _ in range(7)]

    page = send(Scripted([*seven[:6], refused, *seven, [], *seven, []]), 2)

    assert (page.error, outcomes(page)) == (None, [])
    assert (page.settlement.requests, page.settlement.retries) == (23, 20)


def test_the_parts_share_the_fifteen_minutes_of_their_page() -> None:
    def wait() -> errors.DestinationUnavailableError:
        return unavailable(maybe_applied=False, retry_after=400)

    refused = errors.RequestRefusedError("no", http_status=400)
    destination = Scripted([wait(), wait(), refused, wait()])

    page = send(destination)

    assert [round(at) for at, _ in destination.sent] == [0, 400, 800, 800]
    assert outcomes(page) == [Outcome.ABORTED] * 2


def test_no_try_begins_once_everything_halts() -> None:
    destination = Scripted([unavailable(), []])
    halted: list[bool] = []

    def stop_after_the_first() -> bool:
        return bool(destination.sent) or bool(halted)

    page = send_page(sender_to(destination, destination.clock, stop_after_the_first), 1, 1)

    assert len(destination.sent) == 1
    assert outcomes(page) == [Outcome.UNKNOWN]


def test_waits_double_up_to_a_minute_and_vary_by_a_second() -> None:
    waits = [RetryPolicy(max_attempts=20).wait(attempts, 0, None) for attempts in range(1, 20)]

    for wait, least in zip(waits, [0.5, 1, 2, 4, 8, 16, 32, *[60] * 12], strict=True):
        assert wait is not None
        assert least <= wait <= least + 1
    assert len(set(waits)) == 19
