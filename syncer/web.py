"""A web server for probes, pages and an API: as small as can be, and nobody can keep it from answering others.

Every connection brings one request, which has to be there within seconds, its body too, as the answer has to be taken
within seconds. There are so many connections at a time: for one more, the one whose request has been awaited for
longest is dropped, or else the one that takes its answer for longest. What has to ask somebody is made in threads, a
few for each kind, so that no kind keeps another from being answered. Whoever hangs up, dawdles or sends what is no
request is no news, and is not logged.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from syncer.log import Logger

CONNECTIONS = 64
REQUEST_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LATER_AT_A_TIME = 24
"""How many answers may be awaited that are made later."""
BODY_BYTES = 65_536
_HEAD_BYTES = 8192
_ACCEPTED_AT_ONCE = 16
"""Connections that have a file descriptor before it is seen that they are too many."""

_KNOCKING = 256
"""Connections that the system keeps until they are accepted; they have none."""

_RETRY_SECONDS = 5.0
"""Seconds between two attempts to listen."""

_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")

Made = TypeVar("Made")
"""An answer, or what becomes one."""

log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for.

    The path has no slash at its end. `every` has all values of the names behind it, `query` the first of each.
    `headers` have names in lower case; what was said twice is joined by a comma. `client` is an address.
    """

    path: str
    every: Mapping[str, Sequence[str]] = field(default_factory=dict)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = ""

    @property
    def query(self) -> Mapping[str, str]:
        return {name: values[0] for name, values in self.every.items()}

    @property
    def media_type(self) -> str | None:
        """What the body is said to be, without parameters, in lower case."""
        said = self.headers.get("content-type")
        return said and said.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lane:
    """Answers of one kind: so many are made at a time, each in a thread, and so many may be asked for; one more is
    told to come again. Whoever `acts` is told so before anything is done or not at all, and keeps the place
    until the answer."""

    name: str
    threads: int
    places: int
    acts: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """No answer yet: `again` is asked for it in some seconds, and may say so too. Nothing is held meanwhile."""

    seconds: float
    again: "Callable[[], Answer | Later]"


@dataclass(frozen=True, slots=True)
class Work:
    """An answer that somebody has to be asked for: it is made in a lane, within so many seconds."""

    lane: Lane
    make: Callable[[], Answer | Later]
    seconds: float = ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class Page:
    """What is at a path. `answer` asks nobody, and so is quick; what takes longer it leaves to its work."""

    answer: Callable[[Request], Answer | Work]
    methods: Sequence[str] = ("GET",)


Pages = Callable[[str], Page | None]
"""What is at a path, if anything is."""


class _NoRequestError(Exception):
    """What came is no request that is answered; its argument is the answer."""


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
        self._taking: dict[asyncio.StreamWriter, None] = {}
        self._open: set[asyncio.Task[None]] = set()
        self._works = _Works()

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
            with self._socket, self._works:
                asyncio.run(self._serve(self._socket))

    def close(self) -> None:
        """Stops answering."""
        self._closed.set()
        with suppress(RuntimeError):  # it has ended already
            if self._loop is not None and self._ended is not None:
                self._loop.call_soon_threadsafe(self._ended.set)

    def _at(self, port: int) -> str:
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"

    async def _serve(self, listening: socket.socket) -> None:
        self._ended, self._loop = asyncio.Event(), asyncio.get_running_loop()
        server = await asyncio.start_server(
            self._connected, sock=listening, limit=_HEAD_BYTES, backlog=_ACCEPTED_AT_ONCE
        )
        listening.listen(_KNOCKING)  # asyncio would let no more knock than it accepts at once
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
            self._drop_longest(writer)

    def _drop_longest(self, newest: asyncio.StreamWriter) -> None:
        for kind in (self._waiting, self._taking):
            longest = next(iter(kind), newest)
            if longest is not newest:
                break
        self._waiting.pop(longest, None)
        self._taking.pop(longest, None)
        longest.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    request = await _read(reader, writer)
                self._waiting.pop(writer, None)
                answer = await self._answer(request, reader)
                encoded = _encoded(answer, with_body=request.method != "HEAD")
            except _NoRequestError as refused:
                encoded = _encoded(refused.args[0])
            self._waiting.pop(writer, None)
            self._taking[writer] = None
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(encoded)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError, TimeoutError):
            pass  # whoever it was has gone, or has to go
        finally:
            self._waiting.pop(writer, None)
            self._taking.pop(writer, None)
            writer.transport.abort()

    async def _answer(self, request: Request, reader: asyncio.StreamReader) -> Answer:
        page = self._pages(request.path)
        if page is None:
            return _said(HTTPStatus.NOT_FOUND, "there is no such page")
        allowed = [*page.methods, *(["HEAD"] if "GET" in page.methods else [])]
        if request.method not in allowed:
            sentence = f"ask with {' or '.join(allowed)}\n"
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, sentence.encode(), headers={"Allow": ", ".join(allowed)})
        made = _safely(lambda: page.answer(request))
        return await self._works.done(made, reader) if isinstance(made, Work) else made


