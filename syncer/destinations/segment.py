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

With a call for every audience, `context.personas` says what the call is about, as Engage does ("Using Engage data").
Destinations for audiences know a membership only by that, and by the property being a JSON boolean. The ids in it are
made from the names of destination and property, so that they stay the same, and say that they are syncer's.
Destinations with lists of their own (Facebook, TikTok, SendGrid, Marketo, …) need `external_audience_id`, which Engage
learns when it makes the list, and some `audience_settings`: `lists` has them by property.

The status decides. Segment does not document the body of its answer, and answers 200 to whatever it received:
accepted means received, and a complete 200 with an odd body is as good as any other.
"""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from syncer import __version__, fields
from syncer.calls import Call, Payload, Rate, Refusal, Track
from syncer.destinations.encoding import UnsendableError, check_values, encode, encode_each, stamp
from syncer.destinations.http import HttpSender, utc_now
from syncer.destinations.options import DestinationSettings
from syncer.exchanges import Transport
from syncer.models import Computation, Value

ENDPOINTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
MAX_EVENT_BYTES = 32_768
MAX_REQUEST_BYTES = 475_000
MAX_REQUEST_EVENTS = 2_500
MAX_MESSAGE_ID = 99
MAX_TRAITS = 299
PAGE_SIZE = 500

_JSON = {"Content-Type": "application/json"}
_OPEN = b'{"batch":['
_SENT_AT = b'],"sentAt":"'
_CLOSE = b'"}'
_ENVELOPE_BYTES = len(_OPEN + _SENT_AT + b"2026-11-23T00:00:00.000000Z" + _CLOSE)


def _small_json(value: object) -> object:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (TypeError, ValueError):
        raise ValueError("must hold JSON values only: text, numbers, true, false, lists and tables") from None
    if size > 4096:
        raise ValueError("must not take more than 4096 bytes as JSON")
    return value


SmallJson = Annotated[dict[str, Any], BeforeValidator(_small_json)]


class ListSettings(fields.Table):
    """`lists` of a destination: what `context.personas` says beside the audience itself, for one property."""

    external_audience_id: fields.Text | None = Field(default=None, description="The list's id at the destination.")
    audience_settings: SmallJson = Field(default={}, description="Settings of the list, as Engage sends them.")


class SegmentSettings(DestinationSettings):
    """`type = "segment"`, the default. `endpoint` is the address without `/v1`, whatever was written."""

    ways_out: ClassVar = {**DestinationSettings.ways_out, "write_key": 'add write_key = "${SEGMENT_WRITE_KEY}"'}
    counterparts: ClassVar = {
        "api_key": "write_key",
        "max_requests_per_second": "max_events_per_second",
        "url": "endpoint",
    }

    keys_users: ClassVar = True
    in_clear: ClassVar = {"user_id": "Segment knows its users by it"}
    email_in_clear: ClassVar = 'what stands behind Segment knows contacts by it, unless identity = "user_id"'

    type: Literal["segment"] = "segment"
    write_key: fields.Key
    region: Literal["eu", "us"] | None = None
    endpoint: str = Field(default=None, validate_default=True)
    max_events_per_second: fields.Rate = 1000.0
    integrations: SmallJson = Field(default={})
    lists: dict[str, ListSettings] = Field(default={})
    gzip: bool = False
    concurrency: int = Field(default=4, ge=1, le=64)

    @field_validator("endpoint", mode="before")
    @classmethod
    def _of_the_region(cls, value: object, info: ValidationInfo) -> object:
        return ENDPOINTS[info.data.get("region") or "us"] if value is None else value

    @field_validator("endpoint")
    @classmethod
    def _base(cls, text: str, info: ValidationInfo) -> str:
        return fields.base_address(text, info, like=ENDPOINTS["us"], key="write key", calls="/v1(/batch)?")

    @classmethod
    def between_keys(cls, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """See `DestinationSettings`."""
        if "endpoint" in table and "region" in table:
            yield "region", "`endpoint` and `region` both name the address; keep one of them"
        if table.get("lists") and table.get("calls") != "per_audience":
            yield "lists", 'goes along with calls about one audience only: add calls = "per_audience"'

    def build(self) -> "SegmentDestination":
        """See `DestinationSettings`."""
        return SegmentDestination(self)


class _Track(msgspec.Struct, rename="camel", tag_field="type", tag="track", gc=False):
    """A track call: a contact entered or left an audience, in Engage's words. The email is in the context's traits."""

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
    """A Segment source: see `calls.Destination`."""

    def __init__(
        self,
        settings: SegmentSettings,
        *,
        transport: Transport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = settings.name
        self.concurrency = settings.concurrency
        self.rate = Rate(settings.max_events_per_second)
        self.recognises_events = True
        self._identity = settings.identity
        self._shape = settings.shape
        self._per_audience = settings.calls == "per_audience"
        self._space = local_id("spa", settings.name)
        self._lists = {key: each.model_dump(exclude_defaults=True) for key, each in settings.lists.items()}
        a_second = max(1, int(self.rate.per_second)) if self.rate.per_second else MAX_REQUEST_EVENTS
        self.page_size = min(PAGE_SIZE, a_second)
        self._max_events = min(MAX_REQUEST_EVENTS, a_second)
        self._gzip = settings.gzip
        self._now = now
        library = {"name": "syncer", "version": __version__}
        self._plain_context = {"active": False, "library": library}
        self._context = msgspec.Raw(encode(self._plain_context))
        self._integrations: msgspec.Raw | msgspec.UnsetType = (
            msgspec.Raw(encode(settings.integrations)) if settings.integrations else msgspec.UNSET
        )
        key = settings.write_key.get_secret_value()
        token = b64encode(f"{key}:".encode()).decode()
        self._http = HttpSender(
            settings.name,
            settings.endpoint,
            credential="write_key",
            headers={"Authorization": f"Basic {token}"},
            secrets=(key, token, *settings.shape.digests),
            timeout=settings.timeout,
            concurrency=settings.concurrency,
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

    def body(self, request: Payload) -> bytes:
        """See `calls.Destination`."""
        return b"".join((_OPEN, b",".join(request.encoded), _SENT_AT, stamp(self._now()).encode(), _CLOSE))

    def head(self, request: Payload) -> Sequence[str]:  # noqa: ARG002 (all are alike)
        """See `calls.Destination`."""
        return self._http.head("POST", "/v1/batch", _JSON)

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once. Segment names no refused contact: all were received, or an error is raised."""
        body = self.body(request)
        headers = _JSON
        if self._gzip:
            headers = {**_JSON, "Content-Encoding": "gzip"}
            body = gzip.compress(body, compresslevel=1, mtime=0)
        self._http.post("/v1/batch", body, headers)
        return []

    def account(self) -> Mapping[str, str]:
        """Which kind of account, and where."""
        return {"type": "segment", "endpoint": self._http.hostname, "identity": self._identity}

    def key_hash(self, salt: bytes) -> str:
        """See `calls.Destination`."""
        return self._http.key_hash(salt)

    def problems(self) -> list[str]:
        """Whether the endpoint can be reached. Whether the key is right, only an event would show."""
        return self._http.problems()

    def caveats(self) -> list[str]:
        """Whether its certificate ends soon."""
        return self._http.caveats()

    def close(self) -> None:
        """Closes every connection."""
        self._http.close()

    def _encode(self, call: Call, timestamp: str) -> bytes:
        call = self._shape.of(call)
        if isinstance(call, Track):
            return self._encode_track(call)
        email = self._shape.under("email", "email", call.email) if call.email else {}
        traits: dict[str, Value] = {**email, **call.traits, **call.values}
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
        context = {**self._plain_context, "traits": self._shape.under("email", "email", track.email), **personas}
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
                **self._lists.get(key, {}),
            }
        }


def local_id(prefix: str, text: str) -> str:
    """An id like Segment's, always the same for the same text, that cannot be taken for Segment's own."""
    return f"{prefix}_syncer_{blake2b(text.encode(), digest_size=8).hexdigest()}"


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
