"""Requests that are refused whole, or are too large, are sent again in halves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import errors
from syncer.models import Outcome
from tests.unit.scripted import Picky, Scripted, contacts, outcomes, send, send_page, sender_to, unavailable


@given(count=st.integers(1, 64), bad=st.sets(st.integers(0, 63)))
def test_of_a_refused_request_exactly_the_bad_contacts_fail(count: int, bad: set[int]) -> None:
    bad = {number for number in bad if number < count}
    destination = Picky([], bad=contacts(*bad))

    page = send(destination, count)

    assert {(f.identify.contact, f.outcome, f.reason, f.http_status) for f in page.settlement.failures} == {
        (f"c{number}", Outcome.FAILED, f"c{number}", 400) for number in bad
    }
    assert len(page.settlement.failures) == len(bad)
    assert sorted(destination.accepted) == sorted(f"c{number}" for number in range(count) if number not in bad)
    assert page.settlement.requests == len(destination.seen) <= 1 + 2 * len(bad) * math.ceil(math.log2(count))
    assert (page.error, page.settlement.retries, page.settlement.applied) == (None, 0, True)


@pytest.mark.parametrize("takes", [1, 7, 49, 50])
def test_a_request_that_is_too_large_is_split_and_accepted(takes: int) -> None:
    destination = Picky([], takes=takes)

    page = send(destination, 50)

    assert outcomes(page) == []
    assert sorted(destination.accepted) == sorted(f"c{number}" for number in range(50))


def test_an_identify_that_is_too_large_alone_fails() -> None:
    page = send(Picky([errors.RequestRefusedError("too large", http_status=413) for _ in range(2)]), 2)

    assert [(f.identify.contact, f.outcome, f.http_status) for f in page.settlement.failures] == [
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

    pages_sent = [split, by_name, by_name_alone, lost_alone, lost_together]
    assert [[f.alone for f in page.settlement.failures] for page in pages_sent] == [
        [True],
        [False],
        [True],
        [True],
        [False, False],
    ]


def test_an_identify_that_was_never_sent_was_not_alone() -> None:
    """Everything halts between the refusal of two and the first of them."""
    destination = Picky([], bad=contacts(0), loses={2})

    page = send_page(sender_to(destination, destination.clock, lambda: len(destination.seen) > 1), 7, 2)

    assert [(f.outcome, f.alone) for f in page.settlement.failures] == [(Outcome.UNKNOWN, False)] * 2


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
    page = send(Picky([], bad=contacts(1, 3), loses={1}), 4)

    assert [(f.identify.contact, f.outcome) for f in page.settlement.failures] == [
        ("c1", Outcome.FAILED),
        ("c3", Outcome.FAILED),
    ]


def test_a_refusal_by_name_after_a_lost_answer_is_unknown() -> None:
    assert outcomes(send(Scripted([unavailable(), ["c1"]]))) == [Outcome.UNKNOWN]
