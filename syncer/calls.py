"""Calls, and what takes them: the seam to the destinations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from syncer.models import Computation, Value


class Identify(NamedTuple):
    """One call for one contact that carries all of its changes (or one part of them, if they are very many).

    `contact` is the key that the destination knows, `email` what the call carries as such, `user_id` the user
    that the call names, `values` the changed properties, `traits` what goes along, under Segment's names.
    `about` is set where every property has a call of its own: what that is, and its `name`. `run` is the
    run's id, 0 in a preview.
    """

    contact: str
    part: int
    user_id: str
    email: str
    message_id: str
    values: Mapping[str, Value]
    traits: Mapping[str, Value] = {}
    about: Computation | None = None
    name: str = ""
    run: int = 0


class Track(NamedTuple):
    """One event about one contact: it entered (`value`) or left the audience of `property` at `at`.

    `name` is the audience's.
    """

    contact: str
    part: int
    user_id: str
    email: str
    message_id: str
    event: str
    property: str
    value: bool
    at: datetime
    name: str = ""


Call = Identify | Track
"""What is sent: every call is accepted, refused or lost by itself."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contact that the destination refused, in its own words. `http_status` is None if it was never sent."""

    identify: Call
    reason: str
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the calls of a request have in common, where that is not the same for all requests: where they go, what
    stands before and after them, and the statuses that accept them (None: the usual ones)."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    opening: bytes = b""
    closing: bytes = b""
    statuses: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """What travels together in one request: the calls, each encoded, ready to be sent any number of times."""

    identifies: Sequence[Call]
    encoded: Sequence[bytes]
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """The limit that an account grants, in events or requests a second; 0 for no limit.

    Up to `together` identifies in one request count as one: 1 where the account counts events, the number that a
    request holds where it counts requests.
    """

    per_second: float
    together: int = 1

    def count(self, identifies: int) -> int:
        """What this many identifies count as, in as few requests as possible."""
        return -(-identifies // self.together)


class Destination(Protocol):
    """An account that identify calls go to. Translates and sends: never retries, never sleeps, knows no state.

    Sending the same request twice has the same effect as sending it once. Safe to use from several threads.
    """

    name: str
    page_size: int
    """How many identifies make a page."""
    concurrency: int
    """How many requests may be in flight."""
    rate: Rate
    recognises_events: bool
    """Whether an event that is sent twice counts once."""

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        """Encodes identifies, or events, into requests within the receiver's limits, those of a contact in order. What
        no request can carry is refused here and now."""

    def body(self, request: Payload) -> bytes:
        """What a request carries, byte by byte, before it is compressed. It holds no secret."""

    def head(self, request: Payload) -> Sequence[str]:
        """What stands before the body: method and address, then each header. It holds no secret."""

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once. All but the refused were accepted. Raises `DestinationError` if the request failed whole."""

    def account(self) -> Mapping[str, str]:
        """What this points at, for the state to remember: type, endpoint (its host), identity, and all else that makes
        it another account. It holds no secret."""

    def key_hash(self, salt: bytes) -> str:
        """A keyed hash of the credential: shows that the credential changed, and nothing else."""

    def problems(self) -> list[str]:
        """What `syncer check` finds wrong without telling the account anything."""

    def caveats(self) -> list[str]:
        """What `syncer check` says of it although nothing is wrong yet."""

    def close(self) -> None:
        """Closes every connection."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What a destination says of a contact: the values of its properties, as they came; when it was changed last, by
    whomever, if it says so."""

    values: Mapping[str, object]
    changed_at: datetime | None = None


@runtime_checkable
class Readable(Protocol):
    """A destination that can be asked what it believes of a contact. Neither retries nor sleeps, as `Destination`."""

    rate: Rate
    why_unread: str | None
    """Why it cannot be asked as it is configured; None if it can."""
    written: Callable[[str, Value], tuple[str, Value]]
    """The name and the form in which it is told a property."""

    def read(self, contact: str, user_id: str, email: str) -> Belief | None:
        """Asks once; None: it does not know the contact. Raises `DestinationError`, of which `UnreadableError` is about
        this contact alone."""
