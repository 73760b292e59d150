"""What the receivers of the recipes have in common: each stands for one product, as strict as what that publishes.

A subclass says where its product listens, how much it takes, what an item of a request has to look like, and how it
answers. Where a product publishes no rule, its receiver has none.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

import msgspec

from syncer.receivers.loopback import EVERYTHING, Answer, Call, Ending, Receiver

KB = 1_000
"""Where a product does not say whether a KB is 1,000 or 1,024 bytes, it is the less."""

Item = dict[str, Any]


class Told(NamedTuple):
    """What an item says: of whom, and the properties, or the name of an event. `user` None: it names none."""

    user: str | None
    email: str
    values: Mapping[str, object]
    event: str | None = None


class WrongRequestError(Exception):
    """The request is answered with this status, in these words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class RecipeReceiver(Receiver):
    """See `Receiver`. `refuses` are emails with the words for them; a `script` of emails answers instead.

    `accepted` is what took effect of the identifies: when, and whether the answer accepted the whole request.
    """

    address: ClassVar[str]
    """How the recipe's `url` or `endpoint` begins: this receiver stands there in its place."""

    path: ClassVar[str]
    variables: ClassVar[Mapping[str, str]]
    """The variables of the recipe."""

    max_bytes: ClassVar[int | None] = None
    max_items: ClassVar[int | None] = None
    per_second: ClassVar[float | None] = None
    """Requests a second. None, of any of the three: nothing is published."""

    refuses_contacts: ClassVar[bool] = True
    """Whether its answer can say that a contact was refused."""

    has_words: ClassVar[bool] = True
    """Whether it says why."""

    def __init__(self) -> None:
        super().__init__()
        self.belief: dict[str, dict[str, object]] = {}
        self.events: list[tuple[str, str]] = []
        self.accepted: list[tuple[datetime, Told, bool]] = []
        self.refuses: dict[str, str] = {}
        self.script: Callable[[Collection[str]], Ending | None] | None = None

    # --- what a product is ----------------------------------------------------------------------------------

    @abstractmethod
    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        """Whether the credentials are the account's."""

    @abstractmethod
    def _items(self, body: Item) -> list[Item]:
        """The items of a request. Raises `WrongRequestError` if it is none."""

    @abstractmethod
    def _problems(self, item: Item) -> Iterator[str]:
        """What is wrong with an item."""

    @abstractmethod
    def _told(self, item: Item) -> Told:
        """What an item says."""

    @abstractmethod
    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        """The answer to a request, of which these items are refused. `apply` is not looked at."""

    # --- what all are ---------------------------------------------------------------------------------------

    def _respond(self, call: Call) -> Ending:
        with self.http.changed:
            try:
                return self._take(call)
            except WrongRequestError as wrong:
                self.violations.append(f"{wrong.status}: {wrong}")
                return Answer(wrong.status, body=json.dumps({"message": str(wrong)}).encode())

    def _take(self, call: Call) -> Ending:
        body = self._read(call)
        if not self._knows(call.headers, body):
            return Answer(401, body=b'{"message": "these are not our credentials"}')
        items = self._items(body)
        if not items or len(items) > (self.max_items or len(items)):
            raise WrongRequestError(400, f"{len(items)} items in one request")
        for item in items:
            self.violations += self._problems(item)
        told = [self._told(item) for item in items]
        emails = [each.email for each in told if each.event is None]
        if self.script is not None and emails and (ending := self.script(emails)) is not None:
            self._believe(told if ending.apply == EVERYTHING else told[: ending.apply], answered=False)
            return ending
        refused = {
            index: self.refuses[each.email]
            for index, each in enumerate(told)
            if each.event is None and each.email in self.refuses
        }
        self._believe([each for index, each in enumerate(told) if index not in refused], answered=not refused)
        return self._answer(items, refused)

    def _read(self, call: Call) -> Item:
        if (call.method, call.path) != ("POST", self.path):
            raise WrongRequestError(404, f"{call.method} {call.path}")
        if call.headers.get("content-type") != "application/json":
            raise WrongRequestError(415, f"the content is {call.headers.get('content-type')}")
        if self.max_bytes is not None and len(call.body) > self.max_bytes:
            raise WrongRequestError(413, f"a request of {len(call.body)} bytes")
        try:
            body = msgspec.json.decode(call.body)
        except msgspec.DecodeError as error:
            raise WrongRequestError(400, f"no JSON: {error}") from None
        if not isinstance(body, dict):
            raise WrongRequestError(400, "no JSON object")
        return body

    def _believe(self, told: Sequence[Told], *, answered: bool) -> None:
        for each in told:
            if each.event is not None:
                self.events.append((each.event, each.email))
            else:
                self.belief.setdefault(each.email, {}).update(each.values)
                self.accepted.append((datetime.now(UTC), each, answered))


def list_of(body: Item, name: str, *others: str) -> list[Item]:
    """The items under this name, beside which only the others may stand."""
    items = body.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise WrongRequestError(400, f"no list of objects as {name!r}")
    if strange := body.keys() - {name, *others}:
        raise WrongRequestError(400, f"unknown beside {name!r}: {', '.join(sorted(strange))}")
    return items


def size_of(item: Item) -> int:
    """How long an item is as JSON."""
    return len(msgspec.json.encode(item))


def lacking(item: Mapping[str, object], *names: str) -> Iterator[str]:
    """Says which of these are not there, or no text, or empty."""
    for name in names:
        value = item.get(name)
        if not isinstance(value, str) or not value:
            yield f"{name} is {value!r}"


def booleans(values: Mapping[str, object]) -> Iterator[str]:
    """An audience is true or false, never a text."""
    for name, value in values.items():
        if value is None or (isinstance(value, str) and value.lower() in ("true", "false")):
            yield f"{name} is {value!r}"
