"""A webhook: identify calls as JSON to any address, one by one or in arrays. The shortest example of a destination.

    POST url
    Content-Type: application/json
    X-Syncer-Timestamp: 1732343688
    X-Syncer-Signature: sha256=<hex of HMAC-SHA256(hmac_secret, timestamp + "." + body)>      (with hmac_secret)

    {"type": "identify", "userId": "u1", "messageId": "…", "timestamp": "…",
     "traits": {"email": "ada@example.com", "vip_buyers": true}}

A call about one audience only (`calls = "per_audience"`) also has `"audience": "vip_buyers"`, one about a computed
trait `"trait": "…"`. Events have Segment's form: `{"type": "track", "event": "Audience Entered", "properties": {…}}`.

With `batch = n` the body is an array of at most n of them. A 2xx accepts all of it, except the items that its body
names: `{"errors": [{"messageId": "…", "message": "why"}]}`. `http` says what other statuses mean; any other 4xx refuses
the request, which is then sent again in halves. A receiver knows repetitions by `messageId`.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from syncer import fields
from syncer.destinations.encoding import check_values, encode, encode_each, stamp
from syncer.destinations.http import HttpSender, one_line, utc_now
from syncer.destinations.options import DestinationSettings
from syncer.models import Call, Payload, Rate, Refusal, Track

PAGE_SIZE = 500
_LIKE = "https://example.com/hooks/syncer"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OUR_HEADERS = {"content-type", "content-length", "host", "x-syncer-timestamp", "x-syncer-signature"}
_SHORTEST_SECRET = 6
"""Characters. Shorter values of headers, such as a version, are no secrets: striking them out would spoil messages."""


class WebhookSettings(DestinationSettings):
    """`type = "webhook"`. `url` is the whole address, and may hold a token. `batch` 0 sends calls one by one."""

    ways_out: ClassVar = {**DestinationSettings.ways_out, "url": f'add url = "{_LIKE}"'}
    counterparts: ClassVar = {"endpoint": "url", "max_events_per_second": "max_requests_per_second"}

    type: Literal["webhook"] = "webhook"
    url: SecretStr
    headers: dict[fields.Text, fields.HeaderValue] = Field(default={})
    batch: int = Field(default=0, ge=0, le=1000)
    hmac_secret: fields.Password | None = None
    max_requests_per_second: fields.Rate = 0.0
    concurrency: int = Field(default=4, ge=1, le=64)

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        parts = fields.http_url(url.get_secret_value(), _LIKE, whole=True)
        fields.check_clear_text(parts, info, key="contacts")
        return url

    @field_validator("headers")
    @classmethod
    def _free_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name in headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"has {name!r}, which is no name of an HTTP header")
            if name.lower() in _OUR_HEADERS:
                raise ValueError(f"has {name!r}, which syncer sets itself")
        return headers

    def build(self) -> "WebhookDestination":
        """See `DestinationSettings`."""
        return WebhookDestination(self)


class _Refused(msgspec.Struct, rename="camel"):
    message_id: str
    message: str = ""


class _Answer(msgspec.Struct):
    errors: list[_Refused] = []


class WebhookDestination:
    """An address that takes identify calls: see `models.Destination`."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = settings.name
        self.concurrency = settings.concurrency
        self.recognises_events = True
        self._size = max(1, settings.batch)
        self.rate = Rate(settings.max_requests_per_second, together=self._size)
        self.page_size = max(self._size, PAGE_SIZE)
        self._in_arrays = settings.batch > 0
        self._identity = settings.identity
        self._now = now
        self._hmac_secret = settings.hmac_secret.get_secret_value() if settings.hmac_secret else ""
        parts = urlsplit(settings.url.get_secret_value())
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        values = {name: value.get_secret_value() for name, value in settings.headers.items()}
        credentials = [self._path, *(values[key] for key in sorted(values)), self._hmac_secret]
        hidden = [*credentials, parts.path, parts.query]
        self._http = HttpSender(
            settings.name,
            f"{parts.scheme}://{parts.netloc}",
            credential="headers",
            address="url",
            secret_path=True,
            headers={**values, "Content-Type": "application/json"},
            secrets=("\n".join(credentials), *(each for each in hidden if len(each) >= _SHORTEST_SECRET)),
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            transport=transport,
            now=now,
        )

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        """Encodes each call once; one a request, or up to `batch`."""
        timestamp = stamp(self._now())
        encoded, refusals = encode_each(identifies, lambda call: _encode(call, timestamp))
        together = [encoded[first : first + self._size] for first in range(0, len(encoded), self._size)]
        return [Payload([call for call, _ in each], [body for _, body in each]) for each in together], refusals

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once. All were accepted but those that the answer names."""
        body = b"[" + b",".join(request.encoded) + b"]" if self._in_arrays else request.encoded[0]
        answer = self._http.post(self._path, body, self._signature(body))
        reasons = _reasons(answer.body)
        return [
            Refusal(call, self._http.clean(reasons[call.message_id]), answer.status)
            for call in request.identifies
            if call.message_id in reasons
        ]

    def account(self) -> Mapping[str, str]:
        """Which kind of account, and where."""
        return {"type": "webhook", "endpoint": self._http.hostname, "identity": self._identity}

    def key_hash(self, salt: bytes) -> str:
        """See `models.Destination`. Path, headers and secret together are the credential."""
        return self._http.key_hash(salt)

    def problems(self) -> list[str]:
        """Whether the address can be reached. Whether it takes our calls, only a call would show."""
        return self._http.problems()

    def close(self) -> None:
        """Closes every connection."""
        self._http.close()

    def _signature(self, body: bytes) -> Mapping[str, str]:
        if not self._hmac_secret:
            return {}
        timestamp = str(int(self._now().timestamp()))
        signed = hmac.new(self._hmac_secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
        return {"X-Syncer-Timestamp": timestamp, "X-Syncer-Signature": f"sha256={signed}"}


def _encode(call: Call, timestamp: str) -> bytes:
    if isinstance(call, Track):
        return encode(
            {
                "type": "track",
                "userId": call.user_id,
                "messageId": call.message_id,
                "timestamp": stamp(call.at),
                "event": call.event,
                "properties": {"audience_key": call.property, call.property: call.value},
                "context": {"traits": {"email": call.email}},
            }
        )
    check_values(call.values, null=True)
    about: Mapping[str, str] = {} if call.about is None else {call.about: next(iter(call.values))}
    return encode(
        {
            "type": "identify",
            "userId": call.user_id,
            "messageId": call.message_id,
            "timestamp": timestamp,
            **about,
            "traits": {"email": call.email, **call.traits, **call.values},
        }
    )


def _reasons(body: bytes) -> Mapping[str, str]:
    """Why each item that the answer names was refused, by messageId; any other body names none."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {each.message_id: one_line(each.message) or "refused without saying why" for each in answer.errors}
