"""A web server for probes and pages: as small as can be, and nobody can keep it from answering others.

Every connection brings one request, which has to be there within seconds, as the answer has to be taken within seconds.
There are so many connections at a time: for one more, the one whose request has been awaited for longest is dropped.
Whoever hangs up, dawdles or sends what is no request is no news, and is not logged.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

CONNECTIONS = 64
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 10.0
SLOW_AT_A_TIME = 2
_HEAD_BYTES = 8192
_RETRY_SECONDS = 5.0
"""Seconds between two attempts to listen."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for: the path without a slash at its end, the first value of every name behind it, and the
    host that they think they ask (None: they did not say)."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """What is at a path. One that is not `quick` has to ask somebody: it is made in a thread, a few at a time."""

    make: Callable[[Request], Answer]
    quick: bool = True


Pages = Callable[[str], Page | None]
"""What is at a path, if anything is."""


class WebServer:
    """Answers at `listen` (host:port). `address` is None as long as another process listens there."""

    def __init__(self, listen: str, pages: Pages) -> None:
        self.address: str | None = None
        host, _, port = listen.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._pages = pages
        self._socket: socket.socket | None = None
        self._closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._waiting: dict[asyncio.StreamWriter, None] = {}
        self._open: set[asyncio.Task[None]] = set()
        self._slow = 0

    def open(self) -> None:
        """Tries to listen."""
        try:
            self._socket = _listening(self._host, self._port)
        except OSError as error:
            if self.address is None and not self._closed.is_set():
                log.warning("health.listen: cannot listen", at=self._at(self._port), error=error.strerror)
            return
        self.address = self._at(self._socket.getsockname()[1])
        log.info("answering", address=self.address)

    def keep(self) -> None:
        """Serves until it is closed; before that, tries to listen until it can."""
        while self._socket is None and not self._closed.wait(_RETRY_SECONDS):
            self.open()
        if self._socket is not None:
            with self._socket, ThreadPoolExecutor(SLOW_AT_A_TIME, thread_name_prefix="page") as threads:
                asyncio.run(self._serve(self._socket, threads))

    def close(self) -> None:
        """Stops answering."""
        self._closed.set()
        with suppress(RuntimeError):  # it has ended already
            if self._loop is not None and self._ended is not None:
                self._loop.call_soon_threadsafe(self._ended.set)

    def _at(self, port: int) -> str:
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"

    async def _serve(self, listening: socket.socket, threads: ThreadPoolExecutor) -> None:
        self._ended, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._loop.set_default_executor(threads)
        server = await asyncio.start_server(self._connected, sock=listening, limit=_HEAD_BYTES)
        if self._closed.is_set():  # before anybody could be told
            self._ended.set()
        await self._ended.wait()
        server.close()
        for task in self._open:
            task.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        self._waiting[writer] = None
        if len(self._open) > CONNECTIONS:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            self._waiting.pop(writer, None)
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(await self._answer(head))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # whoever it was has gone, or has to go
        finally:
            self._waiting.pop(writer, None)
            writer.transport.abort()

    async def _answer(self, head: bytes) -> bytes:
        asked, _, fields = head.decode("latin-1").partition("\r\n")
        method, _, rest = asked.partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1."):
            return _encoded(Answer(HTTPStatus.BAD_REQUEST, b"this is no HTTP/1.1\n"))
        if method not in ("GET", "HEAD"):
            return _encoded(Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"ask with GET or HEAD\n"))
        with suppress(ValueError):
            request = _request(target, fields)
            page = self._pages(request.path)
            if page is not None:
                return _encoded(await self._made(page, request), with_body=method == "GET")
        return _encoded(Answer(HTTPStatus.NOT_FOUND, b"there is no such page\n"))

    async def _made(self, page: Page, request: Request) -> Answer:
        make = partial(_made_safely, page, request)
        if page.quick:
            return make()
        if self._slow >= SLOW_AT_A_TIME:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"too many ask for this at the same time\n")
        self._slow += 1
        making = asyncio.get_running_loop().run_in_executor(None, make)
        making.add_done_callback(self._finished_slow)
        return await asyncio.shield(making)  # whoever hangs up does not end it

    def _finished_slow(self, _made: "asyncio.Future[Answer]") -> None:
        self._slow -= 1


def _made_safely(page: Page, request: Request) -> Answer:
    try:
        return page.make(request)
    except Exception:
        log.exception("a page could not be made")
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"unexpected; the log says more\n")


def _request(target: str, fields: str) -> Request:
    """Raises `ValueError` if the target is no address."""
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query, errors="strict").items()}
    hosts = [
        value.strip()
        for name, _, value in (line.partition(":") for line in fields.split("\r\n"))
        if name.lower() == "host"
    ]
    return Request(unquote(parts.path, errors="strict").rstrip("/"), query, hosts[0] if len(hosts) == 1 else None)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; for `[::]`, by IPv4 as well."""
    family, _, _, _, place = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = family == socket.AF_INET6 and place[0] == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(place[:2], family=family, backlog=CONNECTIONS, dualstack_ipv6=both)


def _encoded(answer: Answer, *, with_body: bool = True) -> bytes:
    headers = {
        "Content-Type": answer.kind,
        "Content-Length": str(len(answer.body)),
        "Allow": "GET, HEAD",
        "Connection": "close",
        **answer.headers,
    }
    lines = [
        f"HTTP/1.1 {answer.status} {answer.status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (answer.body if with_body else b"")
