"""What a contestant is: a program, how it is set up, and what it cannot do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import measure
from tests.bench.server import Server

INITIAL, UNCHANGED, CHANGED = "initial", "unchanged", "changed"
SCENARIOS = (INITIAL, UNCHANGED, CHANGED)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measurement happens: the server, a folder, and the sink's address."""

    server: Server
    folder: Path
    endpoint: str = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that runs in some scenarios. `compares` says that it finds the differences and sends nothing.

    `reset` makes it know nothing. `learn` makes it know all of `warehouse.before` as already sent; `seed` does the same
    for those that can only learn it by an initial sync. `prepare` comes before every run. `cannot` is printed below the
    table, and `variables` are added to the program's environment.
    """

    name: str
    command: Callable[[Place, str], Sequence[str]]
    compares: bool = False
    scenarios: Sequence[str] = SCENARIOS
    reset: Callable[[Place], None] = lambda _place: None
    learn: Callable[[Place], None] | None = None
    seed: Callable[[Place], None] | None = None
    prepare: Callable[[Place], None] = lambda _place: None
    cannot: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, place: Place, scenario: str) -> measure.Measured:
        return measure.run(place.server, self.command(place, scenario), place.folder, self.variables)
