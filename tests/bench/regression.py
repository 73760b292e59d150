"""Whether this version plans slower than an earlier one: both on the same data and server, in turns, in one run.

    .venv/bin/python -m tests.bench.regression --against REF --out FILE

Measured is the time in which a run reads the warehouse and plans, which is the time of the plan's statements. Each
round gives a pair, so what else the machine does befalls both; the median of the pairs' ratios is judged. A scenario
in which this version seems to take more than a fifth longer is measured once more, and all its pairs are judged. Exit
code 1 if it does take that much longer; then it says which statements do.
"""

import json
import re
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.bench import installed, rounds, server, sink, versions, warehouse
from tests.bench.contestants import CHANGED, INITIAL, UNCHANGED, Place
from tests.bench.server import Server
from tests.bench.statements import Log
from tests.bench.versions import Version

SCENARIOS = (INITIAL, UNCHANGED, CHANGED)
MOST = 1.2
_GROWN = 5
"""So many statements are named where a scenario became slower."""
_NAME = re.compile("[a-z_]+")
"""That of a statement of ours."""
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Planned:
    """One plan: its seconds, and the milliseconds of each statement of the run."""

    seconds: float
    statements: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both versions in one round."""

    scenario: str
    earlier: Planned
    this: Planned

    @property
    def ratio(self) -> float:
        return self.this.seconds / self.earlier.seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """Medians of the pairs of a scenario. `grown`: the statements that take longest longer, with milliseconds of both
    versions."""

    scenario: str
    earlier: float
    this: float
    ratio: float
    grown: Sequence[tuple[str, float, float]]

    @property
    def slower(self) -> bool:
        return self.ratio > MOST


def judge(pairs: Sequence[Pair]) -> list[Verdict]:
    """A verdict for each scenario."""
    return [
        _judge_one(scenario, [pair for pair in pairs if pair.scenario == scenario])
        for scenario in dict.fromkeys(pair.scenario for pair in pairs)
    ]


def _judge_one(scenario: str, pairs: Sequence[Pair]) -> Verdict:
    return Verdict(
        scenario,
        statistics.median(pair.earlier.seconds for pair in pairs),
        statistics.median(pair.this.seconds for pair in pairs),
        statistics.median(pair.ratio for pair in pairs),
        _grown(pairs),
    )


def _grown(pairs: Sequence[Pair]) -> list[tuple[str, float, float]]:
    names = {name for pair in pairs for name in (*pair.earlier.statements, *pair.this.statements)}
    both = [
        (
            name,
            statistics.median(pair.earlier.statements.get(name, 0.0) for pair in pairs),
            statistics.median(pair.this.statements.get(name, 0.0) for pair in pairs),
        )
        for name in names
    ]
    return sorted((each for each in both if each[2] > each[1]), key=lambda each: each[1] - each[2])[:_GROWN]


@dataclass(frozen=True, slots=True)
class Regression:
    """Both versions on one server."""

    server: Server
    folder: Path
    earlier: Version
    this: Version
    pairs: int

    def run(self, scenarios: Sequence[str] = SCENARIOS, first: int = 0) -> Iterator[Pair]:
        """A pair for each round from the `first` on. Both versions have to know everything before any scenario but the
        initial one, which comes first."""
        for scenario in scenarios:
            for number in range(first, first + self.pairs):
                if scenario == CHANGED:
                    warehouse.change(self.server, number + 1)
                yield self._pair(scenario, number)
            self.server.run("VACUUM ANALYZE")

    def _pair(self, scenario: str, number: int) -> Pair:
        """In every other round the later version goes first: none profits from who came before."""
        in_turn = (self.earlier, self.this)[:: -1 if number % 2 else 1]
        planned = {version.schema: self._plan(version, scenario) for version in in_turn}
        return Pair(scenario, planned[self.earlier.schema], planned[self.this.schema])

    def _plan(self, version: Version, scenario: str) -> Planned:
        spool = self.folder / "spool"
        with sink.receiving(spool) as receiving, Log(self.server) as log:
            place = Place(self.server, self.folder, f"http://127.0.0.1:{receiving.port}")
            if scenario == INITIAL:
                version.forget_everything(place)
            measured, statements = log.during(lambda: version.sync(place))
        spool.unlink()
        seconds = rounds.planned(measured)
        if seconds is None:
            raise click.ClickException(f"{version.name} does not say when it plans")
        return Planned(seconds, {name: spent for name, spent in statements.items() if _NAME.fullmatch(name)})


def show(verdicts: Sequence[Verdict], title: str, screen: Console) -> None:
    table = Table("the plan of a run", title=title, title_justify="left")
    for heading in ("earlier s", "this s", "times", "at most", ""):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        numbers = (f"{verdict.earlier:,.2f}", f"{verdict.this:,.2f}", f"{verdict.ratio:.2f}", f"{MOST:g}")
        table.add_row(verdict.scenario, *numbers, "slower" if verdict.slower else "good")
    screen.print(table)
    for verdict in verdicts:
        for name, earlier, this in verdict.grown if verdict.slower else ():
            screen.print(f"{verdict.scenario}: {name} takes {this:,.0f} ms instead of {earlier:,.0f}")


@click.command(help=__doc__)
@click.option("--against", help="A commit; the last release, or without one where this branch began, unless given.")
@click.option("--memberships", default=200_000, show_default=True)
@click.option("--pairs", default=5, show_default=True)
@click.option("--server", "which", default=server.EMBEDDED, show_default=True, help=server.WHICH)
@click.option("--out", type=click.Path(path_type=Path), help="Writes every pair here as JSON.")
def main(against: str | None, memberships: int, pairs: int, which: str, out: Path | None) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as after Ctrl-C, its server too
    try:
        with tempfile.TemporaryDirectory(prefix="syncer-bench-") as made:
            earlier = versions.earlier(against or versions.before_this(), Path(made) / "earlier")
            console.print(f"this version against {earlier.name}")
            found = _measure(Path(made), earlier, memberships, pairs, which)
    except (installed.MissingError, versions.UnknownVersionError) as error:
        raise click.ClickException(str(error)) from error
    verdicts = judge(found)
    show(verdicts, f"{memberships:,} memberships, against {earlier.name}", Console(width=132))
    if out is not None:
        out.write_text(json.dumps(_told(earlier, memberships, verdicts, found), indent=1) + "\n")
    sys.exit(1 if any(verdict.slower for verdict in verdicts) else 0)


def _measure(folder: Path, earlier: Version, memberships: int, pairs: int, which: str) -> list[Pair]:
    with server.running(folder / "data", which=which) as running:
        warehouse.generate(running, memberships)
        both = Regression(running, folder, earlier, versions.this(), pairs)
        found = [_said(pair) for pair in both.run()]
        seem_slower = [verdict.scenario for verdict in judge(found) if verdict.slower]
        return [*found, *(_said(pair) for pair in both.run(seem_slower, first=pairs))]


def _said(pair: Pair) -> Pair:
    console.print(f"{pair.scenario}: {pair.earlier.seconds:.2f} s, {pair.this.seconds:.2f} s", highlight=False)
    return pair


def _told(earlier: Version, memberships: int, verdicts: Sequence[Verdict], pairs: Sequence[Pair]) -> dict[str, object]:
    return {
        "against": earlier.name,
        "memberships": memberships,
        "verdicts": [asdict(verdict) | {"slower": verdict.slower} for verdict in verdicts],
        "pairs": [asdict(pair) for pair in pairs],
    }


if __name__ == "__main__":
    main()
