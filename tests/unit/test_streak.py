"""Whether it is the destination that refuses, and not its contacts."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import errors
from syncer.calls import Call, Payload, Refusal
from syncer.delivery.sender import SentPage
from syncer.models import Outcome
from tests.unit.scripted import (
    NOBODY,
    Closed,
    Picky,
    Scripted,
    contacts,
    everybody_refused,
    named,
    outcomes,
    send,
    send_page,
    sender_to,
    turned_away,
    unavailable,
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
        def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
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


# --- turned away: 401, 402, 403, 404, 410 ------------------------------------------------------------------------


def send_one_by_one(destination: Scripted, count: int) -> tuple[SentPage, errors.DestinationStoppedError | None]:
    sender = sender_to(destination, destination.clock)
    return send_page(sender, 1, count), sender.end()


def test_one_contact_that_is_turned_away_among_others_is_refused_in_the_receivers_words() -> None:
    page, end = send_one_by_one(Closed([], per_request=1, to=contacts(3)), 12)

    assert [(f.identify.contact, f.outcome, f.reason, f.http_status, f.alone) for f in page.settlement.failures] == [
        ("c3", Outcome.FAILED, "ray 4", 403, True)
    ]
    assert (page.error, end) == (None, None)


def test_ten_contacts_turned_away_in_a_row_stop_the_destination_also_after_others_were_accepted() -> None:
    page, _ = send_one_by_one(Closed([], per_request=1, to=contacts(*range(5, 30))), 30)

    assert isinstance(page.error, errors.TurnedAwayError)
    assert outcomes(page) == [Outcome.ABORTED] * 25
    assert str(page.error) == "check the key"


@pytest.mark.parametrize("count", [1, 9])
def test_a_run_in_which_all_were_turned_away_blames_nobody(count: int) -> None:
    page, end = send_one_by_one(Closed([], per_request=1), count)

    assert page.error is None
    assert isinstance(end, errors.TurnedAwayError)


def test_a_contact_refused_in_another_way_shows_that_the_key_is_good() -> None:
    destination = Scripted([turned_away(), errors.RequestRefusedError("odd", http_status=400)], per_request=1)

    page, end = send_one_by_one(destination, 2)

    assert (end, outcomes(page)) == (None, [Outcome.FAILED] * 2)


def test_who_was_turned_away_before_is_no_news() -> None:
    destination = Closed([], per_request=1)
    before = {f"c{number}": 403 for number in range(12)}

    sender = sender_to(destination, destination.clock, refused_before=before)
    page = send_page(sender, 1, 12)
    assert (page.error, sender.end(), outcomes(page)) == (None, None, [Outcome.FAILED] * 12)

    sender = sender_to(destination, destination.clock, refused_before={**before, "c11": 400})
    page = send_page(sender, 1, 12)
    assert page.error is None
    assert isinstance(sender.end(), errors.TurnedAwayError)


def test_who_was_refused_before_in_that_way_is_no_news_either() -> None:
    destination = everybody_refused(12)
    sender = sender_to(destination, destination.clock, refused_before={f"c{number}": 400 for number in range(12)})

    page = send_page(sender, 1, 12)

    assert (page.error, outcomes(page)) == (None, [Outcome.FAILED] * 12)


def test_a_page_that_is_turned_away_by_an_account_costs_few_requests() -> None:
    destination = Closed([])

    page = send(destination, 500)

    assert isinstance(page.error, errors.TurnedAwayError)
    assert [count for _, count in destination.sent] == [500, *[1] * 10]
    assert outcomes(page) == [Outcome.ABORTED] * 500


@given(bad=st.sets(st.integers(0, 63), max_size=9))
def test_of_a_page_that_is_turned_away_for_some_exactly_these_fail(bad: set[int]) -> None:
    destination = Closed([], to=contacts(*bad))

    page = send(destination, 64)

    assert page.error is None
    assert {failure.identify.contact for failure in page.settlement.failures} == contacts(*bad)
    assert len(page.settlement.failures) == len(bad)
    assert page.settlement.requests <= 1 + 3 * len(bad) * 8


def test_a_lost_answer_of_a_page_that_is_then_turned_away_leaves_its_parts_unknown() -> None:
    page = send(Scripted([unavailable(), *[turned_away() for _ in range(11)]]), 12)

    assert isinstance(page.error, errors.TurnedAwayError)
    assert outcomes(page) == [Outcome.UNKNOWN] * 12
