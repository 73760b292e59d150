"""A receiver that stands for Segment's `POST /v1/batch`, as strict as its documentation, on loopback.

`SegmentReceiver` believes what a consumer behind Segment would (`belief`) and notes every rule that the client broke
(`violations`; the rules are in `segment_rules`). A `script` makes it fail in every way that a network can. The demo and
the tests use it: at the end they ask whether what it believes is the truth.
"""

import binascii
import gzip
import zlib
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import msgspec

from syncer.receivers import segment_rules as rules
from syncer.receivers.loopback import EVERYTHING, Answer, Call, Ending, Fault, Receiver, RequestRecord, Truncate
from syncer.receivers.segment_memory import Belief, Event, Memory, ReceivedEvent


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """What a script decides by: a batch that the rules let through.

    `attempts` says how often each messageId has come so far, this time included.
    """

    number: int
    headers: Mapping[str, str]
    events: Sequence[Event]
    attempts: Mapping[str, int]
    sent_at: str | None

    @property
    def attempt(self) -> int:
        """The highest of the `attempts`."""
        return max(self.attempts.values(), default=1)


Script = Callable[[ReceivedRequest], Fault | None]


@dataclass(frozen=True, slots=True)
class _Batch:
    """A request that has been read: events, how long each is as JSON, and the members beside them."""

    events: list[Event]
    sizes: list[int]
    rest: dict[str, object] = field(default_factory=dict)


