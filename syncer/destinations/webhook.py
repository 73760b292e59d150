"""A webhook: identify calls as JSON to any address, one by one or in arrays, or as templates of requests say.

    POST url
    Content-Type: application/json
    X-Syncer-Timestamp: 1732343688
    X-Syncer-Signature: sha256=<hex of HMAC-SHA256(hmac_secret, timestamp + "." + body)>      (with hmac_secret)

    {"type": "identify", "userId": "u1", "messageId": "…", "timestamp": "…",
     "traits": {"email": "ada@example.com", "vip_buyers": true}}

A call about one audience only (`calls = "per_audience"`) also has `"audience": "vip_buyers"`, one about a computed
trait `"trait": "…"`. Events have Segment's form: `{"type": "track", "event": "Audience Entered", "properties": {…}}`.

With `batch = n` the body is an array of at most n of them. `templates` says what else may be sent. No body is larger
than `max_bytes`. A 2xx accepts all of it, except the items that its body names:
`{"errors": [{"messageId": "…", "message": "why"}]}`. `http` says what other statuses mean; any other 4xx refuses the
request, which is then sent again in halves. A receiver knows repetitions by `messageId`.

A 2xx with a page for people accepts nothing: it comes from somebody who stands in between. `acceptance` says what else
may be asked of an answer.
"""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from syncer import errors, fields
from syncer.calls import Belief, Call, Envelope, Identify, Payload, Rate, Refusal, Track
from syncer.destinations import samples
from syncer.destinations.acceptance import Acceptance, AcceptRule, is_json, read_accept
from syncer.destinations.encoding import UnsendableError, check_values, encode, encode_each, stamp
from syncer.destinations.http import HttpSender, utc_now
from syncer.destinations.options import AskableSettings, DestinationSettings
from syncer.destinations.packing import body_in, packed
from syncer.destinations.reading import belief_in, check_program, json_of
from syncer.destinations.shaping import Shape, forms_of
from syncer.destinations.template_parts import free_headers
from syncer.destinations.templates import CallTemplates, Templates, mistakes, unfit
from syncer.exchanges import Transport
from syncer.models import Events, Identity, Mode
from syncer.secrets import Secrets

PAGE_SIZE = 500
MAX_BYTES = 500_000
_LIKE = "https://example.com/hooks/syncer"
_JSON_TYPE = re.compile(r"application/([a-z0-9.-]+\+)?json(; ?charset=utf-8)?")
_FORM_TYPE = "application/x-www-form-urlencoded"
_SHORTEST_SECRET = 6
"""Characters. Shorter values of headers, such as a version, are no secrets: striking them out would spoil messages."""
_SHORTEST_TOKEN = 12
"""Characters of a part of the path that may be one: shorter ones are words."""
UNREAD = "is about a webhook that cannot be asked what it believes: add [destinations.templates.read]"
_WITH_TEMPLATES = ("content_type", "secrets", "constants")


