"""HubSpot: `POST /crm/v3/objects/contacts/batch/upsert`.

Sources: its documentation, pages "Batch upsert contacts" (the shape: `id`, `idProperty`, `properties`,
`objectWriteTraceId`; `numErrors` and `errors`), "Error handling" (207 names who failed where `objectWriteTraceId` is
sent, which it says of creating), "Update contacts" (a property that does not exist is an error; an empty text clears
one) and "Increasing our API limits" (190 requests in ten seconds on higher plans; 100 on others); its own client for
Python, where a value of `properties` is a text; and RudderStack's transformer (hs/config.js), which takes 100 contacts
a batch from HubSpot's page about contacts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import Item, RecipeReceiver, Told, WrongRequestError, lacking, list_of

TOKEN = "pat-eu1-the-token-of-the-app"
_BOOLEANS = {"true": True, "false": False}


class HubSpot(RecipeReceiver):
    """Knows the properties of the `VIP` audience only; `properties` may hold others."""

    address = "https://api.hubapi.com"
    path = "/crm/v3/objects/contacts/batch/upsert"
    variables: ClassVar = {"HUBSPOT_TOKEN": TOKEN}
    max_items = 100
    per_second = 10

    def __init__(self) -> None:
        super().__init__()
        self.properties = {"email", "vip_buyers"}

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("authorization") == f"Bearer {TOKEN}"

    def _items(self, body: Item) -> list[Item]:
        items = list_of(body, "inputs")
        ids = [str(item.get("id")).lower() for item in items]
        if len(set(ids)) < len(ids):
            raise WrongRequestError(400, "Duplicate IDs found in batch input")
        unknown = {name for item in items for name in item["properties"]} - self.properties
        if unknown:
            words = ", ".join(f'Property "{name}" does not exist' for name in sorted(unknown))
            raise WrongRequestError(400, f"Property values were not valid: {words}")
        return items

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "id", "objectWriteTraceId")
        if item.get("idProperty") != "email":
            yield f"not by email: {item.get('idProperty')}"
        for name, value in item["properties"].items():
            if not isinstance(value, str) or (name != "email" and value not in _BOOLEANS):
                yield f"{name} is {value!r}"

    def _told(self, item: Item) -> Told:
        values = {name: _BOOLEANS.get(value, value) for name, value in item["properties"].items() if name != "email"}
        return Told(None, item["id"], values)

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        results = [{"id": "512", "properties": {}} for index in range(len(items)) if index not in refused]
        body: Item = {"status": "COMPLETE", "results": results}
        if not refused:
            return Answer(200, body=json.dumps(body).encode())
        errors = [
            {
                "status": "error",
                "category": "VALIDATION_ERROR",
                "message": words,
                "context": {"objectWriteTraceId": [items[index]["objectWriteTraceId"]]},
            }
            for index, words in refused.items()
        ]
        return Answer(207, body=json.dumps(body | {"numErrors": len(errors), "errors": errors}).encode())
