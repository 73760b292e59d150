"""A receiver as many are, whom nobody but a template can tell anything: lists with members, by path or in batches.

    PUT    /api/lists/<list>/members/<email>    {"name": "a …", "list": "<List>"}     a member
    DELETE /api/lists/<list>/members/<email>                                          no member; 404 if it was none
    POST   /api/people                          {"key": "…", "people": [{"id": …, "email": …, <list>: true or false}]}
    GET    /api/people/<email>                  {"person": {"properties": {<list>: …}, "changed": …}}, or 404
    POST   /api/events                          {"name": …, "email": …, "key": "…"}, or {"events": […]}

Where no id stands, the Idempotency-Key is it. It answers `{"ok": true}`, or `{"ok": false, "message": "why"}`; to
people also with the rows that it does not take.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from syncer.receivers.loopback import EVERYTHING, Answer, Call, Ending, Receiver

_OK = b'{"ok": true}'


class ListReceiver(Receiver):
    """Ignores what it has taken before, by its id: see `Receiver`.

    `refuses` are emails with the words for them; a `script` answers instead, by the emails.

    `accepted` are the tellings that took effect, with when they did; `people` is whatever came of them.
    `asked` is whom it was asked about, which `answers` may answer instead; `changed` is when it says they were changed.
    """

    def __init__(self, token: str) -> None:
        super().__init__()
        self.belief: dict[str, dict[str, object]] = {}
        self.events: list[tuple[str, str]] = []
        self.refuses: dict[str, str] = {}
        self.script: Callable[[Sequence[str]], Ending | None] | None = None
        self.accepted: list[tuple[datetime, dict[str, Any]]] = []
        self.people: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.answers: Callable[[str], Ending | None] | None = None
        self.changed: dict[str, str] = {}
        self.sizes: list[int] = []
        self._token = token
        self._taken: set[str] = set()

    @property
    def url(self) -> str:
        return f"{self.http.url}/api"

    def _respond(self, call: Call) -> Ending:
        if call.headers.get("authorization") != f"Bearer {self._token}":
            return Answer(401)
        if call.method == "GET" and call.path.startswith("/api/people/"):
            return self._person(unquote(call.path.removeprefix("/api/people/"), errors="strict"))
        with self.http.changed:
            self.sizes.append(len(call.body))
            match call.method, call.path.split("/")[1:]:
                case "PUT" | "DELETE", ["api", "lists", name, "members", email]:
                    return self._member(call, unquote(name), unquote(email, errors="strict"))
                case "POST", ["api", "people"]:
                    return self._people(_read(call))
                case "POST", ["api", "events"]:
                    return self._events(call)
            self.violations.append(f"{call.method} {call.path}")
            return Answer(400)

    def _person(self, email: str) -> Ending:
        """Notes whom it was asked about."""
        self.asked.append(email)
        fault = self.answers(email) if self.answers else None
        with self.http.changed:
            if fault is not None or email not in self.belief:
                return fault or Answer(404, body=b'{"ok": false, "message": "who?"}')
            person = {"properties": self.belief[email], "changed": self.changed.get(email)}
            return Answer(200, body=msgspec.json.encode({"person": person}))

    def _member(self, call: Call, name: str, email: str) -> Ending:
        if call.method == "PUT":
            told = _read(call)
            of = told["list"].lower().replace(" ", "_")
            if set(told) != {"name", "list"} or not told["name"].startswith("a ") or of != name:
                self.violations.append(f"no member: {told}")
        elif call.body or "content-type" in call.headers:
            self.violations.append("a body that nobody reads")
        fault = self.script([email]) if self.script else None
        if fault is None and email in self.refuses:
            return Answer(200, body=msgspec.json.encode({"ok": False, "message": self.refuses[email]}))
        was = self.belief.get(email, {}).get(name)
        if (fault or Answer(apply=EVERYTHING)).apply == EVERYTHING:
            self._take(call.headers["idempotency-key"], email, {name: call.method == "PUT"})
        if fault is not None:
            return fault
        return Answer(404) if call.method == "DELETE" and not was else Answer(200, body=_OK)

    def _people(self, told: Any) -> Ending:
        if set(told) != {"key", "people"} or not 0 < len(told["people"]) <= 10:
            self.violations.append(f"no people: {told}")
        people: list[dict[str, Any]] = told["people"]
        self.people += people
        fault = self.script([each["email"] for each in people]) if self.script else None
        if fault is None or fault.apply == EVERYTHING:
            for each in people:
                if each["email"] not in self.refuses:
                    values = {name: value for name, value in each.items() if name not in ("email", "id", "user", "run")}
                    self._take(each["id"], each["email"], values)
        rejected = [
            {"row": row, "why": self.refuses[each["email"]]}
            for row, each in enumerate(people)
            if each["email"] in self.refuses
        ]
        return fault or Answer(200, body=msgspec.json.encode({"ok": True, "rejected": rejected}))

    def _take(self, message_id: str, email: str, values: Mapping[str, object]) -> None:
        if message_id in self._taken:
            return
        self._taken.add(message_id)
        self.belief.setdefault(email, {}).update(values)
        self.accepted.append((datetime.now(UTC), {"messageId": message_id, "traits": {"email": email, **values}}))

    def _events(self, call: Call) -> Ending:
        told = _read(call)
        events = told.get("events", [told])
        if len(events) != 1 or any(set(each) != {"name", "email", "key"} for each in events):
            self.violations.append(f"no event: {told}")
        if call.headers["idempotency-key"] not in self._taken:
            self._taken.add(call.headers["idempotency-key"])
            self.events += [(each["name"], each["email"]) for each in events]
        return Answer(200, body=_OK)


def _read(call: Call) -> Any:
    if call.headers.get("content-type") != "application/json":
        raise ValueError("no JSON")
    return msgspec.json.decode(call.body)
