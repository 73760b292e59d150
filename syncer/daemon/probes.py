"""A web server for probes: as small as can be, and nobody can keep it from answering others.

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
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog

CONNECTIONS = 64
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 10.0
_SLOW_AT_A_TIME = 2
_HEAD_BYTES = 8192
_RETRY_SECONDS = 5.0
"""Seconds between two attempts to listen."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """What is at a path. One that is not `quick` has to ask somebody: it is made in a thread, a few at a time."""

    make: Callable[[], Answer]
    quick: bool = True


class ProbeServer:
    """Answers at `listen` (host:port). `address` is None as long as another process listens there."""

    def __init__(self, listen: str, pages: Mapping[str, Page]) -> None:
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
        log.info("answering /healthz, /readyz and /metrics", address=self.address)

    def keep(self) -> None:
        """Serves until it is closed; before that, tries to listen until it can."""
        while self._socket is None and not self._closed.wait(_RETRY_SECONDS):
            self.open()
        if self._socket is not None:
            with self._socket, ThreadPoolExecutor(_SLOW_AT_A_TIME, thread_name_prefix="health") as threads:
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
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1."):
            return _encoded(Answer(HTTPStatus.BAD_REQUEST, b"this is no HTTP/1.1\n"))
        if method not in ("GET", "HEAD"):
            return _encoded(Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"ask with GET or HEAD\n"))
        with suppress(ValueError):
            page = self._pages.get(urlsplit(target).path.rstrip("/"))
            if page is not None:
                return _encoded(await self._made(page), with_body=method == "GET")
        return _encoded(Answer(HTTPStatus.NOT_FOUND, f"there is {', '.join(self._pages)}\n".encode()))

    async def _made(self, page: Page) -> Answer:
        if page.quick:
            return _made_safely(page)
        if self._slow >= _SLOW_AT_A_TIME:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"too many ask for this at the same time\n")
        self._slow += 1
        making = asyncio.get_running_loop().run_in_executor(None, _made_safely, page)
        making.add_done_callback(self._finished_slow)
        return await asyncio.shield(making)  # whoever hangs up does not end it

    def _finished_slow(self, _made: "asyncio.Future[Answer]") -> None:
        self._slow -= 1


def _made_safely(page: Page) -> Answer:
    try:
        return page.make()
    except Exception:
        log.exception("a probe could not be answered")
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"unexpected; the log says more\n")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; for `[::]`, by IPv4 as well."""
    family, _, _, _, place = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = family == socket.AF_INET6 and place[0] == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(place[:2], family=family, backlog=CONNECTIONS, dualstack_ipv6=both)


def _encoded(answer: Answer, *, with_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {answer.status.phrase}\r\nContent-Type: {answer.kind}\r\n"
        f"Content-Length: {len(answer.body)}\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (answer.body if with_body else b"")