class _Works:
    """Makes what takes long, each kind in threads of its own. Entered and left by the thread of the server."""

    def __init__(self) -> None:
        self._threads: dict[Lane, ThreadPoolExecutor] = {}
        self._asked: dict[Lane, int] = {}
        self._unanswered: dict[Lane, int] = {}
        self._later = 0
        self._stack = ExitStack()

    def __enter__(self) -> None:
        self._stack.__enter__()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def done(self, work: Work, reader: asyncio.StreamReader) -> Answer:
        """The answer, or why there is none."""
        lane = work.lane
        if self._taken(lane) >= lane.places:
            return _come_again("too many ask for this at the same time")
        self._unanswered[lane] = self._unanswered.get(lane, 0) + 1
        try:
            made = await self._made(lane, work.make, work.seconds)
            return made if isinstance(made, Answer) else await self._awaited(work, made, reader)
        except TimeoutError:
            return _said(HTTPStatus.GATEWAY_TIMEOUT, "this takes too long")
        finally:
            self._unanswered[lane] -= 1

    async def _made(self, lane: Lane, make: Callable[[], Answer | Later], seconds: float) -> Answer | Later:
        if lane not in self._threads:
            threads = ThreadPoolExecutor(lane.threads, thread_name_prefix=lane.name)
            self._threads[lane] = self._stack.enter_context(threads)
        self._asked[lane] = self._asked.get(lane, 0) + 1
        making = asyncio.get_running_loop().run_in_executor(self._threads[lane], _safely, make)
        making.add_done_callback(lambda _: self._finished(lane))
        async with asyncio.timeout(seconds):
            return await asyncio.shield(making)  # whoever hangs up does not end it

    def _taken(self, lane: Lane) -> int:
        asked = self._asked.get(lane, 0)
        return max(asked, self._unanswered.get(lane, 0)) if lane.acts else asked

    def _finished(self, lane: Lane) -> None:
        self._asked[lane] -= 1

    async def _awaited(self, work: Work, made: Answer | Later, reader: asyncio.StreamReader) -> Answer:
        """What is made later, unless whoever asked has gone meanwhile."""
        if self._later >= LATER_AT_A_TIME and not work.lane.acts:
            return _come_again("too many wait for something at the same time")
        self._later += 1
        try:
            while isinstance(made, Later):
                await asyncio.sleep(made.seconds)
                if reader.at_eof():
                    raise EOFError
                made = await self._made(work.lane, made.again, work.seconds)
        finally:
            self._later -= 1
        return made


def _safely(make: Callable[[], Made]) -> Made | Answer:
    try:
        return make()
    except Exception:
        log.exception("a page could not be made")
        return _said(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected; the log says more")


def _said(status: HTTPStatus, sentence: str) -> Answer:
    return Answer(status, f"{sentence}\n".encode())


def _come_again(sentence: str) -> Answer:
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{sentence}\n".encode(), headers={"Retry-After": "1"})


# --- what comes and what goes --------------------------------------------------------------------------------


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        sentence = f"say it in {_HEAD_BYTES} bytes, the address and the headers together"
        raise _NoRequestError(_said(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, sentence)) from None
    asked, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, _, rest = asked.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/1."):
        raise _NoRequestError(_said(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1"))
    headers = _headers(lines)
    body = await _body(reader, headers) if method not in ("GET", "HEAD") else b""
    try:
        parts = urlsplit(target)
        every = parse_qs(parts.query, errors="strict", keep_blank_values=True)
        path = unquote(parts.path, errors="strict").rstrip("/")
    except ValueError:
        raise _NoRequestError(_said(HTTPStatus.NOT_FOUND, "there is no such page")) from None
    peer = writer.get_extra_info("peername") or ("",)
    client = str(peer[0]).removeprefix("::ffff:")  # by IPv4, to who listens by both
    return Request(path, every, method, headers, body, client)


def _headers(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise _NoRequestError(_said(HTTPStatus.BAD_REQUEST, "a header is no header"))
        name, value = found[1].lower(), found[2]
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        raise _NoRequestError(_said(HTTPStatus.LENGTH_REQUIRED, "say how long the body is (Content-Length)"))
    digits = length.lstrip("0") or "0"
    if len(digits) > len(str(BODY_BYTES)) or int(digits) > BODY_BYTES:
        raise _NoRequestError(_said(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"say it in {BODY_BYTES} bytes"))
    return await reader.readexactly(int(digits))


def _encoded(answer: Answer, *, with_body: bool = True) -> bytes:
    headers = {
        "Content-Type": answer.kind,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **answer.headers,
    }
    lines = [
        f"HTTP/1.1 {answer.status} {answer.status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (answer.body if with_body else b"")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; for `[::]`, by IPv4 as well."""
    family, _, _, _, place = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = family == socket.AF_INET6 and place[0] == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(place[:2], family=family, backlog=_KNOCKING, dualstack_ipv6=both)
