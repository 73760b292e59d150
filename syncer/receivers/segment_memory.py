"""What Segment, and a consumer behind it, remember of the events that they accept."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

Event = dict[str, Any]
Belief = dict[str, dict[str, object]]


class ReceivedEvent(NamedTuple):
    """An event that took effect: its number in their order, when it came, and in which request."""

    arrival: int
    at: datetime
    request: int
    event: Event


class _Seen:
    """A messageId: how often it came, when it was last sent, with what, and whether it took effect."""

    __slots__ = ("applied", "attempts", "content", "sent_at")

    def __init__(self, content: int) -> None:
        self.attempts = 0
        self.sent_at: str | None = None
        self.content = content
        self.applied = False


class Memory:
    """Not thread-safe: callers hold the lock of the receiver."""

    def __init__(self, *, keep_events: bool) -> None:
        self.belief: Belief = {}
        self.belief_by_user: Belief = {}
        self.events: list[ReceivedEvent] = []
        self.event_count = 0
        self.duplicates = 0
        self._keep_events = keep_events
        self._seen: dict[int, _Seen] = {}  # by the hash of the messageId: a third of the memory
        self._encoder = msgspec.json.Encoder()

    def note(self, events: Iterable[Event], sent_at: object) -> tuple[dict[str, int], list[str]]:
        """Counts how often each messageId came, and says what is wrong with those that came before.

        Deduplication is by messageId alone ("Handling duplicate data"), so another content would be lost; and
        `sentAt` is when this attempt was sent ("Spec: Common fields"). `timestamp` may be when it was encoded.
        """
        attempts = {}
        problems = []
        for event in events:
            message_id = event.get("messageId")
            if not isinstance(message_id, str):
                continue
            said = (event.get("userId"), event.get("event"), event.get("traits"), event.get("properties"))
            content = hash(self._encoder.encode(said))
            key = hash(message_id)
            seen = self._seen.get(key)
            if seen is None:
                self._seen[key] = seen = _Seen(content)
            else:
                if seen.content != content:
                    problems.append(f"messageId {message_id} came with other content before")
                if seen.sent_at is not None and seen.sent_at == sent_at:
                    problems.append(f"messageId {message_id} was sent again with the same sentAt")
            seen.attempts += 1
            seen.sent_at = sent_at if isinstance(sent_at, str) else None
            attempts[message_id] = seen.attempts
        return attempts, problems

    def apply(self, request: int, events: Sequence[Event]) -> None:
        """Lets events take effect, except those that already did."""
        now = datetime.now(UTC)
        for event in events:
            message_id = event.get("messageId")
            if isinstance(message_id, str):
                seen = self._seen[hash(message_id)]
                if seen.applied:
                    self.duplicates += 1
                    continue
                seen.applied = True
            self.event_count += 1
            if self._keep_events:
                self.events.append(ReceivedEvent(self.event_count, now, request, event))
            traits = event.get("traits")
            if isinstance(traits, dict) and event.get("type") == "identify":
                values = traits.copy()
                _update(self.belief, values.pop("email", None), values)
                _update(self.belief_by_user, event.get("userId"), values)


def _update(belief: Belief, key: object, values: dict[str, object]) -> None:
    if not isinstance(key, str):
        return
    known = belief.get(key)
    if known is None:
        belief[key] = values.copy()
    else:
        known.update(values)
