"""Mailmodo's destination, with what its tests need around it."""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx

from syncer.destinations.mailmodo import MailmodoDestination, MailmodoSettings
from syncer.receivers.loopback import Fault
from syncer.receivers.mailmodo import MailmodoReceiver
from tests.unit.calls import identify

KEY = "AAAAAAA-BBBBBBB-CCCCCCC-DDDDDDD"
LIST = "Audiences"
LISTS = {"listDetails": [{"id": "1", "name": LIST, "created_at": "2026-01-01T00:00:00Z", "contacts_count": 3}]}
ADDED = {"message": "All contacts were added to the list", "listId": "1"}


def build(*, transport: httpx.BaseTransport | None = None, **keys: Any) -> MailmodoDestination:
    """A destination with these keys of the configuration."""
    given = {"name": "mailmodo", "api_key": KEY, "list_name": LIST, **keys}
    return MailmodoDestination(MailmodoSettings.model_validate(given), transport=transport)


def at(receiver: MailmodoReceiver, **keys: Any) -> MailmodoDestination:
    return build(**{"endpoint": receiver.url, "timeout": "5s", **keys})


def telling(
    status: int = 200, body: object = ADDED, *, headers: Mapping[str, str] | None = None, lists: object = LISTS
) -> httpx.MockTransport:
    """Answers so to contacts, and to the question for the lists as it should."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=lists)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, headers=dict(headers or {}), content=content)

    return httpx.MockTransport(answer)


def send_to(transport: httpx.BaseTransport, count: int = 2, **options: Any) -> list[tuple[str, str, int | None]]:
    """Who was refused, why, with which status."""
    with closing(build(transport=transport, **options)) as destination:
        [request], refusals = destination.requests([identify(n) for n in range(1, count + 1)])
        assert refusals == []
        return [(each.identify.contact, each.reason, each.http_status) for each in destination.send(request)]


def failing(receiver: MailmodoReceiver, *faults: Fault | None) -> None:
    """The receiver's next calls with contacts end so; later ones go well."""
    rest = iter(faults)
    receiver.script = lambda call: next(rest, None) if call.contacts else None
