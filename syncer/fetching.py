"""The one place that asks a server for something by HTTP: one request, one answer, within one deadline.

- The deadline is for the whole exchange, from the connection to the last byte of the answer, however slowly headers
  arrive, and however many answers of class 1xx go before.
- The answer is read as it comes, up to `MAX_BODY`, and never decoded: a few kilobytes may unpack to gigabytes. We ask
  for no encoding.
- No redirect is followed, because it would take a key and contacts to another address. No cookie is kept or sent.

So no client of httpx is used here, which would read redirects, cookies and encodings whether or not we want them.
"""

import functools
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from syncer.fields import is_loopback

MAX_BODY = 1 << 20
"""Bytes of an answer that are read. The answers of these servers are far shorter."""

KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept. Load balancers keep theirs for 60 and more, so none closes a connection
that a request has just been sent on."""

_CONNECT_SECONDS = 10.0
_WRITTEN_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. `broken`: why its body is not whole; None if it is."""

    status: int
    headers: httpx.Headers
    body: bytes
    broken: httpx.RequestError | None = None

    @property
    def is_encoded(self) -> bool:
        """Whether the body is in an encoding, although we ask for none."""
        return self.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")


def fetch(transport: httpx.BaseTransport, request: httpx.Request, timeout: float) -> Fetched:
    """Sends the request once, and reads its answer within `timeout` seconds. Raises only `httpx.RequestError`."""
    request.headers.setdefault("Accept", "*/*")
    request.headers.setdefault("Accept-Encoding", "identity")
    steps = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
    request.extensions = {**request.extensions, "timeout": steps.as_dict()}
    _deadline.at = time.monotonic() + timeout
    try:
        response = transport.handle_request(request)
        try:
            body, broken = _read(response)
        finally:
            response.close()
    except (httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:  # no answer of HTTP has that meaning
        message = f"no answer that can be read ({type(error).__name__})"
        raise httpx.RemoteProtocolError(message) from error
    finally:
        _deadline.at = float("inf")
    return Fetched(response.status_code, response.headers, body, broken)


def open_transport(scheme: str, host: str, connections: int = 1) -> httpx.BaseTransport:
    """Connections to a host, or to the proxy that the environment names for it."""
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_ALIVE
    )
    return _Transport(verify=tls(), limits=limits, proxy=proxy_of(scheme, host), trust_env=False)


def proxy_of(scheme: str, host: str) -> str | None:
    """The address of the proxy that the environment names for a host. Loopback is always connected to directly."""
    if is_loopback(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@functools.cache
def tls() -> ssl.SSLContext:
    """The trusted certificates. Loading them takes longer than many requests, so it is done once."""
    return httpx.create_ssl_context()


def _read(response: httpx.Response) -> tuple[bytes, httpx.RequestError | None]:
    """The body as it came, and why it is not whole."""
    body = bytearray()
    stream = cast("httpx.SyncByteStream", response.stream)  # the bytes as they come: httpx's own readers decode them
    try:
        for chunk in stream:
            body += chunk
            if len(body) > MAX_BODY:
                return bytes(body), httpx.ReadError("the answer does not end")
            _left(None, httpx.ReadTimeout)
    except httpx.RequestError as broken:
        return bytes(body), broken
    return bytes(body), None


# --- one deadline ------------------------------------------------------------------------------------------------


class _Deadline(threading.local):
    """When the exchange of this thread has to be over, by the monotonic clock."""

    at = float("inf")


_deadline = _Deadline()


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
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Opens such connections."""

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
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


class _Transport(httpx.HTTPTransport):
    """httpx's own, on such connections: it takes no backend, the pool that it makes does."""

    def __init__(self, *, verify: ssl.SSLContext, limits: httpx.Limits, proxy: str | None, trust_env: bool) -> None:
        super().__init__(verify=verify, limits=limits, proxy=proxy, trust_env=trust_env)
        self._pool._network_backend = _Network()
