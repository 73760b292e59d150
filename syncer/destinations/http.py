"""HTTP for every destination: the one place where status codes, and what comes instead of an answer, become errors.

| what comes back                                         | becomes                                            |
|---------------------------------------------------------|----------------------------------------------------|
| 2xx, read to its end                                    | `Answer`                                           |
| no connection (DNS, TCP, TLS, proxy, pool)              | `DestinationUnavailableError`, not applied         |
| 407 (a proxy's), 421, 425, 429                          | the same                                           |
| 408, 460, 5xx, a timeout, a reset, a broken or cut-off  | `DestinationUnavailableError`, perhaps applied     |
| 2xx                                                     |                                                    |
| 401, 402, 403, 404, 410 to a request with contacts      | `TurnedAwayError`: the account's, or one contact's |
| the same to any other request, and any 3xx              | `DestinationStoppedError`                          |
| any other 4xx                                           | `RequestRefusedError`, in the receiver's words     |

The body is part of the answer: a 2xx that breaks off says nothing. Any other status counts even if its body is lost,
because that only holds words. How an answer is read, and how much of it, `fetching` says. Nothing is retried here. No
message holds a secret.
"""

import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from syncer import __version__, errors
from syncer.destinations.bodies import one_line, words
from syncer.destinations.pool import Lent, Pool
from syncer.destinations.waiting import retry_after
from syncer.encryption import ending_soon
from syncer.environment import PORTS, prove
from syncer.exchanges import Fetched, NoAnswerError, Transport
from syncer.fields import hostname
from syncer.secrets import Secrets

MAX_WORDS = 300
"""Characters of a receiver's words that are kept."""

_LOOKED_AT = 16_384
"""Characters of a receiver's words that are looked at."""

_REACH_SECONDS = 5.0
"""Seconds for which `syncer check` waits for a connection."""

_SHOWN = ("User-Agent", "Content-Type", "Accept")
_STOPPING = (401, 402, 403, 404, 410)
_NAMING = (404, 410)
"""Statuses whose message repeats the path."""
_MAYBE_APPLIED = {407: False, 408: True, 421: False, 425: False, 429: False, 460: True}
"""Statuses below 500 that are worth another try, and whether the request may have been applied: a proxy that wants a
password, a timeout, the wrong server of many, too early, too many, and a load balancer that takes us for gone (not a
standard one: 460)."""
_TAG = re.compile(rb"<[a-z!/]")


