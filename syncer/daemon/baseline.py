"""What is unusual, by the last runs: an audience that suddenly has many more or fewer members, or changes.

Two numbers of a run are compared, each with the same number of the last `runs` runs that read the audience:

- its members, and
- what it adds and removes at a destination, first syncs and full resyncs left out.

*Usual* is their median, *spread* the median of their distances from it: neither moves when one run, or some, were odd.
A number is unusual if it is further from what is usual than `factor` times the spread; and the spread counts as 5 % of
what is usual, and as ten people, at least, because an audience that never moves has none. What stays on its new level
is usual once most of the last runs had it. Nothing is held by this: that is the guard's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from syncer.state import Connection, fetch_all

_LEAST_SHARE, _LEAST_PEOPLE = 0.05, 10
"""The smallest spread that counts: a share of what is usual, and people."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How many runs say what is usual, and how many times the spread away from it a number is unusual."""

    runs: int
    factor: float


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a run, and what it usually is. `destination` is "" for members: all destinations get the same."""

    kind: Literal["members", "changes"]
    audience: str
    destination: str
    value: int
    usual: float
    spread: float

    @property
    def subject(self) -> str:
        """What it is a number of."""
        return f"{self.kind} of {self.audience}" + (f" at {self.destination}" if self.destination else "")

    def sentence(self, run_id: int, runs: int) -> str:
        """What to say of it if it is unusual."""
        return (
            f"run {run_id}: {self.value:,} {self.subject}, in the last {runs} runs {self.usual:,.0f}, give or take"
            f" {self.spread:,.0f}; what is held is up to [guard]. syncer history {run_id} has more"
        )

    def is_unusual(self, factor: float) -> bool:
        """Whether it is far from what it usually is."""
        spread = max(self.spread, _LEAST_SHARE * self.usual, _LEAST_PEOPLE)
        return abs(self.value - self.usual) > factor * spread


def compare(connection: Connection, run_id: int, baseline: Baseline) -> Sequence[Number]:
    """The numbers of a run, where enough runs before it have the same ones."""
    return fetch_all(connection, Number, "compare_with_last_runs", {"run_id": run_id, "runs": baseline.runs})
