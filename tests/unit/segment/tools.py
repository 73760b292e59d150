"""Segment's destination, with what its tests need around it."""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx

from syncer.destinations import http
from syncer.destinations.segment import SegmentDestination, SegmentSettings
from syncer.receivers.loopback import Fault
from syncer.receivers.segment import SegmentReceiver
from tests.unit.calls import identify

KEY = "wk_Sup3rS3cret"
NOW = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)


def build(
    *, transport: httpx.BaseTransport | None = None, now: Callable[[], datetime] = http.utc_now, **keys: Any
) -> SegmentDestination:
    """A destination with these keys of the configuration."""
    given = {"name": "segment", "write_key": KEY, **keys}
    return SegmentDestination(SegmentSettings.model_validate(given), transport=transport, now=now)


def answering(status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, headers=dict(headers or {}), content=body))


def send_to(transport: httpx.BaseTransport) -> None:
    with closing(build(transport=transport, now=lambda: NOW)) as destination:
        [request], _ = destination.requests([identify()])
        assert destination.send(request) == []


def failing(receiver: SegmentReceiver, *faults: Fault | None) -> None:
    """The receiver's next requests end so; later ones go well."""
    rest = iter(faults)
    receiver.script = lambda _: next(rest, None)
