"""A receiver that stands for Mailmodo's contacts API, as strict as its documentation, on loopback.

`MailmodoReceiver` believes of each contact what it was sent (`belief`) and notes every rule that the client broke
(`violations`). A `script` makes it fail in every way that a network can. The demo and the tests use it: at the end they
ask whether what it believes is the truth.

Its sources: Mailmodo's OpenAPI documents "Contact Management" (API) and "Custom Events" (EVENTS), and its help pages
"Adding contacts via API" (ADDING) and "User properties" (PROPERTIES). What they leave open is said in the code.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from syncer.receivers.loopback import EVERYTHING, Answer, Call, Ending, Fault, Receiver, RequestRecord, Truncate

BASE = "/api/v1"
MAX_BATCH = 100
"""API, `/addToList/batch`."""

PREDEFINED: Mapping[str, type] = {
    **dict.fromkeys(
        "first_name last_name name gender phone address1 address2 city state country postal_code designation company"
        " industry description".split(),
        str,
    ),
    "age": float,
    **dict.fromkeys(("birthday", "anniversary_date", "added_at"), datetime),
}
"""PROPERTIES: fields that have a type from the beginning. The page's list is cut off."""

_TOP_LEVEL = frozenset("email data created_at last_click last_open timezone".split())

Contact = dict[str, Any]
Belief = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """What a script decides by: a call that the rules let through. `contacts` is empty for one that only reads.

    `attempt` says how often this very call has come so far, this time included.
    """

    number: int
    path: str
    list_name: str | None
    contacts: Sequence[Contact]
    attempt: int


@dataclass(frozen=True, slots=True)
class AcceptedContact:
    """A contact that took effect: when, with which data, and whether the script let the call be answered so."""

    at: datetime
    email: str
    data: Mapping[str, object]
    answered: bool


@dataclass(slots=True)
class ContactList:
    """A list, and the emails on it. For those in `started` a journey began because they joined."""

    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    emails: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)


Script = Callable[[ReceivedCall], Fault | None]


class _RejectedError(Exception):
    """The call gets an error status. `violation` is what the client did wrong, if it did."""

    def __init__(self, status: int, body: Mapping[str, object], violation: str | None = None) -> None:
        super().__init__(violation)
        self.status = status
        self.body = body
        self.violation = violation


def _invalid(message: str) -> dict[str, object]:
    """API: the envelope of a refused call."""
    return {"error": "ValidationError", "success": False, "status": "error", "message": message}


