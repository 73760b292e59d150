"""Customer.io: `POST /api/v2/batch` of the Track API.

Sources: its documentation, "Track API" (OpenAPI: Basic with site id and API key; a batch is smaller than 500 kb, each
of its requests at most 32 kb; 207 if some are invalid, and then all others are accepted, with `batch_index`, `reason`,
`field` and `message`; 100 requests a second as fair use) and "Invalid Track API requests" (at most 300 attributes,
names of at most 150 bytes, values of at most 1,000).
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import KB, Item, RecipeReceiver, Told, booleans, lacking, list_of, size_of

BASIC = b64encode(b"the-site-id:the-api-key").decode()


class CustomerIo(RecipeReceiver):
    address = "https://track.customer.io"
    path = "/api/v2/batch"
    variables: ClassVar = {"CUSTOMERIO_BASIC": BASIC}
    max_bytes = 500 * KB - 1
    per_second = 100

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("authorization") == f"Basic {BASIC}"

    def _items(self, body: Item) -> list[Item]:
        return list_of(body, "batch")

    def _problems(self, item: Item) -> Iterator[str]:
        if (item.get("type"), item.get("action")) != ("person", "identify"):
            yield f"no identify of a person: {item.get('type')}, {item.get('action')}"
        if item.keys() - {"type", "action", "identifiers", "attributes"}:
            yield f"unknown keys: {sorted(item)}"
        yield from lacking(item["identifiers"], "email")
        if size_of(item) > 32 * KB:
            yield f"a request of {size_of(item)} bytes"
        attributes = item["attributes"]
        if len(attributes) > 300 or any(len(name.encode()) > 150 for name in attributes):
            yield "too many attributes, or a name that is too long"
        if any(isinstance(value, str) and len(value.encode()) > KB for value in attributes.values()):
            yield "an attribute that is too long"
        yield from booleans(attributes)

    def _told(self, item: Item) -> Told:
        return Told(None, item["identifiers"]["email"], item["attributes"])

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        if not refused:
            return Answer(200, body=b"{}")
        errors = [
            {"batch_index": index, "reason": "invalid", "field": "email", "message": words}
            for index, words in refused.items()
        ]
        return Answer(207, body=json.dumps({"errors": errors}).encode())
