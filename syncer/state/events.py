"""Events that are owed to a destination: who entered or left an audience, once it accepted the identify that says so.

An event is recorded in the transaction that accepts the identify (`settle_pages`), and sent after the run's identifies.

    owed ──accepted──▶ gone         where the receiver recognises a repetition by its messageId: sent until accepted
    owed ──taken──▶ gone ──sent──▶  where it does not (Mailmodo's addEvent): at most once
    owed ──refused──▶ stays, with the receiver's words, and is not sent again
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncer import errors, models
from syncer.calls import Track
from syncer.state import Connection, execute, fetch_all


@dataclass(frozen=True, slots=True)
class _OwedRow:
    """A row of `list_owed_events`."""

    event_id: int
    contact: str
    user_id: str
    email: str
    property: str
    name: str
    value: bool
    at: datetime
    message_id: str


@dataclass(frozen=True, slots=True)
class Owed:
    """An event and its place in the order."""

    event_id: int
    track: Track


def owed(connection: Connection, destination_id: int, names: models.Events, limit: int) -> list[Owed]:
    """The first events that are owed to a destination and not paused."""
    rows = fetch_all(connection, _OwedRow, "list_owed_events", {"destination_id": destination_id, "limit": limit})
    return [
        Owed(
            row.event_id,
            Track(
                contact=row.contact,
                part=0,
                user_id=row.user_id,
                email=row.email,
                message_id=row.message_id,
                event=names.entered if row.value else names.exited,
                property=row.property,
                value=row.value,
                at=row.at,
                name=row.name,
            ),
        )
        for row in rows
    ]


def take(connection: Connection, token: uuid.UUID, events: Sequence[Owed]) -> None:
    """They are owed no longer. Raises `NotOursError` if this process does not lead any more."""
    named = {"event_ids": [each.event_id for each in events], "token": token}
    _expect(execute(connection, "take_events", named).rowcount, len(events))


def refuse(connection: Connection, token: uuid.UUID, refused: Sequence[tuple[Owed, str]]) -> None:
    """Keeps the receiver's words: these events stay, and are not sent again. Raises as `take` does."""
    event_ids, reasons = [each.event_id for each, _ in refused], [reason for _, reason in refused]
    named = {"event_ids": event_ids, "reasons": reasons, "token": token}
    _expect(execute(connection, "refuse_events", named).rowcount, len(refused))


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise errors.NotOursError("another syncer took over this run; its events are not ours to send any more")
