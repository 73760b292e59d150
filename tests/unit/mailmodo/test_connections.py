"""Mailmodo's destination over a real connection, its list, and what it points at."""

import json
from collections.abc import Sequence
from contextlib import closing

import httpx
import pytest

from syncer import errors
from syncer.calls import Identify
from syncer.delivery.pacing import Clock
from syncer.delivery.retrying import RetryPolicy
from syncer.delivery.sender import Sender, SentPage
from syncer.destinations.mailmodo import MailmodoDestination
from syncer.models import Outcome
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Hang, Reset, Truncate
from syncer.receivers.mailmodo import MailmodoReceiver, ReceivedCall
from tests.unit.calls import identify
from tests.unit.mailmodo.tools import KEY, LIST, at, build, failing, send_to, telling

# --- over a real connection ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "believed"),
    [
        (Reset(), False),
        (Reset(apply=EVERYTHING), True),
        (Truncate(apply=EVERYTHING), True),
        (Answer(500, apply=EVERYTHING), True),
    ],
)
def test_a_lost_answer_may_have_been_applied(
    receiver: MailmodoReceiver, destination: MailmodoDestination, fault: Fault, believed: bool
) -> None:
    failing(receiver, fault)
    [request], _ = destination.requests([identify()])
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        destination.send(request)
    assert raised.value.maybe_applied is True
    assert bool(receiver.belief) is believed
    assert destination.send(request) == []
    assert receiver.belief == {"u1@example.com": {"vip_buyers": True}}
    assert receiver.violations == []


def test_no_answer_in_time_may_have_been_applied(receiver: MailmodoReceiver) -> None:
    failing(receiver, Hang(apply=EVERYTHING))
    with closing(at(receiver, timeout="200ms")) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationUnavailableError, match=r"did not answer within 0\.2 s") as raised:
            made.send(request)
    assert raised.value.maybe_applied is True


def send_page(made: MailmodoDestination, identifies: Sequence[Identify]) -> SentPage:
    sender = Sender(made, lambda: False, Clock(), RetryPolicy())
    return sender.send(1, sender.encode(identifies), sender.reserve(len(identifies)))


@pytest.mark.parametrize(("mode", "failure"), [("batch", 400), ("single", 400), ("single", 200)])
def test_of_a_page_exactly_the_refused_fail(mode: str, failure: int) -> None:
    refuses = {"u3@example.com": "spam trap", "u7@example.com": "role address"}
    with (
        MailmodoReceiver(KEY, refuses=refuses, single_failure=failure) as receiver,
        closing(at(receiver, mode=mode, max_requests_per_second=0)) as made,
    ):
        sent_page = send_page(made, [identify(n) for n in range(10)])
    assert sent_page.error is None
    failures = {each.identify.contact: (each.outcome, each.reason) for each in sent_page.settlement.failures}
    assert failures.keys() == refuses.keys()
    for contact, (outcome, reason) in failures.items():
        assert outcome is Outcome.FAILED
        assert refuses[contact] in reason
    assert receiver.belief.keys() == {f"u{n}@example.com" for n in range(10)} - refuses.keys()
    assert receiver.violations == []


def test_a_batch_that_is_refused_whole_is_split_down_to_the_culprit(receiver: MailmodoReceiver) -> None:
    def script(call: ReceivedCall) -> Fault | None:
        odd = any(contact["email"] == "u5@example.com" for contact in call.contacts)
        return Answer(400, body=b'{"success":false,"message":"odd"}') if odd else None

    receiver.script = script
    with closing(at(receiver, max_requests_per_second=0)) as made:
        sent_page = send_page(made, [identify(n) for n in range(64)])
    assert [each.identify.contact for each in sent_page.settlement.failures] == ["u5@example.com"]
    assert len(receiver.belief) == 63


def test_requests_are_paced_not_contacts(receiver: MailmodoReceiver) -> None:
    """A page of five full batches at 20 a second takes a quarter of a second, not twenty-five."""
    with closing(at(receiver, max_requests_per_second=20)) as made:
        sender = Sender(made, lambda: False, Clock(), RetryPolicy())
        reservation = sender.reserve(500)
        assert sender.due_in() == pytest.approx(0.25, abs=0.05)
        sent_page = sender.send(1, sender.encode([identify(n) for n in range(500)]), reservation)
        assert sender.due_in() < 0.06
    assert (sent_page.settlement.requests, sent_page.error) == (5, None)
    assert len(receiver.belief) == 500


