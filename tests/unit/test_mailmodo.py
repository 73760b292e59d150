"""Mailmodo's destination: what it puts on the wire, its limits, and what it makes of every answer."""

import json
import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest
import structlog.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import __version__, errors
from syncer.delivery.pacing import Clock
from syncer.delivery.sender import Sender, SentPage
from syncer.destinations import serial
from syncer.destinations.mailmodo import MAX_BATCH, MailmodoDestination
from syncer.models import Destination, Identify, Outcome, Payload, Value
from syncer.receivers.loopback import EVERYTHING, Answer, Hang, Reset, Truncate
from syncer.receivers.mailmodo import MailmodoReceiver, ReceivedCall
from syncer.receivers.segment import Fault

KEY = "AAAAAAA-BBBBBBB-CCCCCCC-DDDDDDD"
LIST = "Audiences"
LISTS = {"listDetails": [{"id": "1", "name": LIST, "created_at": "2026-01-01T00:00:00Z", "contacts_count": 3}]}
ADDED = {"message": "All contacts were added to the list", "listId": "1"}


def identify(number: int = 1, values: Mapping[str, Value] | None = None, **changes: Any) -> Identify:
    plain = Identify(
        contact=f"u{number}@example.com",
        part=0,
        user_id=f"u{number}",
        email=f"u{number}@example.com",
        message_id=f"syncer-{number:064x}",
        values={"vip_buyers": True} if values is None else values,
    )
    return plain._replace(**changes)


def made_with(transport: httpx.BaseTransport, **options: Any) -> MailmodoDestination:
    return MailmodoDestination("mailmodo", api_key=KEY, list_name=LIST, transport=transport, **options)


def telling(
    status: int = 200, body: object = ADDED, *, headers: Mapping[str, str] | None = None, lists: object = LISTS
) -> httpx.MockTransport:
    """Answers so to contacts, and to the question for the lists as it should."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=lists)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, headers=dict(headers or {}), content=content)

    return httpx.MockTransport(answer)


def send_to(transport: httpx.BaseTransport, count: int = 2, **options: Any) -> list[tuple[str, str, int | None]]:
    """Who was refused, why, with which status."""
    with closing(made_with(transport, **options)) as destination:
        [request], refusals = destination.requests([identify(n) for n in range(1, count + 1)])
        assert refusals == []
        return [(each.identify.contact, each.reason, each.http_status) for each in destination.send(request)]


@pytest.fixture
def receiver() -> Iterator[MailmodoReceiver]:
    with MailmodoReceiver(KEY, static_lists=["Segment"]) as running:
        yield running


def at(receiver: MailmodoReceiver, **options: Any) -> MailmodoDestination:
    given: dict[str, Any] = {"api_key": KEY, "list_name": LIST, "endpoint": receiver.url, "timeout": 5.0, **options}
    return MailmodoDestination(given.pop("name", "mailmodo"), **given)


@pytest.fixture
def destination(receiver: MailmodoReceiver) -> Iterator[MailmodoDestination]:
    with closing(at(receiver)) as made:
        yield made


def failing(receiver: MailmodoReceiver, *faults: Fault | None) -> None:
    """The receiver's next calls with contacts end so; later ones go well."""
    rest = iter(faults)
    receiver.script = lambda call: next(rest, None) if call.contacts else None


# --- what is on the wire -------------------------------------------------------------------------------------


def test_a_batch_is_what_mailmodo_documents() -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=LISTS if request.method == "GET" else ADDED)

    made: Destination = made_with(httpx.MockTransport(record))
    requests, refusals = made.requests([identify(1, {"vip_buyers": True, "café": "ü"}), identify(2, {"vip": False})])
    assert made.send(requests[0]) == refusals == []
    made.close()

    asked, told = seen
    assert (asked.method, str(asked.url)) == ("GET", "https://api.mailmodo.com/api/v1/getAllContactLists")
    assert (told.method, str(told.url)) == ("POST", "https://api.mailmodo.com/api/v1/addToList/batch")
    assert told.headers["mmApiKey"] == KEY
    assert told.headers["Content-Type"] == told.headers["Accept"] == "application/json"
    assert told.headers["User-Agent"] == f"syncer/{__version__}"
    assert KEY not in told.content.decode()
    assert "ü".encode() in told.content
    assert json.loads(told.content) == {
        "listName": LIST,
        "values": [
            {"email": "u1@example.com", "data": {"vip_buyers": True, "café": "ü"}},
            {"email": "u2@example.com", "data": {"vip": False}},
        ],
    }