class MailmodoReceiver(Receiver):
    """Mailmodo's contacts API: see `Receiver`.

    `lists` are there from the beginning; contacts cannot be put on `static_lists`, which are segments. `refuses` are
    emails that it takes for no addresses, each with its words. `single_failure` is the status for a contact that
    `/addToList` refuses, which is not documented: 400, or 200 with `success: false`.
    """

    def __init__(
        self,
        api_key: str,
        *,
        lists: Iterable[str] = ("Audiences",),
        static_lists: Collection[str] = (),
        refuses: Mapping[str, str] | None = None,
        single_failure: int = 400,
        script: Script | None = None,
        latency: float = 0.0,
    ) -> None:
        super().__init__(latency=latency)
        self.lists = {name: ContactList() for name in lists}
        self.refuses = dict(refuses or {})
        self.script = script
        self.belief: Belief = {}
        self.accepted: list[AcceptedContact] = []
        self.types: dict[str, type] = dict(PREDEFINED)
        self.events: list[dict[str, Any]] = []
        self.requests: list[RequestRecord] = []
        self._api_key = api_key
        self._static_lists = frozenset(static_lists)
        self._single_failure = single_failure
        self._attempts: Counter[tuple[str, bytes]] = Counter()
        self._encoder = msgspec.json.Encoder()

    @property
    def url(self) -> str:
        """The endpoint."""
        return self.http.url + BASE

    @property
    def told(self) -> int:
        """How many contacts came, in all calls together."""
        return sum(record.events for record in self.requests)

    # --- one call ------------------------------------------------------------------------------------------

    def _respond(self, call: Call) -> Ending:
        try:
            self._admit(call)
            if call.path.startswith(f"{BASE}/getContactDetails?"):
                return self._finish(call, [], self._ask_script(call, None, []) or self._details(call.path))
            if call.method == "GET":
                return self._finish(call, [], self._ask_script(call, None, []) or self._all_lists())
            if call.path == BASE + "/addEvent":
                return self._finish(call, [], self._take_event(call))
            list_name, contacts = self._read(call)
        except _RejectedError as exc:
            if exc.violation is not None:
                self._violated(call, exc.violation)
            return self._finish(call, [], Answer(exc.status, body=self._encoder.encode(exc.body)))
        for contact in contacts:
            for problem in _problems(contact):
                self._violated(call, problem)
        fault = self._ask_script(call, list_name, contacts)
        with self._lock:
            refused = self._judge(contacts)
            ending = fault or self._answer(call, list_name, refused)
            count = len(contacts) if ending.apply == EVERYTHING else ending.apply
            accepted = [each for each in contacts[:count] if each["email"] not in refused]
            self._apply(call, list_name, accepted, answered=fault is None)
            return self._finish(call, contacts, ending)

    def _ask_script(self, call: Call, list_name: str | None, contacts: Sequence[Contact]) -> Ending | None:
        with self._lock:
            self._attempts[call.path, call.body] += 1
            attempt = self._attempts[call.path, call.body]
        if self.script is None:
            return None
        received = ReceivedCall(call.number, call.path.removeprefix(BASE), list_name, contacts, attempt)
        fault = self.script(received)
        return self._delayed(fault)

    def _finish(self, call: Call, contacts: Sequence[Contact], ending: Ending) -> Ending:
        status = ending.status if isinstance(ending, Answer | Truncate) else None
        headers = {name: value for name, value in call.headers.items() if name != "mmapikey"}
        with self._lock:
            self.requests.append(RequestRecord(call.number, headers, status, len(contacts), len(call.body)))
            self._lock.notify_all()
        return ending

    def _violated(self, call: Call, problem: str) -> None:
        with self._lock:
            self.violations.append(f"request {call.number}: {problem}")

    # --- its rules -----------------------------------------------------------------------------------------

    def _admit(self, call: Call) -> None:
        """API: the paths, the key, and one call at a time, for which no status is documented, nor for a bad key."""
        known = {
            "/addToList": "POST",
            "/addToList/batch": "POST",
            "/addEvent": "POST",
            "/getAllContactLists": "GET",
            "/getContactDetails": "GET",
        }
        if known.get(call.path.partition("?")[0].removeprefix(BASE)) != call.method or not call.path.startswith(BASE):
            body = {"error": "error", "message": "Some Internal Error Occurred: 404"}
            raise _RejectedError(404, body, f"no such call: {call.method} {call.path}")
        if call.headers.get("mmapikey") != self._api_key:
            raise _RejectedError(401, _invalid("Invalid API key"), "missing or wrong key")
        if call.parallel > 1:
            raise _RejectedError(400, _invalid("Parallel API calls"), f"{call.parallel} calls at once")
        for name in ("accept", *(("content-type",) if call.method == "POST" else ())):
            if call.headers.get(name, "").partition(";")[0].strip() != "application/json":
                self._violated(call, f"{name} is not application/json")
        if self._api_key.encode() in call.body:
            self._violated(call, "the key is in the body")

    def _read(self, call: Call) -> tuple[str, list[Contact]]:
        """The list and the contacts of a call. Only the refusals of duplicates and static segments are documented."""
        try:
            body = msgspec.json.decode(call.body, type=dict[str, Any])
            list_name = msgspec.convert(body.pop("listName"), str)
            contacts = msgspec.convert(body["values"] if call.path.endswith("/batch") else [body], list[Contact])
            emails = [msgspec.convert(contact["email"], str) for contact in contacts]
            msgspec.convert([contact.get("data", {}) for contact in contacts], list[dict[str, Any]])
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as exc:
            message = f"a body that is no call: {exc}"
            raise _RejectedError(400, _invalid(message), message) from None
        if not 0 < len(contacts) <= MAX_BATCH:
            raise _RejectedError(400, _invalid("at most 100 contacts"), f"a batch of {len(contacts)}")
        doubled = [email for email, times in Counter(map(_canonical, emails)).items() if times > 1]
        if doubled:
            message = f"email should be unique in values. Found duplicates for '{doubled[0]}'"
            raise _RejectedError(400, _invalid(message), message)
        if list_name in self._static_lists:
            body = {"success": False, "message": "Cannot add users to static segmentation list"}
            raise _RejectedError(400, body)
        return list_name, contacts

    def _take_event(self, call: Call) -> Ending:
        """EVENTS: one a call, `ts` in seconds, flat properties. A repetition looks like another event."""
        event = msgspec.json.decode(call.body, type=dict[str, Any])
        for problem in _problems_of_event(event):
            self._violated(call, problem)
        fault = self._ask_script(call, None, [])
        ending = fault or self._json(200, {"success": True, "ref": str(uuid.uuid4())}, EVERYTHING)
        if ending.apply:
            with self._lock:
                self.events.append(event)
        return ending

    def _judge(self, contacts: Sequence[Contact]) -> dict[str, str]:
        """Why contacts are refused, by email. The first value of a property fixes its type (ADDING)."""
        refused = {}
        for contact in contacts:
            email = contact["email"]
            wrong = [
                f"The {name} property accept(s) values in another format"
                for name, value in contact.get("data", {}).items()
                if not _fits(value, self.types.get(name))
            ]
            if email in self.refuses or "@" not in email:
                refused[email] = self.refuses.get(email, 'email" is invalid. Enter a valid email!')
            elif wrong:
                refused[email] = wrong[0]
        return refused

    def _apply(self, call: Call, list_name: str, contacts: Sequence[Contact], *, answered: bool) -> None:
        """Updates or creates the contacts, and puts them on the list, which is made if there is none."""
        if not contacts:
            return
        target = self.lists.setdefault(list_name, ContactList())
        for contact in contacts:
            email, data = _canonical(contact["email"]), contact.get("data", {})
            for name, value in data.items():
                self.types.setdefault(name, _type(value))
            self.belief.setdefault(email, {}).update(data)
            self.accepted.append(AcceptedContact(datetime.now(UTC), email, data, answered))
            if email not in target.emails and not call.path.endswith("/batch"):
                target.started.append(email)
            target.emails.add(email)

    # --- its answers ---------------------------------------------------------------------------------------

    def _all_lists(self) -> Answer:
        with self._lock:
            details = [
                {
                    "id": each.identifier,
                    "name": name,
                    "created_at": each.created_at,
                    "contacts_count": len(each.emails),
                }
                for name, each in self.lists.items()
            ]
        return self._json(200, {"listDetails": details})

    def _details(self, path: str) -> Answer:
        """API. What it says of an email that it does not know is not documented: here, what it says elsewhere."""
        [email] = parse_qs(urlsplit(path).query)["email"]
        with self._lock:
            data = self.belief.get(_canonical(email))
            if data is None:
                return self._json(400, {"success": False, "message": "Email address doesn't exist"})
            details = {"contactIdentifier": str(uuid.uuid5(uuid.NAMESPACE_URL, email)), "email": email, "data": data}
            return self._json(200, {**details, "blocked": False, "unsubscribed": False, "unsubscribedEmailTypes": []})

    def _answer(self, call: Call, list_name: str, refused: Mapping[str, str]) -> Answer:
        if not call.path.endswith("/batch"):
            if refused:
                return self._json(self._single_failure, _invalid(next(iter(refused.values()))), EVERYTHING)
            message = "The contact is successfully added/updated"
            return self._json(200, {"success": True, "message": message}, EVERYTHING)
        listed = self.lists.get(list_name)
        identifier = listed.identifier if listed else str(uuid.uuid4())
        if not refused:
            return self._json(200, {"message": "All contacts were added to the list", "listId": identifier}, EVERYTHING)
        errors = [{"email": email, "failure reason": reason} for email, reason in refused.items()]
        message = "Some contacts were not added to the list"
        return self._json(207, {"message": message, "errors": errors, "listId": identifier}, EVERYTHING)

    def _json(self, status: int, body: Mapping[str, object], apply: int = 0) -> Answer:
        return Answer(status, {"Content-Type": "application/json"}, self._encoder.encode(body), apply)


