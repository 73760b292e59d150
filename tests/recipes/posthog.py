"""PostHog: `POST /batch/`.

Sources: its documentation, pages "Capture and batch API endpoints" (the project's key in the body; any number of
events, together less than 20 MB; an event needs `event` and `distinct_id`; one without is dropped, and the answer is
still 200; a wrong key is an error) and "Person properties" (a `$set` event sets them, and makes a profile where there
is none); and its own client for Python (900 KiB an event). It publishes no limit of the rate.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from syncer.receivers.loopback import Answer
from tests.recipes.receiver import KB, Item, RecipeReceiver, Told, booleans, lacking, list_of, size_of

API_KEY = "phc_TheKeyOfTheProject"


class PostHog(RecipeReceiver):
    address = "https://us.i.posthog.com"
    path = "/batch/"
    variables: ClassVar = {"POSTHOG_API_KEY": API_KEY}
    max_bytes = 20_000 * KB - 1
    refuses_contacts = False

    def _knows(self, headers: Mapping[str, str], body: Item) -> bool:
        return body.get("api_key") == API_KEY

    def _items(self, body: Item) -> list[Item]:
        return list_of(body, "batch", "api_key", "historical_migration")

    def _problems(self, item: Item) -> Iterator[str]:
        yield from lacking(item, "event", "distinct_id", "timestamp")
        if item.get("event") != "$set":
            yield f"no $set: {item.get('event')}"
        if size_of(item) > 900 * 1024:
            yield f"an event of {size_of(item)} bytes"
        yield from booleans(self._told(item).values)

    def _told(self, item: Item) -> Told:
        values = dict(item["properties"]["$set"])
        return Told(item["distinct_id"], values.pop("email"), values)

    def _answer(self, items: Sequence[Item], refused: Mapping[int, str]) -> Answer:
        return Answer(200, body=b'{"status": "Ok"}')