def test_a_single_contact_is_what_mailmodo_documents() -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=LISTS if request.method == "GET" else {"success": True, "message": "added"})

    with closing(made_with(httpx.MockTransport(record), mode="single")) as made:
        requests, _ = made.requests([identify(1), identify(2)])
        assert [made.send(request) for request in requests] == [[], []]
    assert [str(told.url).rsplit("/", 1)[1] for told in seen] == ["getAllContactLists", "addToList", "addToList"]
    assert json.loads(seen[1].content) == {
        "listName": LIST,
        "email": "u1@example.com",
        "data": {"vip_buyers": True},
    }


@pytest.mark.parametrize("mode", ["batch", "single"])
def test_the_receiver_finds_nothing_wrong(receiver: MailmodoReceiver, mode: str) -> None:
    with closing(at(receiver, mode=mode)) as made:
        requests, _ = made.requests([identify(n, {"vip_buyers": n % 2 == 0}) for n in range(30)])
        for request in requests:
            assert made.send(request) == []
    assert receiver.violations == []
    assert receiver.belief == {f"u{n}@example.com": {"vip_buyers": n % 2 == 0} for n in range(30)}
    assert len(receiver.lists[LIST].started) == (30 if mode == "single" else 0)
    assert len(receiver.requests) == (31 if mode == "single" else 2)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (identify(email=""), "has no email"),
        (identify(values={"ltv": math.nan}), "ltv would be sent as null"),
        (identify(values={"vip_buyers": None}), "vip_buyers would be sent as null"),
        (identify(email="\ud800@x"), "JSON"),
    ],
)
def test_what_no_request_can_carry_is_refused_and_its_neighbours_are_not(bad: Identify, word: str) -> None:
    with closing(made_with(telling())) as made:
        [request], [refusal] = made.requests([identify(8), bad, identify(9)])
    assert list(request.identifies) == [identify(8), identify(9)]
    assert (refusal.identify, refusal.http_status) == (bad, None)
    assert word in refusal.reason


# --- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "mode", "page_size", "requests"),
    [
        (5, "batch", 500, 5),
        (0, "batch", 1000, 10),
        (50, "batch", 1000, 10),
        (0.5, "batch", 100, 1),
        (5, "single", 5, 5),
    ],
)
def test_a_page_takes_no_more_than_a_second_and_ten_requests(
    rate: float, mode: Any, page_size: int, requests: int
) -> None:
    with closing(made_with(telling(), requests_per_second=rate, mode=mode)) as made:
        assert (made.page_size, made.concurrency) == (page_size, 1)
        assert made.rate.count(made.page_size) == requests
        assert len(made.requests([identify(n) for n in range(page_size)])[0]) == requests


def test_parts_of_one_contact_travel_apart_in_their_order() -> None:
    everything = [identify(n, {f"p{part}": True}, part=part) for n in range(150) for part in range(3)]
    with closing(made_with(telling())) as made:
        requests, _ = made.requests(everything)
    assert [len(request.identifies) for request in requests] == [100, 100, 100, 50, 50, 50]
    told = [identify for request in requests for identify in request.identifies]
    for number in range(150):
        assert [each.part for each in told if each.contact == f"u{number}@example.com"] == [0, 1, 2]


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.integers(0, 40), max_size=400), single=st.booleans())
def test_each_identify_is_in_one_request_and_no_email_twice_in_one(numbers: list[int], single: bool) -> None:
    everything = [identify(number, {"n": place}) for place, number in enumerate(numbers)]
    with closing(made_with(telling(), mode="single" if single else "batch")) as made:
        requests, refusals = made.requests(everything)
    told = [
        (index, each)
        for index, request in enumerate(requests)
        for each in request.identifies
        if isinstance(each, Identify)
    ]
    assert refusals == []
    assert sorted((each for _, each in told), key=everything.index) == everything
    for request in requests:
        assert 0 < len(request.identifies) == len(request.encoded) <= (1 if single else MAX_BATCH)
        assert max(Counter(each.email for each in request.identifies).values()) == 1
    for number in set(numbers):
        mine = [(each.values["n"], index) for index, each in told if each.email == f"u{number}@example.com"]
        assert sorted(mine) == sorted(mine, key=lambda pair: pair[1])


def test_emails_that_mailmodo_might_take_for_one_travel_apart() -> None:
    with closing(made_with(telling())) as made:
        requests, _ = made.requests([identify(email="Ä@x.io"), identify(email="ä@x.io")])
    assert [len(request.identifies) for request in requests] == [1, 1]


# --- one call at a time --------------------------------------------------------------------------------------


