"""Whatever a receiver answers is acceptance, a refusal, or one of our errors, and in time."""

import gzip
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer import errors
from syncer.calls import Destination, Payload, Refusal
from syncer.destinations.mailmodo import MailmodoDestination, MailmodoSettings
from syncer.destinations.segment import SegmentDestination, SegmentSettings
from syncer.destinations.webhook import WebhookDestination, WebhookSettings
from tests.raw_server import RawServer, reset
from tests.unit.calls import identify

TIMEOUT = 0.4
LATEST = 3.0
"""Seconds: `TIMEOUT`, and a slow machine."""

EXAMPLES = int(os.environ.get("SYNCER_ANSWER_EXAMPLES") or 60)

Build = Callable[..., Destination]


def segment(url: str, timeout: str = "400ms") -> Destination:
    keys = {"name": "segment", "write_key": "wk_Sup3rS3cret", "endpoint": url, "timeout": timeout}
    return SegmentDestination(SegmentSettings.model_validate(keys))


def mailmodo(url: str, timeout: str = "400ms") -> Destination:
    keys = {"name": "mailmodo", "api_key": "AAAAAAA-BBBBBBB", "list_name": "A", "endpoint": url, "timeout": timeout}
    return MailmodoDestination(MailmodoSettings.model_validate({**keys, "create_list": True}))


def webhook(url: str, timeout: str = "400ms") -> Destination:
    keys = {"name": "hook", "url": f"{url}/hook", "batch": 10, "timeout": timeout}
    return WebhookDestination(WebhookSettings.model_validate(keys))


TYPES = pytest.mark.parametrize("build", [segment, mailmodo, webhook])


def send(destination: Destination, count: int = 3) -> list[Refusal] | errors.DestinationError:
    [request], _ = destination.requests([identify(number) for number in range(1, count + 1)])
    began = time.monotonic()
    answer: list[Refusal] | errors.DestinationError
    try:
        answer = destination.send(request)
    except errors.DestinationError as error:
        answer = error
    assert time.monotonic() - began < LATEST
    for words in [str(answer)] if isinstance(answer, Exception) else [each.reason for each in answer]:
        assert words.isprintable()
        assert len(words) < 1500
    return answer


# --- any bytes ---------------------------------------------------------------------------------------------------

statuses = st.one_of(
    st.sampled_from([200, 202, 204, 207, 301, 302, 304, 308, 400, 401, 404, 413, 421, 425, 429, 460, 500, 503]),
    st.integers(100, 999),
)
odd_values = st.sampled_from(
    [
        b"https:login",
        b"about:blank",
        b"tel:+1",
        b"//[::1",
        b"http://[v1.x]/",
        b"https://xn--\xff\xfe/",
        b"/elsewhere",
        b"https://login.example/?next=1",
        "city=Köln".encode(),
        "city=Köln".encode("latin-1"),
        b"a=b; expires=Thu, 99 Foo 99999 99:99:99 GMT; path=\x01",
        b"gzip, gzip",
        b"br",
        b"zstd",
        b"-1",
        b"99999999999999999999999",
        b"Mon, 99 Nov 2026 12:01:00 GMT",
        b"Fri, 31 Dec 9999 23:59:59 -2359",
        b"9" * 400,
        b"inf",
        b"",
    ]
)
names = st.sampled_from(
    [
        b"Location",
        b"Set-Cookie",
        b"Content-Encoding",
        b"Retry-After",
        b"X-RateLimit-Reset",
        b"Content-Type",
        b"Transfer-Encoding",
        b"Content-Length",
        b"Connection",
        b"X\xff",
    ]
)
headers = st.lists(st.tuples(names, st.one_of(odd_values, st.binary(max_size=30))), max_size=4)
bodies = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"[" * 100_000,
            b'{"error":' * 10_000,
            b'{"errors": ' + b"[" * 100_000,
            b'{"errors": [{"messageId": 7}]}',
            b'{"errors": [null]}',
            b'{"success": false}',
            b'{"listDetails": [{"name": 7}]}',
            b"\xff\xfe{\x00}\x00",
            b"\x00\x00\xfe\xff",
            b'{"message": "\\ud800"}',
            b"\x1b]0;title\x07",
            gzip.compress(gzip.compress(b"0" * 100_000)),
        ]
    ),
)
firsts = st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 3])
answers = st.one_of(
    st.tuples(firsts, statuses, headers, bodies, st.booleans()).map(
        lambda part: (
            part[0]
            + b"HTTP/1.1 %d Odd\r\n" % part[1]
            + b"".join(name + b": " + value + b"\r\n" for name, value in part[2])
            + (b"Content-Length: %d\r\n" % len(part[3]) if part[4] else b"")
            + b"\r\n"
            + part[3]
        )
    ),
    st.binary(max_size=300),
    st.sampled_from(
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"HTTP/1.1 200", b"HTTP/2 200 OK\r\n\r\n"]
    ),
)