class WebhookSettings(AskableSettings):
    """`type = "webhook"`. `url` is the whole address, and may hold a token. `batch` 0 sends calls one by one.

    With `templates`, `url` is what their paths are added to.
    """

    ways_out: ClassVar = {**DestinationSettings.ways_out, "url": f'add url = "{_LIKE}"'}
    counterparts: ClassVar = {"endpoint": "url", "max_events_per_second": "max_requests_per_second"}

    own_names: ClassVar = DestinationSettings.own_names | frozenset(
        "type messageId timestamp event properties context traits audience trait".split()
    )

    type: Literal["webhook"] = "webhook"
    url: SecretStr
    headers: dict[fields.Text, fields.HeaderValue] = Field(default={})
    batch: int = Field(default=0, ge=0, le=1000)
    max_bytes: int = Field(default=MAX_BYTES, ge=1000, le=16_000_000)
    accept: Annotated[str | AcceptRule | dict[str, Any], BeforeValidator(read_accept)] = "no_html"
    hmac_secret: fields.Password | None = None
    max_requests_per_second: fields.Rate = 0.0
    concurrency: int = Field(default=4, ge=1, le=64)
    templates: CallTemplates | None = None
    content_type: str = "application/json"
    secrets: dict[fields.Text, fields.Password] = Field(default={})
    constants: dict[fields.Text, Any] = Field(default={})

    _headers = field_validator("headers")(free_headers)

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        parts = fields.http_url(url.get_secret_value(), _LIKE, whole=True)
        fields.check_clear_text(parts, info, key="contacts")
        return url

    @field_validator("content_type")
    @classmethod
    def _writable_type(cls, kind: str) -> str:
        if kind != _FORM_TYPE and not _JSON_TYPE.fullmatch(kind):
            raise ValueError(
                f'must be "application/json", another kind of JSON, such as "application/merge-patch+json", or'
                f' "{_FORM_TYPE}"'
            )
        return kind

    @field_validator("constants")
    @classmethod
    def _in_json(cls, constants: dict[str, Any]) -> dict[str, Any]:
        if not is_json(constants):
            raise ValueError("must hold texts, numbers, true, false, lists and tables only; put a date in quotes")
        return constants

    @classmethod
    def between_keys(cls, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """See `DestinationSettings`."""
        asking = table.get("templates")
        if table.get("reconcile_every") is not None and not (isinstance(asking, Mapping) and "read" in asking):
            yield "reconcile_every", UNREAD
        if "templates" not in table:
            idle = (key for key in _WITH_TEMPLATES if table.get(key) not in (None, cls.model_fields[key].default))
            yield from ((key, "goes along with `templates` only") for key in idle)
            return
        if table.get("content_type") == _FORM_TYPE and table.get("batch"):
            yield "batch", "goes along with JSON only: a form holds one call"
        try:
            templates = CallTemplates.model_validate(table["templates"])
        except ValidationError:  # found elsewhere
            return
        yield from unfit(templates, table, _table(table, "headers"))
        yield from mistakes(
            templates,
            _samples(table),
            as_form=table.get("content_type") == _FORM_TYPE,
            in_arrays=bool(table.get("batch")),
            secrets=_table(table, "secrets"),
            constants=_table(table, "constants"),
        )

    def build(self) -> "WebhookDestination":
        """See `DestinationSettings`."""
        return WebhookDestination(self)


def _samples(table: Mapping[str, Any]) -> Mapping[str, list[Call]]:
    identity: Identity = "user_id" if table.get("identity") == "user_id" else "email"
    return samples.calls_of(Mode(identity, table.get("calls") == "per_audience", events=Events()))


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key)
    return found if isinstance(found, Mapping) else {}


def _templates_of(settings: WebhookSettings) -> Templates | None:
    if settings.templates is None:
        return None
    return Templates(
        settings.templates,
        as_form=settings.content_type == _FORM_TYPE,
        in_arrays=settings.batch > 0,
        secrets=settings.secrets,
        constants=settings.constants,
        shape=settings.shape,
        identity=settings.identity,
    )


def _secrets_of(settings: WebhookSettings) -> list[str]:
    """What no message may hold: first the whole credential, then whatever of it, and of the templates, may be secret by
    itself."""
    parts = urlsplit(settings.url.get_secret_value())
    whole = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers, inner = _in_clear(settings.headers), _in_clear(settings.secrets)
    hmac_secret = settings.hmac_secret.get_secret_value() if settings.hmac_secret else ""
    credentials = [whole, *(headers[key] for key in sorted(headers)), hmac_secret]
    credentials += [inner[key] for key in sorted(inner)]
    values = [value for _, value in parse_qsl(parts.query)]
    values += [step for step in parts.path.split("/") if len(step) >= _SHORTEST_TOKEN]
    literals = settings.templates.literals if settings.templates else []
    hidden = [*credentials, parts.path, parts.query, *values, *literals]
    return ["\n".join(credentials), *(each for each in hidden if len(each) >= _SHORTEST_SECRET)]


def _in_clear(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}


