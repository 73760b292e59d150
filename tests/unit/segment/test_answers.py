"""What Segment's destination makes of every answer."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from pydantic import SecretStr

from syncer import errors
from syncer.destinations import bodies, http
from syncer.destinations.segment import SegmentDestination
from syncer.destinations.waiting import retry_after
from syncer.exchanges import Fetched
from syncer.receivers.segment import SegmentReceiver
from tests.unit.calls import identify
from tests.unit.segment.tools import KEY, NOW, answering, build, send_to


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b'{"success":true}', b"<html>garbage", b"\xff\x00"])
def test_success_whatever_the_body(status: int, body: bytes) -> None:
    send_to(answering(status, body=body))


@pytest.mark.parametrize(
    ("status", "maybe_applied"),
    [
        (408, True),
        (421, False),
        (425, False),
        (429, False),
        (460, True),
        (500, True),
        (501, True),
        (502, True),
        (503, True),
        (504, True),
        (529, True),
    ],
)
def test_worth_another_try(status: int, maybe_applied: bool) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(answering(status, body=b'{"message": "slow down"}'))
    assert raised.value.maybe_applied is maybe_applied
    assert raised.value.http_status == status
    assert raised.value.retry_after is None
    assert str(raised.value) == f"segment (api.segment.io) answered {status}: slow down"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "check write_key"),
        (402, "check the plan"),
        (403, "check write_key"),
        (404, "check endpoint"),
        (410, "It knows no /v1/batch"),
        (300, "redirects to nowhere"),
        (304, "redirects to nowhere"),
    ],
)
def test_a_human_must_act(status: int, advice: str) -> None:
    with pytest.raises(errors.DestinationStoppedError, match=advice) as raised:
        send_to(answering(status, body=b"no such thing"))
    assert raised.value.http_status == status
    assert "segment (api.segment.io)" in str(raised.value)
    assert str(status) in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    calls: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://login.example.org/?token=abc"})

    with pytest.raises(errors.DestinationStoppedError, match=r"redirects to login\.example\.org") as raised:
        send_to(httpx.MockTransport(redirect))
    assert calls == ["api.segment.io"]
    assert "token" not in str(raised.value)


def test_redirect_to_a_path_names_the_same_host() -> None:
    with pytest.raises(errors.DestinationStoppedError, match=r"redirects to api\.segment\.io \(308\)"):
        send_to(answering(308, {"Location": "/v2/batch"}))


@pytest.mark.parametrize("status", [400, 405, 406, 409, 411, 413, 415, 422, 431, 451])
def test_request_is_refused(status: int) -> None:
    with pytest.raises(errors.RequestRefusedError) as raised:
        send_to(answering(status, body=b'{"error": {"message": "batch  is\\nodd"}}'))
    assert raised.value.http_status == status
    assert str(raised.value) == f"segment (api.segment.io) answered {status}: batch is odd"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ""),
        (b"plain text\r\n  of two lines", "plain text of two lines"),
        (b'{"message": "m", "error": "e"}', "m"),
        (b'{"error": "e"}', "e"),
        (b'{"errors": [{"reason": "r"}]}', "r"),
        (b'{"success": false}', '{"success": false}'),
        (b'["x", "y"]', "x"),
        (b"[]", "[]"),
        (b"\xffok\x00\x1b[31m", "�ok [31m"),
        (b'{"message": "\\ud800"', '{"message": "\\ud800"'),
    ],
)
def test_words_of_the_receiver(body: bytes, words: str) -> None:
    assert bodies.words(body) == words


def test_long_words_are_cut_and_secrets_struck_out() -> None:
    echo = f"bad key {KEY} " + "x" * 500
    with pytest.raises(errors.RequestRefusedError) as raised:
        send_to(answering(400, body=echo.encode()))
    assert "bad key *** xxx" in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_no_secret_in_any_repr(destination: SegmentDestination) -> None:
    assert KEY not in repr(destination) + str(destination) + repr(vars(destination)) + repr(destination.account())


def test_secret_str_is_revealed_on_the_wire_only(receiver: SegmentReceiver) -> None:
    with closing(build(write_key=SecretStr(KEY), endpoint=receiver.url)) as made:
        [request], _ = made.requests([identify()])
        made.send(request)
    assert receiver.violations == []


def test_header_that_cannot_be_sent_is_no_leak() -> None:
    with pytest.raises(ValueError, match="api_key holds a character") as raised:
        http.HttpSender(
            "m",
            "https://a.example",
            credential="api_key",
            headers={"k": KEY + "\n"},
            secrets=(),
            timeout=1,
            concurrency=1,
        )
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (503, {"Retry-After": " 0 "}, 0.0),
        (408, {"Retry-After": "2.5"}, 2.5),
        (503, {"Retry-After": "Mon, 23 Nov 2026 12:01:00 GMT"}, 59.876544),
        (503, {"Retry-After": "Mon, 23 Nov 2026 11:59:00 GMT"}, None),
        (503, {"Retry-After": "Mon, 23 Nov 2026 12:01:00 -0000"}, 59.876544),
        (429, {"Retry-After": "99999999999999999999"}, 3600.0),
        (503, {"Retry-After": "-5"}, None),
        (503, {"Retry-After": "soon"}, None),
        (503, {"Retry-After": "inf"}, None),
        (503, {"Retry-After": "Mon, 99 Nov 2026 12:01:00 GMT"}, None),
        (503, {"Retry-After": ""}, None),
        (429, {"X-RateLimit-Reset": "12"}, 12.0),
        (429, {"Retry-After": "3", "X-RateLimit-Reset": "12"}, 3.0),
        (429, {"Retry-After": "soon", "X-RateLimit-Reset": "12"}, 12.0),
        (429, {"X-RateLimit-Reset": "later"}, None),
        (503, {"X-RateLimit-Reset": "12"}, None),
        (429, {"X-RateLimit-Reset": "1795435230"}, 29.876544),
        (429, {"X-RateLimit-Reset": "1795435230.5"}, 30.376544),
        (429, {"X-RateLimit-Reset": "1795435230000"}, 29.876544),
        (429, {"X-RateLimit-Reset": "1795435230000000"}, 29.876544),
        (429, {"X-RateLimit-Reset": "Mon, 23 Nov 2026 12:01:00 GMT"}, 59.876544),
        (429, {"X-RateLimit-Reset": "2026-11-23T12:01:00Z"}, 59.876544),
        (429, {"X-RateLimit-Reset": "2026-11-23T12:01:00"}, 59.876544),
        (429, {"X-RateLimit-Reset": "1795435190"}, None),
        (429, {"X-RateLimit-Reset": "1795521600"}, 3600.0),
        (429, {"RateLimit-Reset": "9"}, 9.0),
        (503, {"Retry-After": "1795435230"}, 29.876544),
    ],
)
def test_retry_after(status: int, headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(Fetched(status, httpx.Headers(headers), b""), NOW) == pytest.approx(wait)


def test_retry_after_is_handed_on() -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(answering(429, {"Retry-After": "7"}))
    assert raised.value.retry_after == 7
    assert str(raised.value).endswith("; it asks for 7 s of waiting")


@pytest.mark.parametrize(
    ("broken", "maybe_applied", "words"),
    [
        (httpx.ConnectError("Name or service not known"), False, "cannot be reached: Name or service"),
        (httpx.ConnectTimeout(""), False, "cannot be reached: ConnectTimeout"),
        (httpx.PoolTimeout(""), False, "no connection was free"),
        (httpx.ProxyError("407 Proxy Authentication Required"), False, "cannot be reached: 407"),
        (httpx.UnsupportedProtocol("ftp"), False, "cannot be reached"),
        (httpx.ReadTimeout(""), True, "did not answer within 30 s"),
        (httpx.WriteTimeout(""), True, "did not answer within 30 s"),
        (httpx.ReadError("reset"), True, "broke off before its answer was whole: reset"),
        (httpx.WriteError(""), True, "broke off before its answer was whole: WriteError"),
        (httpx.CloseError(""), True, "broke off"),
        (httpx.RemoteProtocolError(f"Server said {KEY}"), True, r"Server said \*\*\*"),
        (httpx.LocalProtocolError(""), True, "broke off"),
        (httpx.DecodingError("gzip"), True, "broke off"),
    ],
)
def test_broken_transport(broken: httpx.RequestError, maybe_applied: bool, words: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise broken

    with pytest.raises(errors.DestinationUnavailableError, match=words) as raised:
        send_to(httpx.MockTransport(fail))
    assert raised.value.maybe_applied is maybe_applied
    assert raised.value.__cause__ is broken


class Body(httpx.SyncByteStream):
    """A body that breaks off, or never ends."""

    def __init__(self, chunks: Callable[[], Iterator[bytes]]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()


def _cut_off() -> Iterator[bytes]:
    yield b'{"message": "no'
    raise httpx.ReadError("cut")


@pytest.mark.parametrize("chunks", [_cut_off, lambda: itertools.repeat(b"x" * 65_536)])
def test_success_must_be_read_to_its_end(chunks: Callable[[], Iterator[bytes]]) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(httpx.MockTransport(lambda _: httpx.Response(200, stream=Body(chunks))))
    assert raised.value.maybe_applied is True


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.DestinationStoppedError),
        (413, errors.RequestRefusedError),
        (429, errors.DestinationUnavailableError),
    ],
)
def test_other_statuses_count_although_their_words_are_lost(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        send_to(httpx.MockTransport(lambda _: httpx.Response(status, stream=Body(_cut_off))))
