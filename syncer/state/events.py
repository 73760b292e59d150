"""Events that are owed: who entered or left an audience, once the destination accepted that.

An event is recorded in the transaction that accepts the identify (`settle_pages`), and sent after the run's identifies.

    owed ──accepted──▶ gone         where the receiver recognises a repetition by its messageId: sent until accepted
    owed ──taken──▶ gone ──sent──▶  where it does not (Mailmodo's addEvent): at most once
    owed ──refused──▶ stays, with the receiver's words, and is not sent again
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from syncer import errors, models
from syncer.state import Connection, execute


@dataclass(frozen=True, slots=True)
class Owed:
    """An event and its place in the order."""

    event_id: int
    track: models.Track


def owed(connection: Connection, destination_id: int, names: models.Events, limit: int) -> list[Owed]:
    """The first events that are owed to a destination and not paused."""
    rows = execute(connection, "list_owed_events", {"destination_id": destination_id, "limit": limit})
    return [
        Owed(
            row.event_id,
            models.Track(
                contact=row.contact,
                part=0,
                user_id=row.user_id,
                email=row.email,
                message_id=row.message_id,
                event=names.entered if row.value else names.exited,
                property=row.property,
                value=row.value,
                at=row.at,
            ),
        )
        for row in rows
    ]


def take(connection: Connection, token: uuid.UUID, events: Sequence[Owed]) -> None:
    """They are owed no longer. Raises `NotOursError` if somebody else leads by now."""
    taken = execute(connection, "take_events", {"event_ids": [each.event_id for each in events], "token": token})
    _expect(len(taken.fetchall()), len(events))


def refuse(connection: Connection, token: uuid.UUID, refused: Sequence[tuple[Owed, str]]) -> None:
    """They were refused, with these words."""
    named = {"event_ids": [each.event_id for each, _ in refused], "reasons": [reason for _, reason in refused]}
    _expect(len(execute(connection, "refuse_events", {**named, "token": token}).fetchall()), len(refused))


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise errors.NotOursError("another syncer took over this run; its events are not ours to send any more")