# --- the list ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "there_is"),
    [
        (["Audiences", "Newsletter"], 'did you mean "Audiences"?'),
        (["audienses", "Newsletter"], 'did you mean "audienses"?'),
        (["Newsletter", "VIP"], 'there is "Newsletter", "VIP".'),
        (["A", "B", "C", "D", "E", "F", "G"], 'there is "A", "B", "C", "D", "E" and 2 more.'),
        ([], "it has no list at all."),
    ],
)
def test_a_slip_in_the_name_makes_no_list(lists: list[str], there_is: str) -> None:
    with MailmodoReceiver(KEY, lists=lists) as receiver, closing(at(receiver, list_name="Audienses")) as made:
        [request], _ = made.requests([identify()])
        for _ in range(2):  # and is not forgotten
            with pytest.raises(errors.DestinationStoppedError) as raised:
                made.send(request)
        [problem] = made.problems()
        assert str(raised.value) == problem
        assert set(receiver.lists) == set(lists)
    assert problem.startswith(f'mailmodo ({receiver.url.split("/")[2]}) has no list "Audienses"; {there_is}')
    assert "set create_list = true" in problem
    assert receiver.told == 0
    assert receiver.violations == []


def test_a_list_is_created_only_if_that_is_wanted(receiver: MailmodoReceiver) -> None:
    with closing(at(receiver, list_name="New one", create_list=True)) as made:
        assert made.problems() == []
        assert set(receiver.lists) == {LIST}
        [request], _ = made.requests([identify()])
        assert made.send(request) == []
    assert set(receiver.lists) == {LIST, "New one"}


def test_it_asks_for_the_lists_once(receiver: MailmodoReceiver, destination: MailmodoDestination) -> None:
    for number in range(3):
        [request], _ = destination.requests([identify(number)])
        destination.send(request)
    assert [record.events for record in receiver.requests] == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"message": "no key"}, errors.DestinationStoppedError, "check api_key"),
        (400, {"message": "no key"}, errors.DestinationStoppedError, "answered 400: no key. It was only asked"),
        (200, {"success": False, "message": "no key"}, errors.DestinationStoppedError, "no success: no key. It was"),
        (404, {"error": "error"}, errors.DestinationStoppedError, "It knows no /api/v1/getAllContactLists"),
        (503, {"message": "later"}, errors.DestinationUnavailableError, "answered 503: later"),
        (429, {"message": "later"}, errors.DestinationUnavailableError, "answered 429: later"),
        (200, b"<html>", errors.DestinationUnavailableError, "is no answer of Mailmodo's"),
        (200, {"message": "hello"}, errors.DestinationUnavailableError, "holds no lists"),
        (200, {"listDetails": [{"id": 1}]}, errors.DestinationUnavailableError, "is no answer"),
    ],
)
def test_where_the_question_for_the_lists_fails_nothing_is_sent(
    status: int, body: object, kind: type[errors.DestinationError], words: str
) -> None:
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, headers={"Retry-After": "3"}, content=content)

    with pytest.raises(kind, match=r"mailmodo \(api\.mailmodo\.com\)") as raised:
        send_to(httpx.MockTransport(answer), create_list=True)
    assert words in str(raised.value)
    assert calls == ["GET"]
    if isinstance(raised.value, errors.DestinationUnavailableError):
        assert raised.value.maybe_applied is False
        assert raised.value.retry_after == (None if status == 200 else 3)


# --- what it points at ---------------------------------------------------------------------------------------


def test_account() -> None:
    with closing(build(transport=telling(), endpoint="https://api.mailmodo.com:8443/api/v1")) as made:
        assert made.account() == {
            "type": "mailmodo",
            "endpoint": "api.mailmodo.com",
            "identity": "email",
            "list": LIST,
        }
        assert made.key_hash(b"a") != made.key_hash(b"b")
        assert KEY not in repr(made) + str(made) + repr(vars(made)) + made.key_hash(b"a")


def test_no_problem_and_nobody_told(receiver: MailmodoReceiver, destination: MailmodoDestination) -> None:
    assert destination.problems() == []
    assert [(record.status, record.events) for record in receiver.requests] == [(200, 0)]
    assert receiver.violations == []


def test_a_wrong_key_is_a_problem_and_stops(receiver: MailmodoReceiver) -> None:
    with closing(at(receiver, api_key="EEEEEEE")) as made:
        [problem] = made.problems()
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationStoppedError, match="check api_key"):
            made.send(request)
    assert "answered 401" in problem
    assert "EEEEEEE" not in problem


def test_a_receiver_that_is_down_is_one_problem(destination: MailmodoDestination, receiver: MailmodoReceiver) -> None:
    with MailmodoReceiver(KEY) as gone:
        url = gone.url
    with closing(at(receiver, endpoint=url)) as made:
        [problem] = made.problems()
    assert "cannot be reached" in problem
