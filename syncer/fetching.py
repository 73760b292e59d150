"""The one place that asks a server for something by HTTP: one request, one answer, within one deadline.

- The deadline is for the whole exchange, from the connection to the last byte of the answer, however slowly headers
  arrive, and however many answers of class 1xx go before.
- The answer is read as it comes, up to `MAX_BODY`, and never decoded: a few kilobytes may unpack to gigabytes. We ask
  for no encoding.
- No redirect is followed, because it would take a key and contacts to another address. No cookie is kept or sent.

So no client of httpx is used here, which would read redirects, cookies and encodings whether or not we want them.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore
import httpx

from syncer.environment import Proxy, proxy_for, tls
from syncer.exchanges import Fetched, Kind, NoAnswerError, Transport

MAX_BODY = 1 << 20
"""Bytes of an answer that are read. The answers of these servers are far shorter."""

KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept. Load balancers keep theirs for 60 and more, so none closes a connection
that a request has just been sent on."""

_CONNECT_SECONDS = 10.0
_WRITTEN_AT_ONCE = 16_384


def fetch(
    transport: Transport,
    method: str,
    url: str,
    timeout: float,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    """Sends a request once, and reads its answer within `timeout` seconds. Raises only `NoAnswerError`."""
    request = httpx.Request(method, url, content=content, headers=headers)
    request.headers.setdefault("Accept", "*/*")
    request.headers.setdefault("Accept-Encoding", "identity")
    with _within(timeout, request):
        response = transport.handle_request(request)
        with closing(response):
            body, broken = _read(response)
    return Fetched(response.status_code, response.headers, body, broken)


def reach(transport: Transport, url: str, timeout: float) -> datetime | None:
    """Opens a connection as `fetch` would, by way of the proxy if there is one, and sends no request.

    Returns when the server's certificate ends; None if it showed none. Raises only `NoAnswerError`, within
    `timeout` seconds.
    """
    ends: list[datetime] = []

    def trace(event: str, info: dict[str, Any]) -> None:
        if event.endswith(".start_tls.complete"):  # the proxy's, if it has one, comes before the server's
            ends.append(_end_of_certificate(info["return_value"]))
        _stop_before_sending(event, info)

    request = httpx.Request("GET", url, extensions={"trace": trace})
    with suppress(_Reached), _within(timeout, request):
        transport.handle_request(request)
    return ends[-1] if ends and request.url.scheme == "https" else None


def _end_of_certificate(stream: httpcore.NetworkStream) -> datetime:
    """A certificate that we trusted, so that it is there."""
    text = stream.get_extra_info("ssl_object").getpeercert()["notAfter"]
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def open_transport(url: str, connections: int = 1) -> Transport:
    """Connections to the host of an address, or to the proxy that the environment names for it.

    Raises `ConfigError` if what the environment names cannot be used.
    """
    parts = urlsplit(url)
    proxy = proxy_for(parts)
    return _Transport(
        httpcore.ConnectionPool(
            ssl_context=tls() if parts.scheme == "https" else None,
            proxy=None if proxy is None else _httpcore_proxy(proxy),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=_Network(),
        )
    )


def _httpcore_proxy(proxy: Proxy) -> httpcore.Proxy:
    return httpcore.Proxy(proxy.url, auth=proxy.login, ssl_context=tls() if proxy.scheme == "https" else None)


def _read(response: httpx.Response) -> tuple[bytes, NoAnswerError | None]:
    """The body as it came, and why it is not whole."""
    body = bytearray()
    stream = cast("httpx.SyncByteStream", response.stream)  # the bytes as they come: httpx's own readers decode them
    try:
        for chunk in stream:
            body += chunk
            if len(body) > MAX_BODY:
                return bytes(body), _no_answer(httpx.ReadError("the answer does not end"))
            _left(None, httpx.ReadTimeout)
    except httpx.RequestError as broken:
        return bytes(body), _no_answer(broken)
    return bytes(body), None


class _Reached(Exception):  # noqa: N818  no error
    """A connection is open, and nothing was sent."""


def _stop_before_sending(event: str, info: dict[str, Any]) -> None:
    """What a proxy is asked before (CONNECT) is no request of ours."""
    if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
        raise _Reached


# --- one deadline ------------------------------------------------------------------------------------------------


class _Deadline(threading.local):
    """When the exchange of this thread has to be over, by the monotonic clock."""

    at = float("inf")


_deadline = _Deadline()


@contextmanager
def _within(timeout: float, request: httpx.Request) -> Iterator[None]:
    """Ends the exchange by its deadline. What goes wrong, also what has no meaning in HTTP, is a `NoAnswerError`."""
    steps = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
    request.extensions = {**request.extensions, "timeout": steps.as_dict()}
    _deadline.at = time.monotonic() + timeout
    try:
        yield
    except httpx.RequestError as error:
        raise _no_answer(error) from error
    except (httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        message = f"no answer that can be read ({type(error).__name__})"
        raise _no_answer(httpx.RemoteProtocolError(message)) from error
    finally:
        _deadline.at = float("inf")


def _no_answer(error: httpx.RequestError) -> NoAnswerError:
    kind: Kind = next((kind for failure, kind in _KINDS.items() if isinstance(error, failure)), "broken")
    return NoAnswerError(str(error), kind, type(error).__name__)


_KINDS: Mapping[type[httpx.RequestError], Kind] = {
    httpx.PoolTimeout: "busy",
    httpx.ProxyError: "proxy",
    httpx.ConnectError: "unreachable",
    httpx.ConnectTimeout: "unreachable",
    httpx.UnsupportedProtocol: "unreachable",
    httpx.TimeoutException: "late",
}


def _left(timeout: float | None, over: type[Exception]) -> float:
    """Seconds that a step may take; raises `over` if there are none."""
    left = _deadline.at - time.monotonic()
    if left <= 0:
        raise over("")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection of which every step ends by the deadline: httpcore's own timeouts begin anew with every byte."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for first in range(0, len(buffer), _WRITTEN_AT_ONCE):
            self._inner.write(buffer[first : first + _WRITTEN_AT_ONCE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        try:
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))
        except httpcore.ConnectTimeout as error:
            message = f"{server_hostname} does not begin TLS within {left:.2g} s"
            raise httpcore.ConnectTimeout(message) from error
        except httpcore.ConnectError as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLCertVerificationError):
                message = f"the certificate of {server_hostname} is not trusted ({cause.verify_message})"
            else:
                message = f"{server_hostname} does not speak TLS: {getattr(cause, 'strerror', None) or cause}"
            raise httpcore.ConnectError(message) from error

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Opens such connections, and says in words why it cannot."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for address in _addresses(host, port):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except httpcore.ConnectTimeout:
                failed = httpcore.ConnectTimeout(f"{host} port {port} does not answer within {left:.2g} s")
            except httpcore.ConnectError as error:
                why = getattr(error.__cause__, "strerror", None) or error
                failed = httpcore.ConnectError(f"{host} port {port}: {why}")
        raise failed


def _addresses(host: str, port: int) -> list[str]:
    """What a name resolves to. The system's resolver knows no deadline, so it is asked in a thread that may be left."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    found = queue.SimpleQueue[list[str] | Exception]()

    def look_up() -> None:
        try:
            found.put([str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look_up, name="name look-up", daemon=True).start()
    try:
        answer = found.get(timeout=_left(_CONNECT_SECONDS, httpcore.ConnectTimeout))
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"the name {host} could not be looked up in time") from None
    if isinstance(answer, UnicodeError):
        raise httpcore.ConnectError(f"{host} is no name of a host") from answer
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(f"the name {host} is unknown here") from answer
    return list(dict.fromkeys(answer))


# --- from httpcore to httpx --------------------------------------------------------------------------------------


class _Transport(httpx.BaseTransport):
    """A pool of httpcore's as httpx knows them: its own takes no backend, and reads cookies and encodings."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends it, and begins to read the answer."""
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=cast("httpx.SyncByteStream", request.stream),
            extensions=request.extensions,
        )
        with _translated():
            answer = self._pool.handle_request(sent)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Closes all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of httpcore come out as those of httpx with the same name.

    Of an answer that is no HTTP they quote bytes, behind a colon, which may echo a secret. No traceback has them.
    """
    try:
        yield
    except _FAILURES as error:
        words = str(error)
        if isinstance(error, httpcore.ProtocolError):
            words = words.partition(":")[0]
        raise getattr(httpx, type(error).__name__, httpx.NetworkError)(words) from None


_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
