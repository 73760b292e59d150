"""listmonk: `POST /api/subscribers/subscription`.

Source: its documentation, pages "APIs" (the header `Authorization: token user:token`; 200 with `data`, errors with
`message`; the statuses) and "Subscribers" (one subscriber a request, by email, which makes those that are new;
`attribs_conflict` says how attributes are combined: "incoming" keeps what the request does not name; without `lists`
memberships are left alone). It publishes no limits of size or rate.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import Item, RecipeReceiver, Told, booleans, lacking

TOKEN = "syncer:the-token-of-the-user"


class Listmonk(RecipeReceiver):
    address = "https://listmonk.example.com"
    path = "/api/subscribers/subscription"
    variables: ClassVar = {"LISTMONK_TOKEN": TOKEN}
    max_items = 1

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("authorization") == f"token {TOKEN}"

    def _items(self, body: Item) -> list[Item]:
        return [body]

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "email")
        if item.get("attribs_conflict") != "incoming":
            yield "attributes that are not named may be lost"
        if item.keys() - {"email", "attribs", "attribs_conflict"}:
            yield f"more than attributes: {sorted(item)}"
        yield from booleans(item["attribs"])

    def _told(self, item: Item) -> Told:
        return Told(None, item["email"], item["attribs"])

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        if refused:
            return Answer(400, body=json.dumps({"message": refused[0]}).encode())
        made = {"subscriber": {"id": 3, **items[0]}, "created": False, "has_optin": False}
        return Answer(200, body=json.dumps({"data": made}).encode())
