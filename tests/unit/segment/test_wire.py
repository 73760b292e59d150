"""What Segment's destination puts on the wire, and its limits."""

import gzip
import json
import math
from contextlib import closing

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import __version__, errors
from syncer.calls import Call, Destination, Identify
from syncer.destinations import segment
from syncer.destinations.segment import SegmentDestination
from syncer.models import Value
from syncer.receivers.loopback import EVERYTHING, Answer
from syncer.receivers.segment import SegmentReceiver
from tests.unit.calls import identify
from tests.unit.segment.tools import KEY, NOW, answering, build, failing

# --- what is on the wire -------------------------------------------------------------------------------------


def test_request_is_what_segment_documents() -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    made: Destination = build(
        endpoint="https://events.eu1.segmentapis.com/",
        integrations={"All": False, "Mailmodo": True},
        transport=httpx.MockTransport(record),
        now=lambda: NOW,
    )
    requests, refusals = made.requests([identify(1, {"vip_buyers": True, "café": "ünïcode"})])
    made.send(requests[0])
    made.close()

    assert refusals == []
    [request] = seen
    assert (request.method, str(request.url)) == ("POST", "https://events.eu1.segmentapis.com/v1/batch")
    assert request.headers["Authorization"] == httpx.BasicAuth(KEY, "")._auth_header
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"syncer/{__version__}"
    assert KEY not in request.content.decode()
    assert "ünïcode".encode() in request.content
    assert json.loads(request.content) == {
        "batch": [
            {
                "type": "identify",
                "userId": "u1",
                "messageId": f"syncer-{1:064x}",
                "timestamp": "2026-11-23T12:00:00.123456Z",
                "traits": {"email": "u1@example.com", "vip_buyers": True, "café": "ünïcode"},
                "context": {"active": False, "library": {"name": "syncer", "version": __version__}},
                "integrations": {"All": False, "Mailmodo": True},
            }
        ],
        "sentAt": "2026-11-23T12:00:00.123456Z",
    }


def test_integrations_are_absent_if_not_configured(destination: SegmentDestination) -> None:
    [request], _ = destination.requests([identify()])
    assert "integrations" not in json.loads(request.encoded[0])


def test_email_is_absent_if_there_is_none(destination: SegmentDestination) -> None:
    [request], _ = destination.requests([identify(email="")])
    assert json.loads(request.encoded[0])["traits"] == {"vip_buyers": True}


def test_values_keep_their_json_types(destination: SegmentDestination) -> None:
    values: dict[str, Value] = {"a": False, "b": 3, "c": 1.5, "d": "null"}
    [request], refusals = destination.requests([identify(1, values)])
    assert refusals == []
    assert json.loads(request.encoded[0])["traits"] == {"email": "u1@example.com", **values}


def test_retry_sends_the_same_events_with_a_new_sent_at(
    receiver: SegmentReceiver, destination: SegmentDestination
) -> None:
    [request], _ = destination.requests([identify(1), identify(2, {"vip_buyers": False})])
    failing(receiver, Answer(503, apply=EVERYTHING))
    with pytest.raises(errors.DestinationUnavailableError):
        destination.send(request)
    destination.send(request)
    assert receiver.violations == []
    assert receiver.duplicates == 2
    assert receiver.belief == {"u1@example.com": {"vip_buyers": True}, "u2@example.com": {"vip_buyers": False}}


def test_gzip_is_understood(receiver: SegmentReceiver) -> None:
    with closing(build(endpoint=receiver.url, gzip=True)) as made:
        [request], _ = made.requests([identify(n) for n in range(300)])
        made.send(request)
    assert receiver.violations == []
    assert len(receiver.belief) == 300
    assert receiver.requests[0].headers["content-encoding"] == "gzip"
    assert receiver.requests[0].size < sum(len(event) for event in request.encoded) / 4


def test_gzip_holds_the_very_body() -> None:
    bodies: list[bytes] = []

    def record(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200)

    made = build(gzip=True, transport=httpx.MockTransport(record))
    [request], _ = made.requests([identify()])
    made.send(request)
    made.close()
    assert request.encoded[0] in gzip.decompress(bodies[0])


