"""Segment's HTTP Tracking API: `POST /v1/batch`, as its page "HTTP API source" describes it.

Limits, all kept by construction, since Segment answers 200 and drops what breaks most of them:

- an event is at most 32 KB and a request at most 500 KB ("Max request size"). The page does not say whether
  a KB is 1,000 or 1,024 bytes; Segment's own Python library stops at 32,768 and at 475,000, and so do we;
- at most 2,500 events in a request ("Batch"); more get 200 and are dropped;
- `messageId` has fewer than 100 characters ("Spec: Common fields"); repeated, the event is ignored for a day;
- fewer than 300 traits in an identify ("Unify product limits");
- no more in a request than one second's worth of the rate limit ("Rate limits": 1,000 a second a workspace).

The key travels as the user name of HTTP Basic ("Authentication"), never in the body. `context.active = false`
updates the contact without marking it as seen ("Spec: Common fields"). Segment corrects our clock by
`sentAt`, so that is stamped anew for every attempt, as its own libraries do.

With a call for every audience, `context.personas` says what the call is about, as Engage does ("Using Engage data"):
destinations for audiences know a membership only by it, and by the property being a JSON boolean. Its ids are ours:
made from the names of destination and property, so that they stay the same, and said to be syncer's.

The status decides. Segment does not document the body of its answer, and answers 200 to whatever it received:
accepted means received, and a complete 200 with an odd body is as good as any other.
"""

import gzip as gzip_format
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import httpx
import msgspec

from syncer import __version__
from syncer.destinations.encoding import UnsendableError, check_values, encode, encode_each
from syncer.destinations.http import HttpSender, Secret, reveal, utc_now
from syncer.models import Call, Computation, Identity, Payload, Rate, Refusal, Track, Value

MAX_EVENT_BYTES = 32_768
MAX_REQUEST_BYTES = 475_000
MAX_REQUEST_EVENTS = 2_500
MAX_MESSAGE_ID = 99
MAX_TRAITS = 299
PAGE_SIZE = 500

_OPEN = b'{"batch":['
_SENT_AT = b'],"sentAt":"'
_CLOSE = b'"}'
_ENVELOPE_BYTES = len(_OPEN + _SENT_AT + b"2026-11-23T00:00:00.000000Z" + _CLOSE)


class _Track(msgspec.Struct, rename="camel", tag_field="type", tag="track", gc=False):
    """A track call: who entered or left an audience, in Engage's words. The email stands in the context's traits."""

    user_id: str
    message_id: str
    timestamp: str
    event: str
    properties: dict[str, Value]
    context: dict[str, object]
    integrations: msgspec.Raw | msgspec.UnsetType


class _Event(msgspec.Struct, rename="camel", tag_field="type", tag="identify", gc=False):
    """An identify call, in the order in which it is written."""

    user_id: str
    message_id: str
    timestamp: str
    traits: dict[str, Value]
    context: msgspec.Raw
    integrations: msgspec.Raw | msgspec.UnsetType