@TYPES
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=answers, broken=st.booleans())
def test_any_bytes(build: Build, answer: bytes, broken: bool) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(answer)
        if broken:
            reset(connection)

    with RawServer(script) as server, closing(build(server.url)) as destination:
        send(destination)
        send(destination, 1)
        assert all(b"Cookie:" not in request for request in server.requests)


# --- what was found ----------------------------------------------------------------------------------------------


def one(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


@TYPES
@pytest.mark.parametrize(
    ("location", "where"),
    [
        (b"https:login", "an address that is none"),
        (b"about:blank", "an address that is none"),
        (b"tel:+1", "an address that is none"),
        (b"//[::1", "an address that is none"),
        (b"/login?key=1", "127.0.0.1"),
        (b"//other.example/x", "other.example"),
        (b"https://user:pw@login.example:8443/?token=t", "login.example"),
        (b"", "nowhere"),
    ],
)
def test_a_redirect_is_parsed_no_further_than_its_host(build: Build, location: bytes, where: str) -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    with RawServer(one(answer)) as server, closing(build(server.url)) as destination:
        error = send(destination)

    assert isinstance(error, errors.DestinationStoppedError)
    assert f"redirects to {where} (302)" in str(error)
    assert len(server.requests) == 1


@TYPES
def test_cookies_are_neither_read_nor_sent(build: Build) -> None:
    cookies = "Set-Cookie: city=Köln\r\nSet-Cookie: a=b; Path=/\r\n".encode()
    answer = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n" + cookies + b"\r\n"
    with RawServer(one(answer)) as server, closing(build(server.url)) as destination:
        for _ in range(2):
            assert isinstance(send(destination), errors.RequestRefusedError | errors.DestinationStoppedError)

    assert len(server.requests) == 2
    assert all(b"cookie" not in request.lower() for request in server.requests)


@TYPES
def test_a_deep_body_is_words_like_any_other(build: Build) -> None:
    body = b"[" * 100_000
    answer = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with RawServer(one(answer)) as server, closing(build(server.url)) as destination:
        error = send(destination)

    assert isinstance(error, errors.RequestRefusedError | errors.DestinationStoppedError)
    assert "answered 400" in str(error)


# --- answers without end -----------------------------------------------------------------------------------------

ENDLESS = {
    "headers that drip": (b"HTTP/1.1 200 OK\r\nX: ", b"a", 0.02),
    "many headers": (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 100, 0.0),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.0),
    "early hints that drip": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02),
    "a body that drips": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"{", 0.02),
    "chunks that drip": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n", 0.02),
    "a large body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0.0),
    "nothing": (b"", b"", 0.02),
}


@TYPES
@pytest.mark.parametrize("parts", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_end_ends_in_time(build: Build, parts: tuple[bytes, bytes, float]) -> None:
    first, again, pause = parts

    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        server.forever(connection, again, pause)

    with RawServer(script) as server, closing(build(server.url)) as destination:
        error = send(destination)

    assert isinstance(error, errors.DestinationUnavailableError)


@TYPES
@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_whose_words_have_no_end_is_what_its_status_says(build: Build, status: int) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 100000\r\nRetry-After: 7\r\n\r\n" % status)
        server.forever(connection, b"x", 0.02)

    with RawServer(script) as server, closing(build(server.url)) as destination:
        error = send(destination)

    assert isinstance(error, errors.DestinationUnavailableError)
    assert (error.http_status, error.retry_after) == (status, 7)


def test_a_receiver_that_does_not_read_is_left_in_time() -> None:
    def script(_connection: socket.socket) -> None:
        server.stopped.wait(10)

    with RawServer(script) as server, closing(segment(server.url)) as destination:
        server.reads = False
        [request], _ = destination.requests([identify()])
        large = Payload(request.identifies, [b'"' + b"x" * 20_000_000 + b'"'])
        began = time.monotonic()
        with pytest.raises(errors.DestinationUnavailableError, match="did not answer within"):
            destination.send(large)
        assert time.monotonic() - began < LATEST


@TYPES
def test_a_handshake_without_end_ends_in_time(build: Build) -> None:
    def script(_connection: socket.socket) -> None:
        server.stopped.wait(10)

    with RawServer(script) as server, closing(build(server.url.replace("http:", "https:"))) as destination:
        server.reads = False
        error = send(destination)

    assert isinstance(error, errors.DestinationUnavailableError)
    assert error.maybe_applied is False


@TYPES
def test_nothing_is_unpacked(build: Build) -> None:
    """Some kilobytes that unpack to a gigabyte and more."""
    bomb = gzip.compress(gzip.compress(b"\0" * 20_000_000) * 75)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with RawServer(one(head + bomb)) as server, closing(build(server.url)) as destination:
        answer: Any = send(destination)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB
    assert b"accept-encoding: identity" in server.requests[0].lower()
    if build is segment:
        assert answer == []  # its answers are not read
    else:
        assert isinstance(answer, errors.DestinationUnavailableError)
        assert answer.maybe_applied is (build is webhook)  # Mailmodo was asked for its lists only
