"""RudderStack's data plane: `POST /v1/batch`.

Sources: its documentation, page "HTTP API" (Basic with the source's write key as user name and no password; 32 KB a
call, 4 MB a batch; "OK" as plain text; 400, 401, 404, 413, 429), and of its server the files gateway/openapi.yaml,
gateway/handle.go (an event without userId and anonymousId refuses the whole batch; a batch must not be empty) and
gateway/response/response.go (the words). Its transformer (src/v0/util/data/GenericFieldMapping.json) reads traits in
`traits`, else in `context.traits`; its own client for Python counts a MB as 1,024 times 1,024 bytes.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import Item, RecipeReceiver, Told, booleans, lacking, list_of, size_of

WRITE_KEY = "1Xk5DChfJAol3xtW7qNnK1apo5p"


class RudderStack(RecipeReceiver):
    address = "https://example.dataplane.rudderstack.com"
    path = "/v1/batch"
    variables: ClassVar = {"RUDDERSTACK_WRITE_KEY": WRITE_KEY}
    max_bytes = 4 * 1024 * 1024
    refuses_contacts = False

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return headers.get("authorization") == "Basic " + b64encode(f"{WRITE_KEY}:".encode()).decode()

    def _items(self, body: Item) -> list[Item]:
        return list_of(body, "batch", "sentAt")

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "type", "userId", "messageId", "timestamp")
        if size_of(item) > 32 * 1024:
            yield f"an event of {size_of(item)} bytes"
        if datetime.fromisoformat(item["timestamp"]).tzinfo is None:
            yield f"a time without a zone: {item['timestamp']}"
        if item["type"] == "identify":
            yield from booleans(self._told(item).values)
        elif item["type"] != "track" or not item.get("event"):
            yield f"neither identify nor track: {item['type']}"

    def _told(self, item: Item) -> Told:
        if item["type"] == "track":
            return Told(item["userId"], item["context"]["traits"]["email"], {}, item["event"])
        values = dict(item["traits"])
        return Told(item["userId"], values.pop("email"), values)

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, b"OK")
