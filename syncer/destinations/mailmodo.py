"""Mailmodo's contacts API, as its OpenAPI document "Contact Management" describes it.

    POST {endpoint}/addToList/batch       mode = "batch": up to 100 contacts a call
    mmApiKey: <key>
    {"listName": "Audiences", "values": [{"email": "ada@example.com", "data": {"vip_buyers": true}}]}

    POST {endpoint}/addToList             mode = "single": one contact a call
    {"listName": "Audiences", "email": "ada@example.com", "data": {"vip_buyers": true}}

A contact is its email: an existing one is updated, another is created, and both are on the list afterwards. Only
`/addToList` starts the journeys that begin when a contact joins the list ("Adding contacts via API"). Both set a
state, so a retry does no harm; no timestamp is sent, for none of Mailmodo's (`created_at`, `last_click`, `last_open`)
is ours to set. Values are JSON's own booleans, numbers and texts: the first value of a property fixes its type.

Kept by construction, because a whole batch is refused otherwise: at most 100 contacts; no email twice; one call at a
time per key. The documents do not say whether that last rule includes `/addToList` and the reading calls; here it does.
The limit of the plan (5, 10 or 50 requests a second) is on the pricing page only.

| what comes back                              | becomes                                                        |
|----------------------------------------------|----------------------------------------------------------------|
| 200, or 207 with `errors`                    | accepted, but those whose email is named are refused           |
| any 2xx with `success: false`, or an `error` | the request is refused: the documents hold examples of it      |
| 400 "… static segmentation list"             | the destination stops: such a list takes no contacts           |
| any 2xx without a readable answer, or whose  | perhaps applied: no contact can be called accepted             |
| `errors` name a contact that was not sent    |                                                                |
| anything else                                | see `http`                                                     |

What it believes of a contact is asked with `GET {endpoint}/getContactDetails?email=…`: see `mailmodo_details`. Traits
that go along are sent as Mailmodo's predefined fields: see `mailmodo_fields`.

Events (`POST {endpoint}/addEvent`, one a call) have no key by which Mailmodo would know a repetition.

A name that no list has makes a new list. So before its first call a destination asks for the lists, and if `list_name`
is none of them it sends nothing, unless `create_list` is set. That also shows that the key is good.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import count
from typing import ClassVar, Literal
from urllib.parse import quote

import msgspec
from pydantic import SecretStr, ValidationInfo, field_validator

from syncer import errors, fields, reserved
from syncer.calls import Belief, Call, Payload, Rate, Refusal, Track
from syncer.destinations.bodies import one_line, words
from syncer.destinations.encoding import UnsendableError, check_values, encode, encode_each
from syncer.destinations.http import Answer, HttpSender, utc_now
from syncer.destinations.mailmodo_details import details_in
from syncer.destinations.mailmodo_fields import fields_of
from syncer.destinations.mailmodo_messages import Added, AnyReply, Lists, Refused, SentContact, SentEvent
from syncer.destinations.options import AskableSettings, DestinationSettings
from syncer.destinations.reading import json_of
from syncer.destinations.serial import turnstile
from syncer.exchanges import Transport
from syncer.log import Logger
from syncer.models import Value
from syncer.spelling import suggest

ENDPOINT = "https://api.mailmodo.com/api/v1"
MAX_BATCH = 100
PAGE_REQUESTS = 10
"""Requests that a page takes at most; and never more than a second's worth."""

_STATIC_LIST = "static segmentation list"
_LISTS_SHOWN = 5

log = Logger(__name__)


