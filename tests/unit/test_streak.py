"""Whether it is the destination that refuses, and not its contacts."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from syncer import errors, models
from syncer.delivery.sender import SentPage
from syncer.models import Outcome, Payload, Refusal
from tests.unit.scripted import (
    NOBODY,
    Picky,
    Scripted,
    contacts,
    everybody_refused,
    named,
    outcomes,
    send,
    send_page,
    sender_to,
)


def test_a_destination_that_refuses_everybody_stops_and_nothing_is_held_against_contacts() -> None:
    destination = everybody_refused(64)

    page = send(destination, 64)

    assert isinstance(page.error, errors.DestinationStoppedError)
    assert page.error.http_status == 400
    assert "scripted refuses every contact with the same words (status 400)" in str(page.error)
    assert f'"{NOBODY}"' in str(page.error)
    assert "Check the account" in str(page.error)
    assert outcomes(page) == [Outcome.ABORTED] * 64
    assert page.settlement.applied is False
    assert sum(len(seen) == 1 for seen in destination.seen) == 10


def test_nine_contacts_refused_alone_are_refused() -> None:
    page = send(everybody_refused(9), 9)

    assert (page.error, outcomes(page)) == (None, [Outcome.FAILED] * 9)


def test_the_row_goes_on_from_page_to_page() -> None:
    destination = Picky([], bad=contacts(0, 1, 2), words=NOBODY, per_request=1)
    sender = sender_to(destination, destination.clock)

    def page(first: int) -> SentPage:
        destination.bad = frozenset(f"d{number}" for number in range(first, first + 5))
        encoded = sender.encode([named(f"d{number}") for number in range(first, first + 5)])
        return sender.send(first, encoded, sender.reserve(5))

    assert (page(0).error, sender.refuses_everybody) == (None, False)
    assert isinstance(page(5).error, errors.DestinationStoppedError)
    assert sender.refuses_everybody


def test_many_parts_of_one_contact_are_one_contact() -> None:
    destination = Picky([], bad=frozenset(["many"]), words=NOBODY, per_request=1)
    sender = sender_to(destination, destination.clock)

    page = sender.send(1, sender.encode([named("many", part) for part in range(20)]), sender.reserve(20))

    assert (page.error, outcomes(page)) == (None, [Outcome.FAILED] * 20)


def test_other_words_begin_another_row() -> None:
    refused = [errors.RequestRefusedError(words, http_status=400) for words in [*["a"] * 9, "b", *["a"] * 9]]

    page = send(Scripted([*refused], per_request=1), 19)

    assert (page.error, outcomes(page)) == (None, [Outcome.FAILED] * 19)


def test_another_status_begins_another_row() -> None:
    refused = [errors.RequestRefusedError("a", http_status=status) for status in [*[400] * 9, 422, *[400] * 9]]

    assert send(Scripted([*refused], per_request=1), 19).error is None


@given(before=st.integers(0, 8), after=st.integers(10, 40))
def test_one_accepted_identify_switches_the_rule_off_for_the_run(before: int, after: int) -> None:
    count = before + 1 + after
    bad = contacts(*(number for number in range(count) if number != before))
    destination = Picky([], bad=bad, words=NOBODY)

    page = send(destination, count)

    assert page.error is None
    assert destination.accepted == [f"c{before}"]
    assert outcomes(page) == [Outcome.FAILED] * (count - 1)


def test_an_accepted_neighbour_of_a_contact_refused_by_name_switches_the_rule_off() -> None:
    destination = Scripted([["c0"], *[errors.RequestRefusedError("no", http_status=400) for _ in range(31)]])
    sender = sender_to(destination, destination.clock)

    send_page(sender, 1, 2)

    assert send_page(sender, 2, 16).error is None


def test_refusals_by_name_among_others_and_our_own_do_not_count() -> None:
    """Nothing is accepted: pages of two that are both refused by name, and contacts that no request can carry."""

    class Narrow(Scripted):
        def requests(self, identifies: Sequence[models.Call]) -> tuple[list[Payload], list[Refusal]]:
            return [], [Refusal(identify, "no") for identify in identifies]

    by_name = Scripted([["c0", "c1"] for _ in range(20)])
    sender = sender_to(by_name, by_name.clock)

    assert [send_page(sender, page, 2).error for page in range(20)] == [None] * 20
    assert outcomes(send(Narrow([]), 20)) == [Outcome.FAILED] * 20


def test_a_contact_refused_by_name_in_a_request_of_its_own_counts() -> None:
    page = send(Scripted([[f"c{number}"] for number in range(10)], per_request=1), 12)

    assert isinstance(page.error, errors.DestinationStoppedError)
    assert outcomes(page) == [Outcome.ABORTED] * 12


def test_what_may_have_arrived_stays_unknown_where_everybody_is_refused() -> None:
    destination = everybody_refused(20)
    destination.loses = {20}

    page = send(destination, 20)

    assert isinstance(page.error, errors.DestinationStoppedError)
    assert outcomes(page) == [Outcome.UNKNOWN] * 20
    assert page.settlement.applied
