"""Braze: `POST /users/track`.

Sources: its documentation, pages "Track users" (Bearer; attributes by `external_id`; `attributes_processed` counts what
was queued; "for success messages, any data not affected by an error in the errors array will still be processed"; 3,000
requests in three seconds; at most 75 objects, 50 for Monthly Active Users CY 24-25) and "API limits"; how an error
names its object (`input_array`, `index`), and that a request without any valid object is a 400, from answers recorded
in RudderStack's transformer (test/integrations/destinations/braze/network.ts).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import Item, RecipeReceiver, Told, booleans, lacking, list_of

API_KEY = "8a2d1c6e-the-rest-api-key"


class Braze(RecipeReceiver):
    address = "https://rest.iad-01.braze.com"
    path = "/users/track"
    variables: ClassVar = {"BRAZE_API_KEY": API_KEY}
    max_items = 50
    per_second = 1000

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("authorization") == f"Bearer {API_KEY}"

    def _items(self, body: Item) -> list[Item]:
        return list_of(body, "attributes")

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "external_id", "email")
        yield from booleans(self._told(item).values)

    def _told(self, item: Item) -> Told:
        values = dict(item)
        return Told(values.pop("external_id"), values.pop("email"), values)

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        errors = [{"type": words, "input_array": "attributes", "index": index} for index, words in refused.items()]
        if len(refused) == len(items):
            words = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
            return Answer(400, body=json.dumps({"message": words, "errors": errors}).encode())
        body: Item = {"message": "success", "attributes_processed": len(items) - len(refused)}
        return Answer(201, body=json.dumps(body | ({"errors": errors} if errors else {})).encode())