def deliver(made: MailmodoDestination, requests: Sequence[Payload]) -> None:
    for request in requests:
        assert made.send(request) == []


def test_destinations_that_share_a_key_take_turns() -> None:
    with (
        MailmodoReceiver(KEY, lists=[LIST, "Others"], latency=0.005) as receiver,
        closing(at(receiver)) as one,
        closing(at(receiver, name="second", list_name="Others")) as other,
        ThreadPoolExecutor(4) as threads,
    ):
        flights = [
            threads.submit(deliver, made, made.requests([identify(first + n) for n in range(500)])[0])
            for first, made in ((0, one), (500, one), (1000, other), (1500, other))
        ]
        for flight in flights:
            flight.result(30)
    assert receiver.violations == []
    assert receiver.http.most_in_progress == 1
    assert len(receiver.belief) == 2000


def test_only_the_same_key_is_waited_for() -> None:
    one, same, other = (serial.turnstile(key) for key in ("a", "a", "b"))
    assert one is same
    assert one is not other


def test_a_wait_for_another_destination_is_short_and_no_attempt(
    receiver: MailmodoReceiver, destination: MailmodoDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial, "MAX_WAIT", 0.05)
    go_on = threading.Event()
    receiver.script = lambda _: None if go_on.wait(10) else Reset()
    [request], _ = destination.requests([identify()])
    with ThreadPoolExecutor(1) as threads, closing(at(receiver, name="second")) as other:
        slow = threads.submit(destination.send, request)
        assert receiver.wait_for(lambda: receiver.http.arrived == 1)
        with pytest.raises(errors.DestinationUnavailableError, match=r"second .* one call at a time") as raised:
            other.send(request)
        go_on.set()
        assert slow.result(10) == []
        assert other.send(request) == []
    assert (raised.value.maybe_applied, raised.value.retry_after) == (False, 0.05)
    assert receiver.violations == []


# --- what answers mean ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        ADDED,
        {"success": True, "message": "ok"},
        {"message": "ok", "errors": []},
        {"message": "ok", "errors": None, "warnings": None, "Status": 200},
        {},
    ],
)
def test_success(body: object) -> None:
    assert send_to(telling(200, body)) == []


def partly(*refused: object, **rest: object) -> dict[str, object]:
    return {"message": "Some contacts were not added to the list", "errors": list(refused), "listId": "1", **rest}


@pytest.mark.parametrize("status", [207, 200])
def test_whom_the_answer_names_is_refused_in_its_words(status: int) -> None:
    body = partly({"email": "u2@example.com", "failure reason": 'email" is invalid.\n Enter a valid email!'})
    assert send_to(telling(status, body), 3) == [("u2@example.com", 'email" is invalid. Enter a valid email!', status)]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ([{"email": " U1@Example.com ", "failure reason": "no"}], "no"),
        ([{"email": "u1@example.com"}], "refused without saying why"),
        ([{"email": "u1@example.com", "failure reason": None}], "refused without saying why"),
        ([{"email": "u1@example.com", "failure reason": n} for n in ("no", "never")], "no; never"),
        ([{"email": "u1@example.com", "failure reason": f"{KEY} says no"}], "*** says no"),
    ],
)
def test_words_about_a_contact(refused: list[object], reason: str) -> None:
    assert send_to(telling(207, partly(*refused))) == [("u1@example.com", reason, 207)]


def test_of_a_contact_that_was_sent_alone_nobody_need_say_the_name() -> None:
    body = partly({"email": "mailto:u1@example.com", "failure reason": "odd"})
    assert send_to(telling(207, body), 1) == [("u1@example.com", "odd", 207)]


def test_warnings_are_no_refusals_and_are_logged() -> None:
    warning = {"email": "u1@example.com", "warning": f"{KEY} is odd"}
    with structlog.testing.capture_logs() as logs:
        assert send_to(telling(207, partly(warnings=[warning]))) == []
    [entry] = logs
    assert (entry["destination"], entry["warnings"]) == ("mailmodo", 1)
    assert "*** is odd" in entry["first"]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (207, {"message": "Some contacts were not added to the list"}, "does not say who was refused"),
        (207, partly({"email": "who@else.io", "failure reason": "no"}), "refuses somebody who was not sent"),
        (207, partly({"failure reason": "no"}), "refuses somebody who was not sent"),
        (207, partly("u1@example.com"), "is no answer of Mailmodo's"),
        (200, b"<html>Log in</html>", "is no answer of Mailmodo's: <html>Log in</html>"),
        (200, b"\xff", "is no answer"),
        (200, b"", "is no answer of Mailmodo's: nothing"),
        (204, b"", "is no answer"),
        (200, [], "is no answer"),
    ],
)
def test_an_answer_that_does_not_say_who_was_accepted_is_none(status: int, body: object, words: str) -> None:
    with pytest.raises(errors.DestinationUnavailableError, match=r"mailmodo \(api\.mailmodo\.com\)") as raised:
        send_to(telling(status, body))
    assert words in str(raised.value)
    assert (raised.value.maybe_applied, raised.value.http_status) == (True, status)


