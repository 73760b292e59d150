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
the request, which is then sent again in halves. So does a 2xx whose `errors` do not all say whom they are about: of a
call by itself that need not be said. A receiver knows repetitions by `messageId`.

A 2xx with a page for people accepts nothing: it comes from somebody who stands in between. `accept` says what else has
to be in the answer of this receiver.
"""

import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx
from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from syncer import errors, fields
from syncer.calls import Call, Payload, Rate, Refusal, Track
from syncer.destinations.encoding import check_values, encode, encode_each, stamp
from syncer.destinations.http import Answer, HttpSender, NotJSONError, one_line, read_json, utc_now, words
from syncer.destinations.options import DestinationSettings
from syncer.destinations.shaping import Shape

PAGE_SIZE = 500
_LIKE = "https://example.com/hooks/syncer"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OUR_HEADERS = {"content-type", "content-length", "host", "x-syncer-timestamp", "x-syncer-signature"}
_SHORTEST_SECRET = 6
"""Characters. Shorter values of headers, such as a version, are no secrets: striking them out would spoil messages."""
_SHORTEST_TOKEN = 12
"""Characters of a part of the path that may be one: shorter ones are words."""


def _accept(value: object) -> object:
    if value in ("any", "no_html", "json") or (isinstance(value, dict) and value and _is_json(value)):
        return value
    raise ValueError('must be "no_html", "json" or "any", or what the JSON has to hold, such as { ok = true }')


def _is_json(value: object) -> bool:
    """Whether it can stand in JSON: TOML has dates and times, too."""
    match value:
        case dict():
            return all(map(_is_json, value.values()))
        case list():
            return all(map(_is_json, value))
    return isinstance(value, bool | int | float | str)


class WebhookSettings(DestinationSettings):
    """`type = "webhook"`. `url` is the whole address, and may hold a token. `batch` 0 sends calls one by one."""

    ways_out: ClassVar = {**DestinationSettings.ways_out, "url": f'add url = "{_LIKE}"'}
    counterparts: ClassVar = {"endpoint": "url", "max_events_per_second": "max_requests_per_second"}

    own_names: ClassVar = DestinationSettings.own_names | frozenset(
        "type messageId timestamp event properties context traits audience trait".split()
    )

    type: Literal["webhook"] = "webhook"
    url: SecretStr
    headers: dict[fields.Text, fields.HeaderValue] = Field(default={})
    batch: int = Field(default=0, ge=0, le=1000)
    accept: Annotated[str | dict[str, Any], BeforeValidator(_accept)] = "no_html"
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
                raise ValueError(
                    "has a key that is no name of an HTTP header; write name = value, such as Authorization ="
                    ' "Bearer ${TOKEN}"'
                )
            if name.lower() in _OUR_HEADERS:
                raise ValueError(f"has {name!r}, which syncer sets itself")
        return headers

    def build(self) -> "WebhookDestination":
        """See `DestinationSettings`."""
        return WebhookDestination(self)


class WebhookDestination:
    """An address that takes identify calls: see `calls.Destination`."""

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
        self._accept = settings.accept
        self._identity = settings.identity
        self._shape = settings.shape
        self._now = now
        self._hmac_secret = settings.hmac_secret.get_secret_value() if settings.hmac_secret else ""
        parts = urlsplit(settings.url.get_secret_value())
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        values = {name: value.get_secret_value() for name, value in settings.headers.items()}
        credentials = [self._path, *(values[key] for key in sorted(values)), self._hmac_secret]
        told = parse_qsl(parts.query) + [("", step) for step in parts.path.split("/") if len(step) >= _SHORTEST_TOKEN]
        hidden = [*credentials, parts.path, parts.query, *(value for _, value in told)]
        secrets = ["\n".join(credentials), *(each for each in hidden if len(each) >= _SHORTEST_SECRET)]
        self._http = HttpSender(
            settings.name,
            f"{parts.scheme}://{parts.netloc}",
            credential="headers",
            address="url",
            secret_path=True,
            headers={**values, "Content-Type": "application/json"},
            secrets=(*secrets, *settings.shape.digests),
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            transport=transport,
            now=now,
        )

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        """Encodes each call once; one a request, or up to `batch`."""
        timestamp = stamp(self._now())
        encoded, refusals = encode_each(identifies, lambda call: _encode(call, timestamp, self._shape))
        together = [encoded[first : first + self._size] for first in range(0, len(encoded), self._size)]
        return [Payload([call for call, _ in each], [body for _, body in each]) for each in together], refusals

    def body(self, request: Payload) -> bytes:
        """See `calls.Destination`."""
        return b"[" + b",".join(request.encoded) + b"]" if self._in_arrays else request.encoded[0]

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once. All were accepted but those that the answer names."""
        body = self.body(request)
        answer = self._http.post(self._path, body, self._signature(body))
        reasons = self._reasons(request, answer)
        return [
            Refusal(call, self._http.clean("; ".join(reasons[call.message_id])), answer.status)
            for call in request.identifies
            if call.message_id in reasons
        ]

    def account(self) -> Mapping[str, str]:
        """Which kind of account, and where."""
        return {"type": "webhook", "endpoint": self._http.hostname, "identity": self._identity}

    def key_hash(self, salt: bytes) -> str:
        """See `calls.Destination`. Path, headers and secret together are the credential."""
        return self._http.key_hash(salt)

    def problems(self) -> list[str]:
        """Whether the address can be reached. Whether it takes our calls, only a call would show."""
        return self._http.problems()

    def caveats(self) -> list[str]:
        """Whether its certificate ends soon."""
        return self._http.caveats()

    def close(self) -> None:
        """Closes every connection."""
        self._http.close()

    def _reasons(self, request: Payload, answer: Answer) -> Mapping[str, Sequence[str]]:
        """Why each item that the answer names was refused, by messageId. Of one that was sent alone that need not be
        said; else whoever is not named, or not one of ours, may be any of them, and the request is refused.
        """
        self._refuse_unaccepted(answer)
        sent = [call.message_id for call in request.identifies]
        reasons: dict[str, list[str]] = defaultdict(list)
        for each in _listed(answer.body):
            named = each.get("messageId") if isinstance(each, dict) else None
            message_id = sent[0] if len(sent) == 1 else named
            if not isinstance(message_id, str) or message_id not in sent:
                message = f"{self._http.who} answered {answer.status}, with errors that do not say whom they are about"
                raise errors.RequestRefusedError(message, http_status=answer.status)
            reasons[message_id].append(_words(each) or "refused without saying why")
        return reasons

    def _refuse_unaccepted(self, answer: Answer) -> None:
        """Raises unless this is an answer of the receiver, and says what `accept` asks for."""
        why = None
        if answer.is_encoded:
            why = "in an encoding that it was not asked for"
        elif self._accept != "any" and answer.is_page:
            why = "with a web page: check `url`, and whether a login or a proxy stands in between"
        elif self._accept not in ("any", "no_html") and not _is_whole_json(answer.body):
            why = "with something else than the JSON that `accept` asks for"
        if why is not None:
            message = f"{self._http.who} answered {answer.status} {why}"
            raise errors.DestinationUnavailableError(message, maybe_applied=True, http_status=answer.status)
        if isinstance(self._accept, dict) and not _holds(read_json(answer.body), self._accept):
            said = self._http.clean(words(answer.body))
            message = f"{self._http.who} answered {answer.status}, and not what `accept` asks for: {said}"
            raise errors.RequestRefusedError(message, http_status=answer.status)

    def _signature(self, body: bytes) -> Mapping[str, str]:
        if not self._hmac_secret:
            return {}
        timestamp = str(int(self._now().timestamp()))
        signed = hmac.new(self._hmac_secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
        return {"X-Syncer-Timestamp": timestamp, "X-Syncer-Signature": f"sha256={signed}"}


def _encode(call: Call, timestamp: str, shape: Shape) -> bytes:
    call = shape.of(call)
    email = shape.under("email", "email", call.email)
    user_id = shape.under("user_id", "userId", call.user_id)
    if isinstance(call, Track):
        return encode(
            {
                "type": "track",
                **user_id,
                "messageId": call.message_id,
                "timestamp": stamp(call.at),
                "event": call.event,
                "properties": {"audience_key": call.property, call.property: call.value},
                "context": {"traits": email},
            }
        )
    check_values(call.values, null=True)
    about: Mapping[str, str] = {} if call.about is None else {call.about: next(iter(call.values))}
    return encode(
        {
            "type": "identify",
            **user_id,
            "messageId": call.message_id,
            "timestamp": timestamp,
            **about,
            "traits": {**email, **call.traits, **call.values},
        }
    )


def _is_whole_json(body: bytes) -> bool:
    try:
        read_json(body)
    except NotJSONError:
        return False
    return True


def _holds(found: object, wanted: object) -> bool:
    """Whether an object has at least what is wanted; any other value has to be the same."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and _holds(found[key], wanted[key]) for key in wanted)
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _listed(body: bytes) -> Sequence[object]:
    """The entries of the list of errors in an answer. Where there is one that cannot be read, all of it is an entry."""
    try:
        answer = read_json(body)
    except NotJSONError as error:
        return [error.text] if '"errors"' in error.text else []
    listed = answer.get("errors") if isinstance(answer, dict) else None
    return listed if isinstance(listed, list) else [listed] if listed else []


def _words(entry: object) -> str:
    """What an entry says: its message, whatever kind of value that is; where it has none, all of it."""
    said = entry.get("message") if isinstance(entry, dict) and "messageId" in entry else entry
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        said = said["message"]
    if said is None:
        return ""
    return one_line(said if isinstance(said, str) else encode(said).decode())
