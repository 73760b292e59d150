"""Jitsu's ingest: `POST /api/s/s2s/batch`.

Sources: its documentation, page "Sending data: HTTP API" (the header X-Write-Key holds keyId:keySecret, and decides
which site it is), and of its repository bulker the files ingest/router_batch_handler.go (what an answer holds: a batch
of which events fail has status 200 and `"ok": false`; the messageId is cut to 64 characters) and ingest/router.go (the
path, the characters of a messageId, types of events; a request may take five seconds). It publishes no limits of size
or rate, and no others are here.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import Item, RecipeReceiver, Told, booleans, lacking, list_of

KEY, SECRET = "keyId", "keySecretOfTheSite"
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Jitsu(RecipeReceiver):
    address = "https://example.d.jitsu.com"
    path = "/api/s/s2s/batch"
    variables: ClassVar = {"JITSU_WRITE_KEY": f"{KEY}:{SECRET}"}

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("x-write-key") == f"{KEY}:{SECRET}"

    def _items(self, body: Item) -> list[Item]:
        return list_of(body, "batch", "context", "writeKey")

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "userId", "timestamp")
        if item.get("type") != "identify":
            yield f"no identify: {item.get('type')}"
        if not _MESSAGE_ID.fullmatch(str(item.get("messageId"))):
            yield f"messageId {item.get('messageId')!r} would be changed"
        yield from booleans(self._told(item).values)

    def _told(self, item: Item) -> Told:
        values = dict(item["traits"])
        return Told(item["userId"], values.pop("email"), values)

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        errors = [f"Message ID: {items[index]['messageId']}: {words}" for index, words in refused.items()]
        body: Item = {"ok": not errors, "receivedEvents": len(items), "okEvents": len(items) - len(errors)}
        return Answer(200, body=json.dumps(body | ({"errors": errors} if errors else {})).encode())
