"""What arrives at a receiver, for the story to speak of."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncer.receivers.loopback import Fault
from syncer.receivers.segment import ReceivedRequest


@dataclass(slots=True)
class Listener:
    """Watches what a receiver takes in during one sync: about which contacts, and the call that is best to show.

    Calls about the `odd` contacts are not shown: several customers share each of them, and may be dormant and active.
    """

    odd: frozenset[str] = frozenset()
    contacts: set[str] = field(default_factory=set)
    example: Mapping[str, Any] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, request: ReceivedRequest) -> Fault | None:
        """Looks on, and lets the receiver answer as always."""
        plain = [event for event in request.events if event["traits"]["email"] not in self.odd]
        with self.lock:
            self.contacts.update(event["traits"]["email"] for event in request.events)
            known = [self.example] if self.example else []
            self.example = max([*known, *plain], key=_worth_showing, default=None)
        return None


def _worth_showing(event: Mapping[str, Any]) -> tuple[int, int, str]:
    """A call with true and false comes first, then one with much in it; the user makes it always the same one."""
    said = {value for value in event["traits"].values() if isinstance(value, bool)}
    return len(said), len(event["traits"]), event["userId"]