class _RejectedError(Exception):
    """The request gets an error status. `status` is the answer, the message the violation."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SegmentReceiver(Receiver):
    """Segment's batch endpoint: see `Receiver`.

    `belief` is what a consumer that keys contacts by email believes, `belief_by_user` Segment's own profiles. Without
    `keep_events` only these, counts and the messageIds are kept, for large runs. `allowed_traits` are reserved traits
    that are sent on purpose, `allowed_nulls` traits that may be null. More than `max_parallel` requests at once are a
    violation.
    """

    def __init__(
        self,
        write_key: str,
        *,
        script: Script | None = None,
        latency: float = 0.0,
        keep_events: bool = True,
        max_parallel: int | None = None,
        allowed_traits: Collection[str] = (),
        allowed_nulls: Collection[str] = (),
        require_email: bool = True,
    ) -> None:
        super().__init__(latency=latency)
        self.requests: list[RequestRecord] = []
        self.script = script
        self._write_key = write_key
        self._max_parallel = max_parallel
        self.allowed_traits = frozenset(allowed_traits)
        self.allowed_nulls = frozenset(allowed_nulls)
        self._require_email = require_email
        self._memory = Memory(keep_events=keep_events)
        self._encoder = msgspec.json.Encoder()

    @property
    def belief(self) -> Belief:
        """Email to property to value."""
        return self._memory.belief

    @property
    def belief_by_user(self) -> Belief:
        """User id to property to value."""
        return self._memory.belief_by_user

    @property
    def events(self) -> list[ReceivedEvent]:
        """The events that took effect, in their order; empty without `keep_events`."""
        return self._memory.events

    @property
    def event_count(self) -> int:
        """How many events took effect."""
        return self._memory.event_count

    @property
    def duplicates(self) -> int:
        """How many events came again after they had taken effect. Like Segment, it ignores them."""
        return self._memory.duplicates

    # --- one request ---------------------------------------------------------------------------------------

    def _respond(self, call: Call) -> Ending:
        try:
            self._admit(call)
            batch = self._read(call)
        except _RejectedError as exc:
            body = self._encoder.encode({"success": False, "message": str(exc)})
            return self._record(call, Answer(exc.status, body=body), 0, [str(exc)])
        problems = self._around(call, batch)
        sound = []  # in the sense that Segment keeps them
        for event, size in zip(batch.events, batch.sizes, strict=True):
            wrong = self._check(event, size)
            problems += wrong
            sound.append(not (wrong and rules.dropped(event)))
        with self._lock:
            attempts, repeated = self._memory.note(batch.events, batch.rest.get("sentAt"))
            problems += repeated
        if max(batch.sizes, default=0) > rules.MAX_EVENT_BYTES:
            return self._record(call, Answer(400, body=b'{"success":false}'), len(batch.events), problems)
        fault = self._ask_script(call, batch, attempts)
        ending = fault or Answer(200, body=b'{"success":true}', apply=EVERYTHING)
        count = len(batch.events) if ending.apply == EVERYTHING else ending.apply
        if len(batch.events) > rules.MAX_BATCH_EVENTS:
            count = 0
        with self._lock:
            self._memory.apply(call.number, list(compress(batch.events[:count], sound)))
            return self._record(call, ending, len(batch.events), problems)

    def _ask_script(self, call: Call, batch: _Batch, attempts: dict[str, int]) -> Ending | None:
        if self.script is None:
            return None
        sent_at = batch.rest.get("sentAt")
        fault = self.script(
            ReceivedRequest(
                call.number, _public(call), batch.events, attempts, sent_at if isinstance(sent_at, str) else None
            )
        )
        return self._delayed(fault)

    def _record(self, call: Call, ending: Ending, events: int, problems: Sequence[str]) -> Ending:
        status = ending.status if isinstance(ending, Answer | Truncate) else None
        with self._lock:
            self.violations += [f"request {call.number}: {problem}" for problem in problems]
            self.requests.append(RequestRecord(call.number, _public(call), status, events, len(call.body)))
            self._lock.notify_all()
        return ending

    # --- its rules -----------------------------------------------------------------------------------------

    def _admit(self, call: Call) -> None:
        """HTTP API source: the path, the method and "Authentication". What a bad key gets is not documented."""
        if call.path != "/v1/batch":
            raise _RejectedError(404, f"no such path: {call.path}")
        if call.method != "POST":
            raise _RejectedError(405, f"no such method: {call.method}")
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        try:
            user, colon, password = b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _RejectedError(401, "credentials that are not base64") from None
        if kind != "Basic" or not colon or password or user != self._write_key:
            raise _RejectedError(401, "missing or wrong credentials")

    def _read(self, call: Call) -> _Batch:
        """HTTP API source: 400 for what is too large or is no JSON."""
        body = call.body
        if call.headers.get("content-encoding") == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error):
                raise _RejectedError(400, "a body that is not gzip") from None
        if len(body) > rules.MAX_BODY_BYTES:
            raise _RejectedError(400, f"a request of {len(body)} bytes")
        if b'"%b"' % self._write_key.encode() in body:
            with self._lock:
                self.violations.append(f"request {call.number}: the write key is in the body")
        try:
            rest = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            raw = msgspec.json.decode(rest.pop("batch"), type=list[msgspec.Raw])
            events = [_EVENT.decode(event) for event in raw]
            return _Batch(events, [len(event) for event in raw], msgspec.json.decode(self._encoder.encode(rest)))
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as exc:
            raise _RejectedError(400, f"a body that is no batch in JSON: {exc}") from None

    def _around(self, call: Call, batch: _Batch) -> list[str]:
        """What is wrong with the request itself, although Segment answers 200."""
        problems = rules.moment("sentAt", batch.rest.get("sentAt"))
        kind = call.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/json":
            problems.append(f"Content-Type is {kind or 'missing'}, not application/json")
        if len(batch.events) > rules.MAX_BATCH_EVENTS:
            problems.append(f"{len(batch.events)} events in one batch: answered 200 and dropped")
        if not batch.events:
            problems.append("an empty batch")
        if self._max_parallel is not None and call.parallel > self._max_parallel:
            problems.append(f"{call.parallel} requests at once")
        return problems

    def _check(self, event: Event, size: int) -> list[str]:
        """What is wrong with one event."""
        problems = rules.identity(event) + rules.moment("timestamp", event.get("timestamp")) + rules.personas(event)
        if size > rules.MAX_EVENT_BYTES:
            problems.append(f"an event of {size} bytes")
        kind = event.get("type")
        if kind == "identify":
            traits = event.get("traits")
            if not isinstance(traits, dict):
                return [*problems, "an identify without traits"]
            problems += rules.traits(traits, self.allowed_traits, self.allowed_nulls)
            if self._require_email and not isinstance(traits.get("email"), str):
                problems.append("no traits.email: Mailmodo drops the event")
        elif kind != "track" or not event.get("event"):
            problems.append(f"no identify, and no track with a name: {kind!r}")
        return problems


_EVENT = msgspec.json.Decoder(Event)


def _public(call: Call) -> dict[str, str]:
    return {name: value for name, value in call.headers.items() if name != "authorization"}
