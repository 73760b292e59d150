"""What a contestant is: a program, how it is set up, and what it cannot do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import measure
from tests.bench.server import Server

INITIAL, UNCHANGED, FEW, CHANGED = "initial", "unchanged", "few", "changed"
COMMANDS = "commands"
"""Commands that send nothing."""
HEAP, LEFT, BACK = "heap", "left", "back"
SYNCS = (INITIAL, UNCHANGED, FEW, CHANGED, HEAP, LEFT, BACK)
SCENARIOS = (INITIAL, UNCHANGED, FEW, CHANGED, COMMANDS)
ALL_SCENARIOS = (*SYNCS, COMMANDS)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measurement happens: the server, a folder, and the sink's address."""

    server: Server
    folder: Path
    endpoint: str = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that runs in some scenarios. `compares` says that it sends nothing: it finds the differences only.

    `reset` makes it know nothing. `learn` makes it know all of `warehouse.before` as already sent; `seed` does the same
    for those that can only learn it by an initial sync. `prepare` comes before every run. `sizes` are the bytes
    that it keeps of a membership after an initial sync: state and history. `cannot` is printed below the table, and
    `variables` are added to the program's environment. `quick`: it takes part also where time is short.
    """

    name: str
    command: Callable[[Place, str], Sequence[str]]
    compares: bool = False
    scenarios: Sequence[str] = SYNCS
    reset: Callable[[Place], None] = lambda _place: None
    learn: Callable[[Place], None] | None = None
    seed: Callable[[Place], None] | None = None
    prepare: Callable[[Place], None] = lambda _place: None
    sizes: Callable[[Place], tuple[float, float]] | None = None
    cannot: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False

    def run(self, place: Place, scenario: str) -> measure.Measured:
        return measure.run(place.server, self.command(place, scenario), place.folder, self.variables)
