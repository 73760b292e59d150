"""What is paused. Who pauses and resumes is `control`'s business; the plan leaves out what is paused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncer.state import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of an audience, at a destination; None stands for all of them."""

    destination_id: int | None
    audience_id: int | None
    destination: str | None
    audience: str | None
    since: datetime

    def covers(self, destination_id: int, audience_id: int | None) -> bool:
        """Whether it pauses this audience there; without an audience: whether it pauses all of them there."""
        return self.destination_id in (None, destination_id) and self.audience_id in (None, audience_id)


def list_pauses(connection: Connection) -> Sequence[Pause]:
    """All pauses, those of all destinations and all audiences first."""
    return fetch_all(connection, Pause, "list_pauses")