def utc_now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole 2xx answer, or another that was to be taken for an answer. `is_encoded`: its body is in an encoding that
    we did not ask for, and do not read."""

    status: int
    body: bytes
    is_encoded: bool = False
    media_type: str = ""

    @property
    def is_page(self) -> bool:
        """Whether the body is a page for people: a login, or what a network shows to who is not in it yet.

        A program may call its plain `ok` HTML, as PHP does by itself; that is no page, and a lone tag is none either.
        """
        start = self.body[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        called_so = self.media_type in ("text/html", "application/xhtml+xml")
        begins = start.startswith((b"<!doctype html", b"<html")) or (called_so and start.startswith(b"<"))
        return begins and len(_TAG.findall(start)) > 1


class HttpSender:
    """Sends requests to one destination from any number of threads.

    Messages name the destination (`name`) and the options that hold its key (`credential`) and its address (`address`).
    `headers` go with every request and may hold the key. `secrets` are struck out of the receiver's words, however it
    spells them; the first of them is the key. With `secret_path` no message repeats the path, which may hold a token.
    `timeout` is in seconds.

    After a 5xx or a broken connection the next request resolves the name again and opens new connections.
    (Segment, "HTTP API source", Errors: on a 5xx refresh the resolved address and retry; and look the name up
    at least once a day.) A given `transport` is kept instead.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        *,
        credential: str,
        address: str = "endpoint",
        secret_path: bool = False,
        headers: Mapping[str, str],
        secrets: Sequence[str | re.Pattern[str]],
        timeout: float,
        concurrency: int,
        transport: Transport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            message = f"{name}: {credential} holds a character that no HTTP header can carry"
            raise ValueError(message)
        self._name = name
        parts = urlsplit(endpoint.rstrip("/"))
        self._hostname, self._path = hostname(parts), parts.path
        self._port = None if parts.port == PORTS[parts.scheme] else parts.port
        self._url = f"{parts.scheme}://{self.host}{parts.path}"
        self._credential = credential
        self._address = address
        self._secret_path = secret_path
        self._headers = _together({"User-Agent": f"syncer/{__version__}"}, headers)
        self._key = str(next(iter(secrets), ""))
        self._secrets = Secrets(secrets)
        self._timeout = timeout
        self._concurrency = concurrency
        self._transport = transport
        self._proxy = None if transport else prove(urlsplit(self._url))
        self._now = now
        self._pool = Pool(self._open)

    @property
    def hostname(self) -> str:
        """The host of the endpoint, without a port."""
        return self._hostname

    @property
    def host(self) -> str:
        """`host` or `host:port` of the endpoint, without anything secret."""
        host = f"[{self._hostname}]" if ":" in self._hostname else self._hostname
        return host if self._port is None else f"{host}:{self._port}"

    @property
    def who(self) -> str:
        """The destination's name and host: messages begin with it."""
        return f"{self._name} ({self.host})"

    def key_hash(self, salt: bytes) -> str:
        """The credential, hashed with a key: see `calls.Destination`."""
        return hmac.new(salt, self._key.encode(), "sha256").hexdigest()

    def post(self, path: str, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """POSTs once. Raises `errors.DestinationError` for all but a whole 2xx answer."""
        return self._exchange("POST", path, content, headers)

    def send(
        self,
        method: str,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        accepted: Collection[int],
    ) -> Answer:
        """Sends once; raises as `post` does, but a status that is `accepted` is an answer as a 2xx is."""
        return self._exchange(method, path, content, headers, accepted)

    def head(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> list[str]:
        """How a request begins, line by line. The values of headers that may be secret are left out."""
        together = _together(self._headers, headers or {})
        shown = (f"{name}: {value if name in _SHOWN else '***'}" for name, value in together.items())
        return [f"{method} {self._secrets.struck(f'{self._url}{path}')}", *shown]

    def get(self, path: str) -> Answer:
        """GETs once; raises as `post` does."""
        return self._exchange("GET", path)

    def ask(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        unknown: Collection[int],
    ) -> Answer:
        """Asks about one contact. A status that is `unknown`, and whatever would repeat the path, which names the
        contact, is an answer as a 2xx is. Raises `UnreadableError` for what is about this contact alone."""
        try:
            return self._exchange(method, path, content, headers, {*unknown, *_NAMING})
        except errors.RequestRefusedError as refused:
            message = f"answered {refused.http_status}"
            raise errors.UnreadableError(message) from None

    def _exchange(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accepted: Collection[int] = (),
    ) -> Answer:
        from syncer.fetching import fetch  # takes long, and a run without changes sends nothing

        with self._pool.lend() as lent:
            if lent is None:
                message = f"{self.who} was closed: nothing was sent"
                raise errors.DestinationUnavailableError(message, maybe_applied=False)
            together = _together(self._headers, headers or {})
            url = f"{self._url}{path}"
            try:
                fetched = fetch(lent.transport, method, url, self._timeout, content=content, headers=together)
                is_answer = _is_success(fetched.status) or fetched.status in accepted
                if fetched.broken is not None and is_answer:
                    raise fetched.broken
            except NoAnswerError as exc:
                self._renew(lent)
                raise self._broken(exc) from exc.__cause__
            if not _is_answered(fetched.status):
                self._renew(lent)
        if is_answer:
            encoded = fetched.is_encoded and bool(fetched.body)
            return Answer(fetched.status, fetched.body, encoded, fetched.media_type)
        raise self._refused(fetched, path, holds_contacts=content is not None)

    def problems(self) -> list[str]:
        """What `syncer check` reports: whether a connection can be opened. Sends no request."""
        with self._pool.lend() as lent:
            if lent is None:
                return []
            try:
                self._reach(lent, min(self._timeout, _REACH_SECONDS))
            except NoAnswerError as exc:
                self._renew(lent)
                return [f"{self.who} cannot be reached: {self._reason(exc)}; check {self._address} and the network"]
        return []

    def caveats(self) -> list[str]:
        """What `syncer check` notes: a certificate that ends soon. Sends no request."""
        with self._pool.lend() as lent, suppress(NoAnswerError):  # which is one of its problems
            if lent is not None:
                return ending_soon(self._hostname, self._reach(lent, _REACH_SECONDS), self._now())
        return []

    def close(self) -> None:
        """Closes every connection; those of requests in flight when they end."""
        self._pool.close()

    def clean(self, text: str) -> str:
        """A receiver's words, fit to be stored and shown: without secrets, and not too long."""
        return self._secrets.struck(text[:_LOOKED_AT])[:MAX_WORDS]

    # --- connections ---------------------------------------------------------------------------------------

    def _open(self) -> Transport:
        from syncer.fetching import open_transport

        return self._transport or open_transport(self._url, self._concurrency)

    def _reach(self, lent: Lent, timeout: float) -> datetime | None:
        from syncer.fetching import reach

        return reach(lent.transport, self._url, timeout)

    def _renew(self, lent: Lent) -> None:
        if self._transport is None:
            self._pool.retire(lent)

    # --- answers -------------------------------------------------------------------------------------------

    def _broken(self, exc: NoAnswerError) -> errors.DestinationUnavailableError:
        if exc.kind == "busy":
            message = f"{self.who}: no connection was free within {self._timeout:g} s"
        elif exc.not_sent:
            message = f"{self.who} cannot be reached: {self._reason(exc)}"
        elif exc.kind == "late":
            message = f"{self.who} did not answer within {self._timeout:g} s"
        else:
            message = f"{self.who} broke off before its answer was whole: {self._reason(exc)}"
        return errors.DestinationUnavailableError(message, maybe_applied=not exc.not_sent)

    def _reason(self, exc: NoAnswerError) -> str:
        reason = self.clean(one_line(str(exc))) or exc.name
        if self._proxy is None or not exc.not_sent:
            return reason
        if exc.kind == "proxy":
            return f"{self._proxy} answered {reason}, and opens no connection"
        return f"by way of {self._proxy}: {reason}"

    def _refused(self, fetched: Fetched, path: str, *, holds_contacts: bool) -> errors.DestinationError:
        status, said = fetched.status, self.clean(words(fetched.body))
        proxied = status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        who = f"{self.who} cannot be reached: {self._proxy or 'a proxy'}" if proxied else self.who
        message = f"{who} answered {status}" + (f": {said}" if said else " without saying why")
        if status < HTTPStatus.OK:
            return errors.DestinationUnavailableError(message, maybe_applied=True, http_status=status, quoted=said)
        if status in _STOPPING or status < HTTPStatus.BAD_REQUEST:
            advice = self._stop_message(fetched, path, said)
            if holds_contacts and status in _STOPPING:
                return errors.TurnedAwayError(advice, answer=message, http_status=status, quoted=said)
            return errors.DestinationStoppedError(advice, http_status=status, quoted=said)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _MAYBE_APPLIED:
            wait = retry_after(fetched, self._now())
            return errors.DestinationUnavailableError(
                message if wait is None else f"{message}; it asks for {wait:.0f} s of waiting",
                maybe_applied=_MAYBE_APPLIED.get(status, True),
                retry_after=wait,
                http_status=status,
                quoted=said,
            )
        return errors.RequestRefusedError(message, http_status=status)

    def _redirect_host(self, fetched: Fetched) -> str:
        """Where a redirect points. Only the host, because the rest may hold anything."""
        location = fetched.headers.get("Location", "").strip()
        if not location:
            return "nowhere"
        try:
            parts = urlsplit(location)
        except ValueError:
            return "an address that is none"
        if not parts.netloc:
            return "an address that is none" if parts.scheme else self._hostname
        return one_line(parts.hostname or "") or "an address that is none"

    def _stop_message(self, fetched: Fetched, path: str, said: str) -> str:
        status = fetched.status
        told = f'{self.who} answered {status}: "{said}".' if said else f"{self.who} answered {status}."
        match status:
            case 401 | 403:
                return (
                    f"{told} It refuses our credentials: check {self._credential}, and that {self._address} is "
                    "where that account lives."
                )
            case 402:
                return f"{told} It wants to be paid: check the plan and the bills of the account."
            case 404 | 410:
                unknown = "such path" if self._secret_path else f"{self._path.rstrip('/')}{path}"
                return f"{told} It knows no {unknown}: check {self._address}, its host, region and path."
            case _:
                where = self.clean(self._redirect_host(fetched))
                return (
                    f"{self.who} redirects to {where} ({status}). That is not followed: it would hand "
                    f"{self._credential} and the contacts to another address. Check {self._address}, and whether a "
                    "proxy stands in between."
                )


def _together(first: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    """Headers of both; the later one counts where two have a name, in whichever case."""
    named = {name.lower(): (name, value) for name, value in (*first.items(), *then.items())}
    return dict(named.values())


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _is_answered(status: int) -> bool:
    """Whether the server that was asked is the right one, and well."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.MISDIRECTED_REQUEST
