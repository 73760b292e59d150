"""Iterable: `POST /api/users/bulkUpdate`.

Source: its API documentation (OpenAPI, "Bulk update user data": the header Api-Key; at most 4 MB; five requests a
second a project; a field that exists keeps its type; `createNewFields` decides whether an unknown field is kept or
dropped without an error; 200 with `successCount` and `failCount`, and in `failedUpdates` lists of emails; 429 says how
long in its body only). That some 1,000 users are a good size is from RudderStack's transformer (iterable/README.md).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import KB, Item, RecipeReceiver, Told, booleans, lacking, list_of

API_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


class Iterable(RecipeReceiver):
    address = "https://api.iterable.com"
    path = "/api/users/bulkUpdate"
    variables: ClassVar = {"ITERABLE_API_KEY": API_KEY}
    max_bytes = 4_000 * KB
    max_items = 1_000
    per_second = 5
    has_words = False

    def __init__(self) -> None:
        super().__init__()
        self._types: dict[str, type] = {}

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("api-key") == API_KEY

    def _items(self, body: Item) -> list[Item]:
        if body.get("createNewFields") is not True:
            self.violations.append("a field that is new may be dropped")
        return list_of(body, "users", "createNewFields")

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "email")
        if item.keys() - {"email", "dataFields", "mergeNestedObjects"}:
            yield f"unknown keys: {sorted(item)}"
        yield from booleans(item["dataFields"])
        for name, value in item["dataFields"].items():
            if self._types.setdefault(name, type(value)) is not type(value):
                yield f"{name} was {self._types[name]}, and is {value!r}"

    def _told(self, item: Item) -> Told:
        return Told(None, item["email"], item["dataFields"])

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        emails = [items[index]["email"] for index in refused]
        body = {
            "successCount": len(items) - len(emails),
            "failCount": len(emails),
            "filteredOutFields": [],
            "createdFields": [],
            "failedUpdates": {"invalidEmails": emails, "forgottenEmails": []},
        }
        return Answer(200, body=json.dumps(body).encode())
