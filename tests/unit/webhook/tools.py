"""Webhooks with templates, and what arrives of their calls."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx

from syncer.calls import Call, Refusal
from syncer.destinations.webhook import WebhookDestination, WebhookSettings


def built(
    templates: Mapping[str, Any], transport: httpx.BaseTransport | None = None, **keys: Any
) -> WebhookDestination:
    told = {"name": "hook", "url": "https://x.example/api", "templates": templates, **keys}
    return WebhookDestination(WebhookSettings.model_validate(told), transport=transport)


def sent(templates: Mapping[str, Any], *calls: Call, **keys: Any) -> tuple[list[httpx.Request], list[Refusal]]:
    """What arrives, and what is refused before it is sent."""
    arrived: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        arrived.append(request)
        return httpx.Response(200)

    with closing(built(templates, httpx.MockTransport(answer), **keys)) as destination:
        requests, refusals = destination.requests(calls)
        assert [destination.send(request) for request in requests] == [[]] * len(requests)
    return arrived, refusals
