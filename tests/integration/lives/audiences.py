"""An audience as warehouse and state see it, and what becomes of a contact in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.integration.lives.facts import Pair
from tests.world import Row


def contact_of(email: str | None) -> str:
    return (email or "").strip().lower()


def is_sendable(row: Row) -> bool:
    audience, user, email = row
    return bool((audience or "").strip() and (user or "").strip() and "@" in contact_of(email))


@dataclass
class Audience:
    """What the warehouse and the state say about one audience. Whoever is `suppressed` leaves whatever names them."""

    name: str
    present: set[Pair]
    before: dict[Pair, int]
    broken: Sequence[Row]
    retired: bool
    suppressed: set[str] = field(default_factory=set)

    def names(self, contact: str, user: str) -> bool:
        """Whether a row that cannot be sent still names this contact, or this user who is nowhere else."""
        elsewhere = any(whose == user for _, whose in self.present)
        return (
            not self.retired
            and contact not in self.suppressed
            and any(
                contact_of(email) == contact or (whose == user and not elsewhere) for _, whose, email in self.broken
            )
        )

    @property
    def stays(self) -> set[Pair]:
        return {pair for pair in self.before if pair in self.present or self.names(*pair)}

    @property
    def now(self) -> set[Pair]:
        """(contact, user) after the run."""
        return self.stays | self.present

    @property
    def moved(self) -> set[Pair]:
        return self.now ^ set(self.before)


@dataclass
class Change:
    op: str
    value: bool
    waits: str | None = None
    follows: bool = False