class MailmodoSettings(AskableSettings):
    """`type = "mailmodo"`. There is no `concurrency`: Mailmodo takes one call at a time."""

    ways_out: ClassVar = {
        **DestinationSettings.ways_out,
        "api_key": 'add api_key = "${MAILMODO_API_KEY}"',
        "list_name": 'add list_name = "…", the list that the contacts are put on',
    }
    counterparts: ClassVar = {
        "write_key": "api_key",
        "max_events_per_second": "max_requests_per_second",
        "url": "endpoint",
    }
    takes_null: ClassVar = False
    own_names: ClassVar = DestinationSettings.own_names | reserved.WITH_MEANING
    in_clear: ClassVar = {"email": "Mailmodo knows its contacts by it", "user_id": "Mailmodo is told none"}

    type: Literal["mailmodo"] = "mailmodo"
    identity: Literal["email"] = "email"
    api_key: fields.Key
    list_name: fields.Text
    endpoint: str = ENDPOINT
    max_requests_per_second: fields.Rate = 5.0
    mode: Literal["batch", "single"] = "batch"
    create_list: bool = False

    @field_validator("identity", mode="before")
    @classmethod
    def _by_email(cls, identity: object) -> object:
        if identity == "user_id":
            raise ValueError('must be "email": Mailmodo knows its contacts by nothing else')
        return identity

    @field_validator("calls", mode="before")
    @classmethod
    def _combined(cls, calls: object) -> object:
        if calls == "per_audience":
            raise ValueError('must be "combined": Mailmodo updates contacts, and more calls would tell it nothing more')
        return calls

    @field_validator("api_key")
    @classmethod
    def _fit_for_a_header(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().isascii():
            raise ValueError("must hold plain letters, digits and signs only; copy the key again")
        return key

    @field_validator("endpoint")
    @classmethod
    def _base(cls, text: str, info: ValidationInfo) -> str:
        return fields.base_address(text, info, like=ENDPOINT, key="api key", calls="/addToList(/batch)?")

    def build(self) -> "MailmodoDestination":
        """See `DestinationSettings`."""
        return MailmodoDestination(self)


class MailmodoDestination:
    """A list of a Mailmodo account: see `calls.Destination`."""

    def __init__(
        self,
        settings: MailmodoSettings,
        *,
        transport: Transport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = settings.name
        self.concurrency = 1
        self.recognises_events = False
        self.why_unread: str | None = None
        self.written = settings.shape.written
        self._one_by_one = settings.mode == "single"
        self._request_size = 1 if self._one_by_one else MAX_BATCH
        self.rate = Rate(settings.max_requests_per_second, together=self._request_size)
        a_second = max(1, int(self.rate.per_second)) if self.rate.per_second else PAGE_REQUESTS
        self.page_size = self._request_size * min(PAGE_REQUESTS, a_second)
        self._list_name = settings.list_name
        self._shape = settings.shape
        self._create_list = settings.create_list
        self._opening = b'{"listName":' + encode(settings.list_name) + b',"values":['
        self._list_is_proven = False
        key = settings.api_key.get_secret_value()
        self._turnstile = turnstile(key)
        self._http = HttpSender(
            settings.name,
            settings.endpoint,
            credential="api_key",
            headers={"mmApiKey": key, "Content-Type": "application/json", "Accept": "application/json"},
            secrets=(key, *settings.shape.digests),
            timeout=settings.timeout,
            concurrency=self.concurrency,
            transport=transport,
            now=now,
        )

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        """Each identify goes into the first request that has room and comes after those with the same email."""
        encoded, refusals = encode_each(identifies, self._encode)
        together: list[list[tuple[Call, bytes]]] = []
        after: dict[str, int] = {}  # the requests before that one may hold the email already
        not_full = 0
        for identify, contact in encoded:
            if isinstance(identify, Track):
                together.append([(identify, contact)])
                continue
            start = max(not_full, after.get(_plain(identify.email), 0))
            place = next(n for n in count(start) if n == len(together) or len(together[n]) < self._request_size)
            if place == len(together):
                together.append([])
            together[place].append((identify, contact))
            after[_plain(identify.email)] = place + 1
            while not_full < len(together) and len(together[not_full]) == self._request_size:
                not_full += 1
        requests = [Payload([who for who, _ in each], [contact for _, contact in each]) for each in together]
        return requests, refusals

    def body(self, request: Payload) -> bytes:
        """See `calls.Destination`."""
        if self._one_by_one or isinstance(request.identifies[0], Track):
            return request.encoded[0]
        return self._opening + b",".join(request.encoded) + b"]}"

    def head(self, request: Payload) -> Sequence[str]:
        """See `calls.Destination`."""
        return self._http.head("POST", self._path(request))

    def send(self, request: Payload) -> list[Refusal]:
        """Sends once; before the first time asks whether the list is there."""
        with self._turnstile.call(self._http.who):
            self._prove_list()
            answer = self._post(request)
        return self._refusals(request, answer)

    def read(self, contact: str, user_id: str, email: str) -> Belief | None:  # noqa: ARG002
        """Asks for the contact's details, which are its properties whatever lists it is on."""
        with self._turnstile.call(self._http.who):
            path = f"/getContactDetails?email={quote(contact, safe='')}"
            answer = self._http.ask("GET", path, None, {}, (HTTPStatus.BAD_REQUEST,))
        return details_in(json_of(answer), answer.status, contact)

    def account(self) -> Mapping[str, str]:
        """Which kind of account, where, and which list of it."""
        return {
            "type": "mailmodo",
            "endpoint": self._http.hostname,
            "identity": "email",
            "list": self._list_name,
        }

    def key_hash(self, salt: bytes) -> str:
        """See `calls.Destination`."""
        return self._http.key_hash(salt)

    def problems(self) -> list[str]:
        """Whether it can be reached, takes the key, and has the list. Only reads."""
        unreachable = self._http.problems()
        if unreachable:
            return unreachable
        try:
            with self._turnstile.call(self._http.who):
                self._prove_list()
        except errors.DestinationError as error:
            return [str(error)]
        return []

    def caveats(self) -> list[str]:
        """Whether its certificate ends soon."""
        return self._http.caveats()

    def close(self) -> None:
        """Closes every connection."""
        self._http.close()

    # --- contacts ------------------------------------------------------------------------------------------

    def _encode(self, call: Call) -> bytes:
        call = self._shape.of(call)
        if not call.email:
            raise UnsendableError("has no email, and Mailmodo knows its contacts by nothing else")
        if isinstance(call, Track):
            properties: dict[str, Value] = {"audience_key": call.property, call.property: call.value}
            return encode(SentEvent(call.email, call.event, int(call.at.timestamp()), properties))
        traits = fields_of(call.traits)
        created_at = traits.pop("createdAt", traits.pop("created_at", None))
        data = {**traits, **call.values} if traits else call.values
        check_values(data)
        list_name = self._list_name if self._one_by_one else None
        return encode(SentContact(call.email, data, list_name, created_at))

    def _path(self, request: Payload) -> str:
        if isinstance(request.identifies[0], Track):
            return "/addEvent"
        return "/addToList" if self._one_by_one else "/addToList/batch"

    def _post(self, request: Payload) -> Answer:
        try:
            return self._http.post(self._path(request), self.body(request))
        except errors.RequestRefusedError as refused:
            if _STATIC_LIST not in str(refused).lower():
                raise
            message = f'{refused}. "{self._list_name}" is a static segment: set list_name to a list'
            raise errors.DestinationStoppedError(message, http_status=refused.http_status) from refused

    def _refusals(self, request: Payload, answer: Answer) -> list[Refusal]:
        """The contacts that the answer refuses, in its words; all others were accepted."""
        added = self._read(answer, Added)
        if answer.status == HTTPStatus.MULTI_STATUS and added.errors is None:
            raise self._doubt(answer, "does not say who was refused")
        if added.warnings:
            first = self._http.clean(one_line(encode(added.warnings[0]).decode()))
            log.warning("the destination warns", destination=self.name, warnings=len(added.warnings), first=first)
        reasons = self._reasons(request, added.errors or (), answer)
        return [
            Refusal(identify, self._http.clean("; ".join(reasons[identify.email])), answer.status)
            for identify in request.identifies
            if identify.email in reasons
        ]

    def _reasons(self, request: Payload, refused: Sequence[Refused], answer: Answer) -> dict[str, list[str]]:
        """Why each email was refused. A contact that was sent alone need not be named."""
        sent = {_plain(identify.email): identify.email for identify in request.identifies}
        reasons: dict[str, list[str]] = defaultdict(list)
        for each in refused:
            email = next(iter(sent.values())) if len(sent) == 1 else sent.get(_plain(each.email))
            if email is None:
                raise self._doubt(answer, "refuses somebody who was not sent")
            reasons[email].append(one_line(each.reason or "") or "refused without saying why")
        return reasons

    def _read(self, answer: Answer, kind: type[AnyReply]) -> AnyReply:
        try:
            reply = msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._doubt(answer, "is no answer of Mailmodo's") from None
        if reply.failed:
            message = f"{self._http.who} answered {answer.status}, but no success: {self._said(answer)}"
            raise errors.RequestRefusedError(message, http_status=answer.status)
        return reply

    def _doubt(self, answer: Answer, why: str) -> errors.DestinationUnavailableError:
        said = self._said(answer)
        message = f"{self._http.who} answered {answer.status}, which {why}: {said}"
        return errors.DestinationUnavailableError(message, maybe_applied=True, http_status=answer.status, quoted=said)

    def _said(self, answer: Answer) -> str:
        return self._http.clean(words(answer.body)) or "nothing"

    # --- the list ------------------------------------------------------------------------------------------

    def _prove_list(self) -> None:
        """Raises `DestinationError` unless the key is good, and the list is there or may be created."""
        if self._list_is_proven:
            return
        try:
            names = self._list_names()
        except errors.DestinationUnavailableError as error:
            raise errors.DestinationUnavailableError(
                str(error),
                maybe_applied=False,
                retry_after=error.retry_after,
                http_status=error.http_status,
                quoted=error.quoted,
            ) from error
        except errors.RequestRefusedError as refused:
            message = f"{refused}. It was only asked for its lists: check api_key, and that endpoint is Mailmodo's API"
            raise errors.DestinationStoppedError(message, http_status=refused.http_status) from refused
        if self._list_name not in names and not self._create_list:
            raise errors.DestinationStoppedError(
                f'{self._http.who} has no list "{self._list_name}"; {self._there_is(names)}. Correct list_name, or '
                "set create_list = true to have it created"
            )
        self._list_is_proven = True

    def _list_names(self) -> list[str]:
        answer = self._http.get("/getAllContactLists")
        found = self._read(answer, Lists)
        if found.lists is None:
            raise self._doubt(answer, "holds no lists")
        return [each.name for each in found.lists]

    def _there_is(self, names: Sequence[str]) -> str:
        near = suggest(self._list_name, names)
        if near:
            return f'did you mean "{self._http.clean(one_line(near[0]))}"?'
        if not names:
            return "it has no list at all"
        shown = ", ".join(f'"{self._http.clean(one_line(name))}"' for name in names[:_LISTS_SHOWN])
        return f"there is {shown}" + (f" and {len(names) - _LISTS_SHOWN} more" if len(names) > _LISTS_SHOWN else "")


def _plain(text: str) -> str:
    return text.strip().lower()
