"""A receiver of webhooks, strict about what `syncer.destinations.webhook` promises to send."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from syncer.receivers.loopback import EVERYTHING, Answer, Call, Ending, Receiver

PATH = "/hooks/syncer?team=7"

Item = dict[str, Any]


class WebhookReceiver(Receiver):
    """Ignores what it has taken before, by messageId: see `Receiver`.

    `refuses` are emails with the words for them; a `script` answers instead. `accepted` are the identifies that took
    effect, with when they did.
    """

    def __init__(self, *, arrays: bool, token: str, hmac_secret: str | None = None) -> None:
        super().__init__()
        self.belief: dict[str, dict[str, object]] = {}
        self.events: list[Item] = []
        self.accepted: list[tuple[datetime, Item]] = []
        self.refuses: dict[str, str] = {}
        self.script: Callable[[Sequence[Item]], Ending | None] | None = None
        self._arrays = arrays
        self._token = token
        self._hmac_secret = hmac_secret
        self.duplicates = 0
        self._applied: set[str] = set()
        self._seen: dict[str, Item] = {}

    @property
    def url(self) -> str:
        return self.http.url + PATH

    def _respond(self, call: Call) -> Ending:
        with self.http.changed:
            if call.headers.get("authorization") != f"Bearer {self._token}":
                return Answer(401)
            body = msgspec.json.decode(call.body)
            items: list[Item] = body if self._arrays else [body]
            self.violations += self._problems(call, items)
            fault = self.script(items) if self.script else None
            ending = fault or self._answer(items)
            applied = items if ending.apply == EVERYTHING else items[: ending.apply]
            for item in applied:
                self._apply(item)
            return ending

    def _problems(self, call: Call, items: Sequence[Item]) -> list[str]:
        found = []
        if (call.method, call.path) != ("POST", PATH):
            found.append(f"{call.method} {call.path}")
        if call.headers.get("content-type") != "application/json":
            found.append("no JSON")
        if self._hmac_secret is not None:
            signed = call.headers.get("x-syncer-timestamp", "").encode() + b"." + call.body
            expected = "sha256=" + hmac.new(self._hmac_secret.encode(), signed, "sha256").hexdigest()
            if call.headers.get("x-syncer-signature") != expected:
                found.append("not signed")
        for item in items:
            found += [f"no {name}" for name in ("type", "userId", "messageId", "timestamp") if not item.get(name)]
            before = self._seen.setdefault(item["messageId"], item)
            if before != item:
                found.append(f"{item['messageId']} came with other content before")
        return found

    def _answer(self, items: Sequence[Item]) -> Answer:
        errors = [
            {"messageId": item["messageId"], "message": self.refuses[email]}
            for item in items
            if (email := item.get("traits", {}).get("email")) in self.refuses
        ]
        body = msgspec.json.encode({"errors": errors}) if errors else b""
        return Answer(200, body=body, apply=EVERYTHING)

    def _apply(self, item: Item) -> None:
        if item["messageId"] in self._applied:
            self.duplicates += 1
            return
        self._applied.add(item["messageId"])
        if item["type"] == "track":
            self.events.append(item)
            return
        traits: Mapping[str, object] = item["traits"]
        if traits["email"] not in self.refuses:
            values = {name: value for name, value in traits.items() if name != "email"}
            self.belief.setdefault(str(traits["email"]), {}).update(values)
            self.accepted.append((datetime.now(UTC), item))