# --- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "page_size", "events_in_a_request"),
    [(0, 500, 2500), (1000, 500, 1000), (5000, 500, 2500), (300, 300, 300), (7.9, 7, 7), (0.2, 1, 1)],
)
def test_no_request_holds_more_than_a_second(rate: float, page_size: int, events_in_a_request: int) -> None:
    with closing(build(max_events_per_second=rate)) as made:
        small = [identify(n, {}, email="", user_id="u", message_id=str(n)) for n in range(3000)]
        requests, refusals = made.requests(small)
        assert refusals == []
        assert made.page_size == page_size
        assert max(len(request.encoded) for request in requests) == events_in_a_request


def test_request_never_exceeds_its_bytes(receiver: SegmentReceiver) -> None:
    with closing(build(endpoint=receiver.url, max_events_per_second=0)) as made:
        requests, _ = made.requests([identify(n, {"trait": "x" * 9_000}) for n in range(120)])
        for request in requests:
            made.send(request)
    sizes = [record.size for record in receiver.requests]
    assert len(sizes) == 3
    assert max(sizes) <= segment.MAX_REQUEST_BYTES
    assert min(sizes[:-1]) > segment.MAX_REQUEST_BYTES - 10_000
    assert receiver.violations == []
    assert len(receiver.belief) == 120


def test_event_of_exactly_the_limit_is_sent_and_one_byte_more_is_refused(receiver: SegmentReceiver) -> None:
    with closing(build(endpoint=receiver.url)) as made:
        [empty], _ = made.requests([identify(1, {"t": ""})])
        room = segment.MAX_EVENT_BYTES - len(empty.encoded[0])
        fits, too_big = identify(1, {"t": "x" * room}), identify(2, {"t": "x" * (room + 1)})
        requests, refusals = made.requests([too_big, fits, identify(3)])
        made.send(requests[0])
    assert [list(request.identifies) for request in requests] == [[fits, identify(3)]]
    [refusal] = refusals
    assert (refusal.identify, refusal.http_status) == (too_big, None)
    assert "32,769 bytes" in refusal.reason
    assert receiver.violations == []


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (identify(user_id=""), "user id"),
        (identify(message_id="m" * 100), "messageId of 100"),
        (identify(values={f"p{n}": True for n in range(299)}), "300 traits"),
        (identify(values={"ltv": math.nan}), "ltv would be sent as null"),
        (identify(values={"ltv": -math.inf}), "ltv would be sent as null"),
        (identify(user_id="\ud800"), "JSON"),
    ],
)
def test_what_segment_would_drop_is_refused_and_its_neighbours_are_not(
    destination: SegmentDestination, bad: Identify, word: str
) -> None:
    requests, refusals = destination.requests([identify(8), bad, identify(9)])
    assert [list(request.identifies) for request in requests] == [[identify(8), identify(9)]]
    assert [(refusal.identify, refusal.http_status) for refusal in refusals] == [(bad, None)]
    assert word in refusals[0].reason


def test_the_word_null_is_no_null(destination: SegmentDestination) -> None:
    _, refusals = destination.requests([identify(email="null@example.com", message_id="m" * 99)])
    assert refusals == []


def test_nothing_makes_no_request(destination: SegmentDestination) -> None:
    assert destination.requests([]) == ([], [])


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 40_000), max_size=60),
    rate=st.sampled_from([0, 1, 3, 1000]),
)
def test_each_identify_is_in_one_request_in_order_or_refused(sizes: list[int], rate: int) -> None:
    everything = [identify(n, {"t": "é" * (size // 2)}) for n, size in enumerate(sizes)]
    with closing(build(max_events_per_second=rate, transport=answering())) as made:
        requests, refusals = made.requests(everything)
    sent = [one for request in requests for one in request.identifies]
    refused = [refusal.identify for refusal in refusals]
    assert sorted(sent + refused, key=list[Call](everything).index) == everything
    assert sent == [one for one in everything if one not in refused]
    for request in requests:
        assert len(request.identifies) == len(request.encoded) > 0
        assert sum(len(event) + 1 for event in request.encoded) + 60 <= segment.MAX_REQUEST_BYTES + 20
