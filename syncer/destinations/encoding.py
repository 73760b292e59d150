"""Calls as JSON, for every destination: each is encoded once, or refused because no request can carry it."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from syncer.calls import Call, Refusal
from syncer.models import Value

Encoded = TypeVar("Encoded")

_ENCODER = msgspec.json.Encoder()


class UnsendableError(Exception):
    """No request can carry this call; the message says why."""


def encode(value: object) -> bytes:
    """JSON. Raises `UnsendableError` for broken Unicode and for numbers beyond 64 bits."""
    try:
        return _ENCODER.encode(value)
    except (ValueError, OverflowError) as exc:
        message = f"cannot be written as JSON: {exc}"
        raise UnsendableError(message) from exc


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z`; in microseconds, as two attempts of one request may fall into one millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def check_values(values: Mapping[str, Value], *, null: bool = False) -> None:
    """Raises `UnsendableError` for a value that JSON writes as null; with `null` a None may be one."""
    for name, value in values.items():
        if (value is None and not null) or (isinstance(value, float) and not math.isfinite(value)):
            message = f"{name} would be sent as null"
            raise UnsendableError(message)


def encode_each(
    identifies: Sequence[Call], encode_one: Callable[[Call], Encoded]
) -> tuple[list[tuple[Call, Encoded]], list[Refusal]]:
    """Each call with what is sent of it, and a refusal for each for which `encode_one` raised `UnsendableError`."""
    encoded: list[tuple[Call, Encoded]] = []
    refusals: list[Refusal] = []
    for identify in identifies:
        try:
            encoded.append((identify, encode_one(identify)))
        except UnsendableError as exc:
            refusals.append(Refusal(identify, str(exc)))
    return encoded, refusals
