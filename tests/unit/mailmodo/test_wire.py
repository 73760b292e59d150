"""What Mailmodo's destination puts on the wire, its limits, and that calls with one key take turns."""

import json
import math
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import __version__, errors
from syncer.calls import Destination, Identify, Payload
from syncer.destinations import serial
from syncer.destinations.mailmodo import MAX_BATCH, MailmodoDestination
from syncer.receivers.loopback import Reset
from syncer.receivers.mailmodo import MailmodoReceiver
from tests.unit.calls import identify
from tests.unit.mailmodo.tools import ADDED, KEY, LIST, LISTS, at, build, telling

# --- what is on the wire -------------------------------------------------------------------------------------


def test_a_batch_is_what_mailmodo_documents() -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=LISTS if request.method == "GET" else ADDED)

    made: Destination = build(transport=httpx.MockTransport(record))
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

    with closing(build(transport=httpx.MockTransport(record), mode="single")) as made:
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
    with closing(build(transport=telling())) as made:
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
    with closing(build(transport=telling(), max_requests_per_second=rate, mode=mode)) as made:
        assert (made.page_size, made.concurrency) == (page_size, 1)
        assert made.rate.count(made.page_size) == requests
        assert len(made.requests([identify(n) for n in range(page_size)])[0]) == requests


def test_parts_of_one_contact_travel_apart_in_their_order() -> None:
    everything = [identify(n, {f"p{part}": True}, part=part) for n in range(150) for part in range(3)]
    with closing(build(transport=telling())) as made:
        requests, _ = made.requests(everything)
    assert [len(request.identifies) for request in requests] == [100, 100, 100, 50, 50, 50]
    told = [identify for request in requests for identify in request.identifies]
    for number in range(150):
        assert [each.part for each in told if each.contact == f"u{number}@example.com"] == [0, 1, 2]


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.integers(0, 40), max_size=400), single=st.booleans())
def test_each_identify_is_in_one_request_and_no_email_twice_in_one(numbers: list[int], single: bool) -> None:
    everything = [identify(number, {"n": place}) for place, number in enumerate(numbers)]
    with closing(build(transport=telling(), mode="single" if single else "batch")) as made:
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
    with closing(build(transport=telling())) as made:
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
        sent = [
            threads.submit(deliver, made, made.requests([identify(first + n) for n in range(500)])[0])
            for first, made in ((0, one), (500, one), (1000, other), (1500, other))
        ]
        for each in sent:
            each.result(30)
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
