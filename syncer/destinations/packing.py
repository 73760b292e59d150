"""Calls that were written one by one, put together into requests within the limits of who receives them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from syncer.calls import Call, Envelope, Payload, Refusal

Written = tuple[Call, bytes, Envelope]
"""A call, what is written of it, and what it goes out in."""


@dataclass(slots=True)
class _Request:
    envelope: Envelope
    size: int
    calls: list[Call] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)


def packed(written: Sequence[Written], *, most: int, max_bytes: int) -> tuple[list[Payload], list[Refusal]]:
    """Requests of at most so many calls and bytes, all calls of one having the same envelope; those of a contact stay
    in order. What is too large by itself is refused."""
    requests: list[_Request] = []
    refusals: list[Refusal] = []
    filling: dict[Envelope, int] = {}
    last: dict[str, int] = {}
    for call, item, envelope in written:
        around = len(envelope.opening) + len(envelope.closing)
        if around + len(item) > max_bytes:
            reason = f"is {around + len(item):,} bytes as a request, and max_bytes is {max_bytes:,}"
            refusals.append(Refusal(call, reason))
            continue
        place = filling.get(envelope, -1)
        if (
            not item  # the head says it all
            or place < last.get(call.contact, 0)
            or len(requests[place].calls) == most
            or requests[place].size + 1 + len(item) > max_bytes
        ):
            place = filling[envelope] = len(requests)
            requests.append(_Request(envelope, around - 1))
        last[call.contact] = place
        requests[place].calls.append(call)
        requests[place].items.append(item)
        requests[place].size += 1 + len(item)  # and the comma before it
    return list(_payloads(requests)), refusals


def _payloads(requests: Sequence[_Request]) -> Iterator[Payload]:
    for request in requests:
        yield Payload(request.calls, request.items, request.envelope)


def body_in(envelope: Envelope, request: Payload) -> bytes:
    """What a request carries."""
    return envelope.opening + b",".join(request.encoded) + envelope.closing
