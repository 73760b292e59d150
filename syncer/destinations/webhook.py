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
names: `{"errors": [{"messageId": "…", "message": "why"}]}`. What another status means is told in `http`; any other 4xx
refuses the request, which is then sent again in halves. A receiver tells repetitions by `messageId`.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from syncer.destinations.encoding import check_values, encode, encode_each
from syncer.destinations.http import HttpSender, Secret, one_line, reveal, utc_now
from syncer.destinations.segment import stamp
from syncer.models import Call, Identity, Payload, Rate, Refusal, Track

PAGE_SIZE = 500
_SHORTEST_SECRET = 6
"""Shorter values of headers, such as a version, are no secrets; to strike them out would spoil every message."""


class _Refused(msgspec.Struct, rename="camel"):
    message_id: str
    message: str = ""


class _Answer(msgspec.Struct):
    errors: list[_Refused] = []


class WebhookDestination:
    """An address that takes identify calls. `batch` 0 sends them one by one; `url` and `headers` may hold secrets."""

    def __init__(
        self,
        name: str,
        *,
        url: Secret | str,
        headers: Mapping[str, Secret | str],
        batch: int = 0,
        hmac_secret: Secret | str | None = None,
        requests_per_second: float = 0,
        timeout: float = 30.0,
        concurrency: int = 4,
        identity: Identity = "email",
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self.recognises_events = True
        self._size = max(1, batch)
        self.rate = Rate(requests_per_second, together=self._size)
        self.page_size = max(self._size, PAGE_SIZE) if batch else PAGE_SIZE
        self._in_arrays = batch > 0
        self._identity = identity
        self._now = now
        self._hmac_secret = "" if hmac_secret is None else reveal(hmac_secret)
        parts = urlsplit(reveal(url))
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        values = {key: reveal(value) for key, value in headers.items()}
        credentials = [self._path, *(values[key] for key in sorted(values)), self._hmac_secret]
        hidden = [*credentials, parts.path, parts.query]
        self._http = HttpSender(
            name,
            f"{parts.scheme}://{parts.netloc}",
            credential="headers",
            address="url",
            secret_path=True,
            headers={**values, "Content-Type": "application/json"},
            secrets=("\n".join(credentials), *(each for each in hidden if len(each) >= _SHORTEST_SECRET)),
            timeout=timeout,
            concurrency=concurrency,
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
        """Lets go of every connection."""
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
    """Why each item that the answer names was refused, by messageId; any other body names nobody."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {each.message_id: one_line(each.message) or "refused without saying why" for each in answer.errors}