class WebhookDestination:
    """An address that takes identify calls: see `calls.Destination`."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        transport: Transport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = settings.name
        self.concurrency = settings.concurrency
        self.recognises_events = True
        asks = settings.templates is not None and settings.templates.read is not None
        self.why_unread = None if asks else "add [destinations.templates.read], which says how it is asked"
        self.written = settings.shape.written
        self._size = max(1, settings.batch)
        self.rate = Rate(settings.max_requests_per_second, together=self._size)
        self.page_size = max(self._size, PAGE_SIZE)
        self._max_bytes = settings.max_bytes
        self._content_type = settings.content_type
        in_arrays = settings.batch > 0
        self._plain = Envelope("POST", "", (), b"[" if in_arrays else b"", b"]" if in_arrays else b"")
        self._templates = _templates_of(settings)
        if self._templates is not None:
            self.recognises_events = self._templates.recognises_events
        made = self._templates.digests if self._templates else ()
        self._identity = settings.identity
        self._shape = settings.shape
        self._now = now
        self._hmac_secret = settings.hmac_secret.get_secret_value() if settings.hmac_secret else ""
        parts = urlsplit(settings.url.get_secret_value())
        self._path, self._query = parts.path, parts.query
        self._inner = Secrets(_in_clear(settings.secrets).values())
        self._http = HttpSender(
            settings.name,
            f"{parts.scheme}://{parts.netloc}",
            credential="headers",
            address="url",
            secret_path=True,
            headers=_in_clear(settings.headers),
            secrets=(*_secrets_of(settings), *forms_of({*settings.hash.values(), *made})),
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            transport=transport,
            now=now,
        )
        self._acceptance = Acceptance(settings.accept, self._http, settings.shape)

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        """Writes each call once, and puts them together within `batch` and `max_bytes`."""
        now = self._now()
        timestamp = stamp(now)
        templates = self._templates

        def write(call: Call) -> tuple[bytes, Envelope]:
            if templates is not None:
                return templates.write(call, now)
            return _encode(call, timestamp, self._shape), self._plain

        written, refusals = encode_each(identifies, write)
        flat = [(call, item, envelope) for call, (item, envelope) in written]
        requests, too_large = packed(flat, most=self._size, max_bytes=self._max_bytes)
        return requests, [*refusals, *too_large]

    def body(self, request: Payload) -> bytes:
        """See `calls.Destination`. Without what `secrets` holds."""
        body = body_in(self._envelope(request), request)
        return self._inner.struck(body.decode()).encode() if self._templates else body

    def head(self, request: Payload) -> Sequence[str]:
        """See `calls.Destination`. `url` may hold a token in its path, or as a parameter."""
        envelope = self._envelope(request)
        hidden = "/…" if self._path.strip("/") or self._query else ""
        headers = self._headers(envelope, body_in(envelope, request))
        return self._http.head(envelope.method, f"{hidden}{self._inner.struck(envelope.path)}", headers)

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once. All were accepted but those that the answer names."""
        envelope = self._envelope(request)
        body = body_in(envelope, request)
        statuses = self._acceptance.statuses(envelope.statuses)
        headers = self._headers(envelope, body)
        answer = self._http.send(envelope.method, self._address(envelope.path), body, headers, statuses or ())
        reasons = self._acceptance.reasons(request, answer, statuses)
        return [
            Refusal(call, self._http.clean("; ".join(reasons[call.message_id])), answer.status)
            for call in request.identifies
            if call.message_id in reasons
        ]

    def read(self, contact: str, user_id: str, email: str) -> Belief | None:
        """Asks by `templates.read`."""
        who = Identify(contact, 0, user_id, email, "", {})
        try:
            question = self._templates.ask(who, self._now()) if self._templates else None
        except UnsendableError as error:
            raise errors.UnreadableError(str(error)) from None
        if question is None:
            raise errors.UnreadableError("has no template that asks")
        body, template = question.body, question.template
        kind = {"Content-Type": self._content_type} if body else {}
        headers = {**kind, **dict(question.headers), **self._signature(body or b"")}
        answer = self._http.ask(question.method, self._address(question.path), body, headers, template.unknown)
        check_program(answer)
        if answer.status in template.unknown:
            return None
        if answer.status >= 400:
            message = f"answered {answer.status}"
            raise errors.UnreadableError(message)
        return belief_in(json_of(answer), template.values, template.changed_at)

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

    def _envelope(self, request: Payload) -> Envelope:
        return request.envelope or self._plain

    def _address(self, path: str) -> str:
        """Path and query of a request: those of `url`, and what the template adds to each."""
        own, _, asked = path.partition("?")
        whole = (self._path.rstrip("/") + own if own else self._path) or "/"
        query = "&".join(part for part in (self._query, asked) if part)
        return f"{whole}?{query}" if query else whole

    def _headers(self, envelope: Envelope, body: bytes) -> Mapping[str, str]:
        """Those of this request. Without a body no type is told: some receivers then miss the body."""
        kind = {"Content-Type": self._content_type} if body else {}
        return {**kind, **dict(envelope.headers), **self._signature(body)}

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
    check_values({**call.traits, **call.values}, null=True)
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
