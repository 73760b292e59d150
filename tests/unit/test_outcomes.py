"""What becomes of each identify of a page, by what was answered. No network, no database, no real time."""

import pytest

from syncer import errors
from syncer.models import Outcome
from tests.unit.scripted import Scripted, outcomes, send, unavailable


def test_a_page_that_is_accepted_has_no_failures() -> None:
    page = send(Scripted([[]]))

    assert (page.error, page.settlement.page, page.settlement.requests) == (None, 7, 1)
    assert page.settlement.applied
    assert outcomes(page) == []


def test_a_refused_contact_does_not_touch_its_neighbours() -> None:
    page = send(Scripted([["c1"]]))

    assert [(f.identify.contact, f.outcome, f.reason) for f in page.settlement.failures] == [
        ("c1", Outcome.FAILED, "no")
    ]
    assert page.error is None


def test_tries_that_cannot_have_arrived_leave_the_page_aborted() -> None:
    page = send(Scripted([unavailable(maybe_applied=False) for _ in range(8)]))

    assert outcomes(page) == [Outcome.ABORTED] * 2
    assert page.settlement.applied is False


def test_one_try_that_may_have_arrived_makes_the_page_unknown() -> None:
    answers = [unavailable(maybe_applied=True), *[unavailable(maybe_applied=False) for _ in range(7)]]

    assert outcomes(send(Scripted([*answers]))) == [Outcome.UNKNOWN] * 2


def test_requests_of_a_page_have_outcomes_of_their_own() -> None:
    stopped = errors.DestinationStoppedError("bad key", http_status=401)
    page = send(Scripted([[], stopped], per_request=1), count=3)

    assert [(f.identify.contact, f.outcome) for f in page.settlement.failures] == [
        ("c1", Outcome.ABORTED),
        ("c2", Outcome.ABORTED),
    ]
    assert page.settlement.applied
    assert page.error is stopped


def test_a_page_of_which_one_request_has_no_answer_is_accepted_unknown_and_aborted_in_part() -> None:
    page = send(Scripted([[], *[unavailable() for _ in range(8)]], per_request=1), count=3)

    assert [(f.identify.contact, f.outcome) for f in page.settlement.failures] == [
        ("c1", Outcome.UNKNOWN),
        ("c2", Outcome.ABORTED),
    ]
    assert page.settlement.applied
    assert isinstance(page.error, errors.DestinationUnavailableError)


@pytest.mark.parametrize("refused_by", [errors.RequestRefusedError, errors.DestinationStoppedError])
@pytest.mark.parametrize(("maybe_applied", "outcome"), [(True, Outcome.UNKNOWN), (False, None)])
def test_a_refusal_after_a_lost_answer_does_not_make_it_certain(
    refused_by: type[errors.RequestRefusedError | errors.DestinationStoppedError],
    maybe_applied: bool,
    outcome: Outcome | None,
) -> None:
    page = send(Scripted([unavailable(maybe_applied=maybe_applied), refused_by("no", http_status=400)]), count=1)

    certainly = Outcome.FAILED if refused_by is errors.RequestRefusedError else Outcome.ABORTED
    assert outcomes(page) == [outcome or certainly]


def test_a_refused_request_fails_its_own_contacts_only() -> None:
    page = send(Scripted([[], errors.RequestRefusedError("too odd", http_status=400), []], per_request=1), count=3)

    assert [(f.identify.contact, f.outcome, f.reason) for f in page.settlement.failures] == [
        ("c1", Outcome.FAILED, "too odd")
    ]
    assert page.error is None
