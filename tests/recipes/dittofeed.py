"""Dittofeed: `POST /api/public/apps/batch`.

Sources: its documentation, page "API reference: batch" (the shape, 204 as the answer, messageId as what makes a retry
safe), and of its repository packages/api/src/controllers/publicAppsController.ts (401 with a message, a body of the
wrong shape is a 400 for all of it), packages/isomorphic-lib/src/types.ts (what an identify of a batch holds) and
packages/backend-lib/src/auth.ts (the header is `Basic` and the write key that the dashboard shows, which is base64 of
an id and a secret). It publishes no limits; packages/api/src/buildApp.ts leaves a body at the 1 MiB that its web server
(Fastify) takes by default.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import Item, RecipeReceiver, Told, WrongRequestError, booleans, lacking, list_of

WRITE_KEY = b64encode(b"5a5c2f0e-97b4-4f8a-9d6b-0f0e6a1f3d11:the-secret-of-it").decode()


class Dittofeed(RecipeReceiver):
    address = "https://dittofeed.example.com"
    path = "/api/public/apps/batch"
    variables: ClassVar = {"DITTOFEED_WRITE_KEY": WRITE_KEY}
    max_bytes = 1024 * 1024
    refuses_contacts = False

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("authorization") == f"Basic {WRITE_KEY}"

    def _items(self, body: Item) -> list[Item]:
        items = list_of(body, "batch", "context")
        if any(wrong := [*lacking(item, "type", "userId", "messageId")] for item in items):
            raise WrongRequestError(400, json.dumps(wrong))
        return items

    def _problems(self, item: Item) -> Iterator[str]:
        if item["type"] != "identify" or not isinstance(item.get("traits"), dict):
            yield "no identify with traits"
        yield from lacking(item, "timestamp")
        yield from booleans(self._told(item).values)

    def _told(self, item: Item) -> Told:
        values = dict(item["traits"])
        return Told(item["userId"], values.pop("email"), values)

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        return Answer(204)
