"""Who may come in: which names the console is asked by, whose forms it takes, and who has the token.

A browser carries nothing from one request to the next: there is no cookie, and no login. Whoever acts, or wants to see
addresses, gives the token in the form itself, and a program gives it as `Authorization: Bearer`. What is carried by
nobody cannot be carried by a request that another site forged, nor be read by whoever listens at another port of this
host, to whom a browser would send a cookie of ours.

A wrong token costs the address that it came from one of its tries. They come back one by one, and whoever has none left
is answered at once, and not compared.
"""

import hmac
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import parse_qs, urlsplit

from syncer.config import Console
from syncer.log import Logger
from syncer.web import Request

TRIES = 10
SECONDS_A_TRY = 1.0
"""How many wrong tokens an address may give, and how soon it may give another."""

_ADDRESSES = 1024
"""How many addresses are remembered; the one that failed longest ago is forgotten first."""

_FIELDS = 1000
_FORM = "application/x-www-form-urlencoded"


log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; `holds_token`: they gave the token."""

    name: str
    address: str
    holds_token: bool


class TurnedAwayError(Exception):
    """Somebody may not come in."""

    def __init__(self, status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


class Gate:
    """Looks at requests, in the thread of the server: it asks nobody and waits for nothing."""

    def __init__(self, settings: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = settings.token.get_secret_value().encode() if settings.token else None
        self._name = settings.token_name
        self._hosts = frozenset(settings.hosts)
        self._tries = _Tries(clock)

    @property
    def opens(self) -> bool:
        """Whether there is a token."""
        return self._token is not None

    def caller(self, request: Request) -> Caller:
        """Who asks. Raises `TurnedAwayError`."""
        if not self._is_ours(request.headers.get("host", "")):
            sentence = "ask this machine by its address, as localhost, or by a name in `console.hosts`"
            raise TurnedAwayError(HTTPStatus.MISDIRECTED_REQUEST, sentence)
        bearer = _bearer(request)
        if request.method == "POST":
            _refuse_forged(request, is_program=bearer is not None)
        texts = [text for named in (request.every, form(request)) for texts in named.values() for text in texts]
        if any("\0" in text for text in texts):
            raise TurnedAwayError(HTTPStatus.BAD_REQUEST, "no database has such a text")
        given = bearer if bearer is not None else next(iter(form(request).get("token", ())), None)
        if given:
            self._check(given, request.client)
        return Caller(self._name, request.client, holds_token=bool(given))

    def insist(self, caller: Caller) -> None:
        """Raises `TurnedAwayError` unless they hold the token."""
        if not self.opens:
            raise TurnedAwayError(HTTPStatus.FORBIDDEN, "there is no `console.token`, so that nobody may do this here")
        if not caller.holds_token:
            raise TurnedAwayError(HTTPStatus.UNAUTHORIZED, "this needs the token", _CHALLENGE)

    def _check(self, given: str, address: str) -> None:
        if not self.opens:
            self.insist(Caller(self._name, address, holds_token=False))
        wait = self._tries.wait(address)
        if wait:
            sentence = f"there were too many wrong tokens from {address}; try again in {wait} s"
            raise TurnedAwayError(HTTPStatus.TOO_MANY_REQUESTS, sentence, {"Retry-After": str(wait)})
        if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._token or b""):
            self._tries.failed(address)
            log.warning("a wrong token for the console", address=address)
            raise TurnedAwayError(HTTPStatus.UNAUTHORIZED, "this is not the token", _CHALLENGE)

    def _is_ours(self, host: str) -> bool:
        """Whether a `Host` names this machine whatever a name server says, or by a name that people chose."""
        name = re.sub(r":\d*$", "", host).strip("[]").rstrip(".").lower()
        try:
            return name == "localhost" or name in self._hosts or bool(ip_address(name))
        except ValueError:
            return False


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="syncer"'}


def form(request: Request) -> Mapping[str, Sequence[str]]:
    """The fields of a form; none if the body is none, or is not to be read."""
    if request.media_type != _FORM:
        return {}
    try:
        return parse_qs(request.body.decode("ascii"), errors="strict", max_num_fields=_FIELDS)
    except ValueError:
        return {}


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _refuse_forged(request: Request, *, is_program: bool) -> None:
    """Only a page of ours may have a browser post something: a browser says whose page it was."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    said = [
        *([] if origin is None else [_host_of(origin) == request.headers.get("host", "").lower()]),
        *([] if site is None else [site == "same-origin"]),
    ]
    if not all(said):
        sentence = "this form is not of this site; open the page here, and send it from there"
        raise TurnedAwayError(HTTPStatus.FORBIDDEN, sentence)
    if not (said or is_program):
        sentence = "a program gives the token as `Authorization: Bearer`; a browser says whose page this is"
        raise TurnedAwayError(HTTPStatus.UNAUTHORIZED, sentence, _CHALLENGE)


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class _Tries:
    """How many wrong tokens each address may still give. They come back as time passes, whatever is tried meanwhile."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._spent_until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Seconds until the next try; 0 for now."""
        with self._lock:
            ahead = self._spent_until.get(_network(address), 0.0) - self._clock()
        missing = ahead - (TRIES - 1) * SECONDS_A_TRY
        return max(1, round(missing)) if missing > 0 else 0

    def failed(self, address: str) -> None:
        """A token was wrong."""
        key, now = _network(address), self._clock()
        with self._lock:
            self._spent_until[key] = max(now, self._spent_until.pop(key, now)) + SECONDS_A_TRY
            if len(self._spent_until) > _ADDRESSES:
                self._spent_until.popitem(last=False)


def _network(address: str) -> str:
    """Whose tries they are: whoever has an IPv6 address has as many as they like."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((int(parsed), 64), strict=False))
    return address