def _problems(contact: Contact) -> list[str]:
    """What is wrong with one contact, whatever Mailmodo would answer."""
    problems = [f"{name} beside the email" for name in contact.keys() - _TOP_LEVEL]
    if contact["email"] != _canonical(contact["email"]):
        problems.append(f"email that is not trimmed and lower-case: {contact['email']!r}")
    for name, value in contact.get("data", {}).items():
        if value is None or isinstance(value, list | dict):
            problems.append(f"{name} is no boolean, number or text: {value!r}")
        elif isinstance(value, str) and value.lower() in ("true", "false"):
            problems.append(f"{name} is the string {value!r}, not a boolean")
        if not _fits(value, PREDEFINED.get(name)):
            problems.append(f"{name} is a predefined field of another type")
    return problems


def _problems_of_event(event: Mapping[str, Any]) -> list[str]:
    problems = [f"{name} in an event" for name in event.keys() - {"email", "event_name", "ts", "event_properties"}]
    problems += [f"an event without {name}" for name in ("email", "event_name") if not isinstance(event.get(name), str)]
    if not isinstance(event.get("ts", 0), int) or event.get("ts", 0) > 10**11:
        problems.append(f"ts is no UNIX time in seconds: {event['ts']!r}")
    for name, value in event.get("event_properties", {}).items():
        if not isinstance(value, bool | int | float | str):
            problems.append(f"{name} of an event is no boolean, number or text: {value!r}")
    return problems


def _canonical(email: str) -> str:
    return email.strip().lower()


def _type(value: object) -> type:
    """Booleans, numbers and texts. That a text holds a date can only be guessed, so it is a text here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value)
    return float


def _fits(value: object, kind: type | None) -> bool:
    if kind is datetime:  # UNIX seconds or ISO 8601
        return _type(value) in (float, str)
    return kind is None or _type(value) is kind
