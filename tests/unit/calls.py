"""Calls that the tests of destinations send."""

from collections.abc import Mapping
from typing import Any

from syncer.calls import Identify
from syncer.models import Value


def identify(number: int = 1, values: Mapping[str, Value] | None = None, **changes: Any) -> Identify:
    plain = Identify(
        contact=f"u{number}@example.com",
        part=0,
        user_id=f"u{number}",
        email=f"u{number}@example.com",
        message_id=f"syncer-{number:064x}",
        values={"vip_buyers": True} if values is None else values,
    )
    return plain._replace(**changes)