@pytest.mark.parametrize("mode", ["batch", "single"])
@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "message": "not today"},
        {"error": "error", "message": "not today"},
        {"success": False, "message": "not today", "errors": [{"email": "u1@example.com"}]},
    ],
)
def test_no_success_with_200_refuses_the_request(mode: str, body: object) -> None:
    with pytest.raises(errors.RequestRefusedError, match="answered 200, but no success: not today") as raised:
        send_to(telling(200, body), 1, mode=mode)
    assert raised.value.http_status == 200


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_batch_is_refused_in_its_words(status: int) -> None:
    words = "email should be unique in values. Found duplicates for 'example@mailmodo.com'"
    body = {"error": "ValidationError", "success": False, "status": "error", "message": words}
    with pytest.raises(errors.RequestRefusedError) as raised:
        send_to(telling(status, body))
    assert str(raised.value) == f"mailmodo (api.mailmodo.com) answered {status}: {words}"


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check api_key"), (403, "check api_key"), (404, "It knows no /api/v1/addToList/batch")]
)
def test_a_human_must_act(status: int, advice: str) -> None:
    with pytest.raises(errors.DestinationStoppedError, match=advice) as raised:
        send_to(telling(status, {"error": "error", "message": f"{KEY} is unknown"}))
    assert raised.value.http_status == status
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(("status", "maybe_applied"), [(408, True), (429, False), (500, True), (503, True)])
def test_worth_another_try(status: int, maybe_applied: bool) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(telling(status, {"message": "slow down"}, headers={"Retry-After": "7"}))
    assert (raised.value.maybe_applied, raised.value.retry_after) == (maybe_applied, 7)


def test_a_static_segment_stops_and_is_no_fault_of_the_contacts(receiver: MailmodoReceiver) -> None:
    with closing(at(receiver, list_name="Segment", create_list=True)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(
            errors.DestinationStoppedError, match='"Segment" is a static segment: set list_name'
        ) as raised:
            made.send(request)
    assert raised.value.http_status == 400
    assert "Cannot add users to static segmentation list" in str(raised.value)


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
    with closing(at(receiver, timeout=0.2)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationUnavailableError, match=r"did not answer within 0\.2 s") as raised:
            made.send(request)
    assert raised.value.maybe_applied is True


def send_page(made: MailmodoDestination, identifies: Sequence[Identify]) -> SentPage:
    sender = Sender(made, lambda: False, Clock())
    sender.reserve(len(identifies))
    return sender.send(1, sender.encode(identifies))


@pytest.mark.parametrize(("mode", "failure"), [("batch", 400), ("single", 400), ("single", 200)])
def test_of_a_page_exactly_the_refused_fail(mode: str, failure: int) -> None:
    refuses = {"u3@example.com": "spam trap", "u7@example.com": "role address"}
    with (
        MailmodoReceiver(KEY, refuses=refuses, single_failure=failure) as receiver,
        closing(at(receiver, mode=mode, requests_per_second=0)) as made,
    ):
        flight = send_page(made, [identify(n) for n in range(10)])
    assert flight.error is None
    failures = {each.identify.contact: (each.outcome, each.reason) for each in flight.settlement.failures}
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
    with closing(at(receiver, requests_per_second=0)) as made:
        flight = send_page(made, [identify(n) for n in range(64)])
    assert [each.identify.contact for each in flight.settlement.failures] == ["u5@example.com"]
    assert len(receiver.belief) == 63


def test_requests_are_paced_not_contacts(receiver: MailmodoReceiver) -> None:
    """A page of five full batches at 20 a second takes a quarter of a second, not twenty-five."""
    with closing(at(receiver, requests_per_second=20)) as made:
        sender = Sender(made, lambda: False, Clock())
        sender.reserve(500)
        assert sender.due_in() == pytest.approx(0.25, abs=0.05)
        flight = sender.send(1, sender.encode([identify(n) for n in range(500)]))
        assert sender.due_in() < 0.06
    assert (flight.settlement.requests, flight.error) == (5, None)
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
    with closing(made_with(telling(), endpoint="https://api.mailmodo.com:8443/api/v1")) as made:
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