class SegmentDestination:
    """A Segment source. `endpoint` is the address without `/v1`; `events_per_second` 0 means no limit."""

    def __init__(
        self,
        name: str,
        *,
        write_key: Secret | str,
        endpoint: str = "https://api.segment.io",
        events_per_second: float = 1000,
        integrations: Mapping[str, object] | None = None,
        gzip: bool = False,
        timeout: float = 30.0,
        concurrency: int = 1,
        identity: Identity = "email",
        per_audience: bool = False,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self.rate = Rate(events_per_second)
        self.recognises_events = True
        self._identity = identity
        self._per_audience = per_audience
        self._space = local_id("spa", name)
        a_second = max(1, int(events_per_second)) if events_per_second else MAX_REQUEST_EVENTS
        self.page_size = min(PAGE_SIZE, a_second)
        self._max_events = min(MAX_REQUEST_EVENTS, a_second)
        self._gzip = gzip
        self._now = now
        library = {"name": "syncer", "version": __version__}
        self._plain_context = {"active": False, "library": library}
        self._context = msgspec.Raw(encode(self._plain_context))
        self._integrations: msgspec.Raw | msgspec.UnsetType = (
            msgspec.UNSET if integrations is None else msgspec.Raw(encode(dict(integrations)))
        )
        key = reveal(write_key)
        token = b64encode(f"{key}:".encode()).decode()
        self._http = HttpSender(
            name,
            endpoint,
            credential="write_key",
            headers={"Authorization": f"Basic {token}"},
            secrets=(key, token),
            timeout=timeout,
            concurrency=concurrency,
            transport=transport,
            now=now,
        )

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        """Encodes each identify once, and fills requests up to the first limit that is reached."""
        timestamp = stamp(self._now())
        events, refusals = encode_each(identifies, lambda identify: self._encode(identify, timestamp))
        requests: list[Payload] = []
        together: list[Call] = []
        encoded: list[bytes] = []
        size = _ENVELOPE_BYTES
        for identify, event in events:
            size += len(event) + 1  # and the comma after it
            if size > MAX_REQUEST_BYTES or len(encoded) == self._max_events:
                requests.append(Payload(together, encoded))
                together, encoded = [], []
                size = _ENVELOPE_BYTES + len(event) + 1
            together.append(identify)
            encoded.append(event)
        if encoded:
            requests.append(Payload(together, encoded))
        return requests, refusals

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once. Segment names no refused contact: all were received, or an error is raised."""
        body = b"".join(
            (_OPEN, b",".join(request.encoded), _SENT_AT, stamp(self._now()).encode(), _CLOSE),
        )
        headers = {"Content-Type": "application/json"}
        if self._gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip_format.compress(body, compresslevel=1, mtime=0)
        self._http.post("/v1/batch", body, headers)
        return []

    def account(self) -> Mapping[str, str]:
        """Which kind of account, and where."""
        return {"type": "segment", "endpoint": self._http.hostname, "identity": self._identity}

    def key_hash(self, salt: bytes) -> str:
        """See `models.Destination`."""
        return self._http.key_hash(salt)

    def problems(self) -> list[str]:
        """Whether the endpoint can be reached. Whether the key is right, only an event would show."""
        return self._http.problems()

    def close(self) -> None:
        """Lets go of every connection."""
        self._http.close()

    def _encode(self, call: Call, timestamp: str) -> bytes:
        if isinstance(call, Track):
            return self._encode_track(call)
        traits: dict[str, Value] = {"email": call.email, **call.traits, **call.values}
        if not call.email:
            del traits["email"]
        context = self._context
        if call.about is not None:
            context = msgspec.Raw(
                encode({**self._plain_context, **self._personas(call.about, next(iter(call.values)))})
            )
        event = _Event(call.user_id, call.message_id, timestamp, traits, context, self._integrations)
        encoded = encode(event)
        if (
            len(encoded) > MAX_EVENT_BYTES
            or len(traits) > MAX_TRAITS
            or len(call.message_id) > MAX_MESSAGE_ID
            or not call.user_id
            or b"null" in encoded
        ):
            _check(call, traits, len(encoded))
        return encoded

    def _encode_track(self, track: Track) -> bytes:
        properties: dict[str, Value] = {"audience_key": track.property, track.property: track.value}
        personas = self._personas("audience", track.property) if self._per_audience else {}
        context = {**self._plain_context, "traits": {"email": track.email}, **personas}
        event = _Track(
            track.user_id, track.message_id, stamp(track.at), track.event, properties, context, self._integrations
        )
        encoded = encode(event)
        _check(track, properties, len(encoded))
        return encoded

    def _personas(self, about: Computation, key: str) -> dict[str, object]:
        prefix = "aud" if about == "audience" else "tra"
        return {
            "personas": {
                "computation_class": about,
                "computation_id": local_id(prefix, f"{self.name} {key}"),
                "computation_key": key,
                "namespace": self._space,
                "space_id": self._space,
            }
        }


def local_id(prefix: str, text: str) -> str:
    """An id like Segment's, always the same for the same text, that nobody takes for Segment's own."""
    return f"{prefix}_syncer_{blake2b(text.encode(), digest_size=8).hexdigest()}"


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z`; in microseconds, as two attempts of one request may fall into one millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _check(identify: Call, traits: Mapping[str, Value], size: int) -> None:
    """Says which limit a call breaks, if it breaks one: Segment would answer 200 and drop it."""
    if not identify.user_id:
        raise UnsendableError("has no user id, and Segment drops an event without one")
    if size > MAX_EVENT_BYTES:
        message = f"is {size:,} bytes as JSON, and Segment takes no event over {MAX_EVENT_BYTES:,}"
        raise UnsendableError(message)
    if len(traits) > MAX_TRAITS:
        message = f"has {len(traits)} traits, and Segment drops an event with more than {MAX_TRAITS}"
        raise UnsendableError(message)
    if len(identify.message_id) > MAX_MESSAGE_ID:
        message = f"has a messageId of {len(identify.message_id)} characters, Segment allows {MAX_MESSAGE_ID}"
        raise UnsendableError(message)
    check_values(traits, null=True)
