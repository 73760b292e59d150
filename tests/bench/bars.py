"""The bars that this benchmark can judge: what the medians of a run are held against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.bench import ours, theirs
from tests.bench.contestants import CHANGED, COMMANDS, FEW, INITIAL, UNCHANGED
from tests.bench.report import Result, Row

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Medians:
    """Those of one run, by shape, scenario and contestant."""

    results: Mapping[tuple[str, str, str], Result]

    def ratio(
        self,
        take: Callable[[Result], float | None],
        shape: str,
        of: tuple[str, str],
        to: tuple[str, str],
        other: str | None = None,
    ) -> float | None:
        """A number of one contestant in one scenario, in those of another; None if one was not measured."""
        above, below = self.number(take, shape, of), self.number(take, other or shape, to)
        return above / below if above is not None and below else None

    def number(self, take: Callable[[Result], float | None], shape: str, of: tuple[str, str]) -> float | None:
        result = self.results.get((shape, *of))
        return None if result is None else take(result)


@dataclass(frozen=True, slots=True)
class Bar:
    """`measure` finds the number in the medians of a shape; it may be `most` at most. `size`: how large the data have
    to be for the bar to say what it is meant to say, in memberships, or in members of the largest audience."""

    what: str
    most: float
    measure: Callable[[Medians, str], float | None]
    size: int = _MILLION
    of_one_audience: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bar."""

    what: str
    shape: str
    measured: float
    most: float
    size: int
    large_enough: bool

    @property
    def word(self) -> str:
        return ("reached" if self.measured <= self.most else "missed") + ("" if self.large_enough else ", too small")


def _wall(result: Result) -> float | None:
    return result.wall


def _against_the_script(scenario: str) -> Callable[[Medians, str], float | None]:
    return lambda medians, shape: medians.ratio(_wall, shape, (scenario, ours.NAME), (scenario, theirs.SCRIPT))


def _against_the_join(medians: Medians, shape: str) -> float | None:
    return medians.ratio(lambda result: result.plan, shape, (CHANGED, ours.NAME), (CHANGED, theirs.JOIN))


def _first_call(medians: Medians, shape: str) -> float | None:
    return medians.number(
        lambda result: None if result.first_call is None else result.first_call / result.wall,
        shape,
        (INITIAL, ours.NAME),
    )


def _few(medians: Medians, shape: str) -> float | None:
    return medians.ratio(_wall, shape, (FEW, ours.NAME), (UNCHANGED, ours.NAME))


def _many(medians: Medians, shape: str) -> float | None:
    if shape != "many":
        return None
    return medians.ratio(_wall, shape, (CHANGED, ours.NAME), (CHANGED, ours.NAME), other="even")


def _kept(take: Callable[[Result], float | None]) -> Callable[[Medians, str], float | None]:
    return lambda medians, shape: medians.number(take, shape, (INITIAL, ours.NAME))


def _processor(command: str) -> Callable[[Medians, str], float | None]:
    return lambda medians, shape: medians.number(lambda result: result.cpu, shape, (COMMANDS, f"{ours.NAME} {command}"))


BARS = (
    Bar("whole command, 1 % changed: times the script with the full join", 1.0, _against_the_script(CHANGED)),
    Bar("whole command, nothing changed: times that script", 0.6, _against_the_script(UNCHANGED)),
    Bar("first sync: times that script", 1.0, _against_the_script(INITIAL)),
    Bar("plan, 1 % changed: times the bare join", 2.2, _against_the_join, 10 * _MILLION),
    Bar("time to the first call of a first sync: times the whole", 0.2, _first_call, 10 * _MILLION),
    Bar("100 changes in the largest audience: times no changes", 1.3, _few, of_one_audience=True),
    Bar("5,000 audiences, 1 % changed: times a hundred audiences", 1.3, _many),
    Bar("bytes of state a membership", 254, _kept(lambda result: result.state_bytes)),
    Bar("bytes of history a membership", 163, _kept(lambda result: result.history_bytes)),
    Bar("syncer --version, processor s", 0.35, _processor("--version"), 0),
    Bar("syncer status, processor s", 0.5, _processor("status"), 0),
)


def judge(rows: Sequence[Row], memberships: int, largest: Mapping[str, int]) -> list[Verdict]:
    """Every bar of which enough was measured, for each shape. `largest`: members of a shape's largest audience."""
    medians = Medians(
        {(row.result.shape, row.result.scenario, row.result.contestant): row.result for row in rows if row.runs}
    )
    verdicts = []
    for shape in dict.fromkeys(row.result.shape for row in rows):
        for bar in BARS:
            measured = bar.measure(medians, shape)
            if measured is not None:
                size = largest[shape] if bar.of_one_audience else memberships
                verdicts.append(Verdict(bar.what, shape, measured, bar.most, bar.size, size >= 0.9 * bar.size))
    return verdicts


def show(verdicts: Sequence[Verdict], title: str, console: Console) -> None:
    """Prints them as a table. Where the data are smaller than a bar is meant for, it says so."""
    table = Table(title=f"{title}: bars", title_justify="left")
    table.add_column("bar", overflow="fold")
    for heading in ("shape", "measured", "at most", "for a size of", ""):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        size = f"{verdict.size:,}" if verdict.size else ""
        table.add_row(verdict.what, verdict.shape, f"{verdict.measured:,.2f}", f"{verdict.most:g}", size, verdict.word)
    if verdicts:
        console.print(table)
