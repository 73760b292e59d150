"""Who runs when: each scenario in rounds, in which every contestant runs once, on the same data."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import belief, measure, sink, theirs, warehouse
from tests.bench.contestants import (
    BACK,
    CHANGED,
    COMMANDS,
    FEW,
    HEAP,
    INITIAL,
    LEFT,
    UNCHANGED,
    Contestant,
    Place,
)
from tests.bench.measure import Measured
from tests.bench.report import Result
from tests.bench.server import Server
from tests.bench.shapes import SHAPES

# What a contestant says on stderr when it begins to compare and when it has compared: syncer, and the scripts.
_COMPARING = (("reading the warehouse and planning", "delivering"), ("reading", "compared"))


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark: who runs, where, and how often. `shape` is that of the data, which are there already."""

    server: Server
    folder: Path
    chosen: Sequence[Contestant]
    repeat: int
    latency_ms: int
    shape: str = "even"
    said: Callable[[Result], None] = lambda _result: None

    def run(self, scenarios: Sequence[str]) -> Iterator[Result]:
        if INITIAL in scenarios:
            yield from self._initial()
        if set(scenarios) - {INITIAL, COMMANDS}:
            self._learn(measured=INITIAL in scenarios)
        # After a run with changes everywhere the next one compares everything, so few changes come before many.
        for scenario in (UNCHANGED, FEW, CHANGED, HEAP, COMMANDS):
            for number in range(self.repeat if scenario in scenarios else 0):
                yield from self._round(scenario, number)
        for number in range(self.repeat if {LEFT, BACK} & set(scenarios) else 0):
            for scenario in (LEFT, BACK):
                yield from self._round(scenario, number)

    def _change(self, scenario: str, number: int) -> None:
        """Makes the data what the scenario asks for."""
        if scenario == FEW:
            warehouse.change_few(self.server, number + 1, shape=SHAPES[self.shape])
        elif scenario == CHANGED:
            warehouse.change(self.server, self.repeat + number + 1, shape=SHAPES[self.shape])
        elif scenario == HEAP:
            warehouse.change_largest(self.server, 2 * self.repeat + number + 1, shape=SHAPES[self.shape])
        elif scenario == LEFT:
            warehouse.leave(self.server)
        elif scenario == BACK:
            warehouse.come_back(self.server)
        else:
            warehouse.remember(self.server)

    def _initial(self) -> Iterator[Result]:
        self.server.run(warehouse.FORGET)
        for number in range(self.repeat):
            for contestant in self._in_turn(INITIAL, number):
                contestant.reset(Place(self.server, self.folder))
                yield self._measure(contestant, INITIAL)

    def _learn(self, *, measured: bool) -> None:
        """Gives an initial sync to those that can learn only by one what was sent, unless it was measured already."""
        for contestant in self.chosen:
            if contestant.seed is not None and not measured:
                contestant.seed(Place(self.server, self.folder))
            elif contestant.learn is None and set(contestant.scenarios) > {INITIAL} and not measured:
                contestant.reset(Place(self.server, self.folder))
                self._measure(contestant, INITIAL)
        for url in (self.server.url, self.server.other_url):
            self.server.run("VACUUM ANALYZE", url)

    def _in_turn(self, scenario: str, number: int) -> list[Contestant]:
        """Those that take part, in every other round the last one first: none profits from who came before."""
        return [each for each in self.chosen if scenario in each.scenarios][:: -1 if number % 2 else 1]

    def _round(self, scenario: str, number: int) -> Iterator[Result]:
        """Runs each once. Scripts and comparisons share a table of what was sent, which is restored after a change."""
        self._change(scenario, number)
        known = False
        for contestant in self._in_turn(scenario, number):
            if contestant.learn is not None and not known:
                contestant.learn(Place(self.server, self.folder))
                known = True
            yield self._measure(contestant, scenario)
            known = known and (contestant.compares or contestant.learn is None)

    def _measure(self, contestant: Contestant, scenario: str) -> Result:
        result = Result(scenario, contestant.name, contestant.compares, shape=self.shape, cannot=contestant.cannot)
        spool = self.folder / "spool"
        try:
            with sink.receiving(spool, self.latency_ms) as receiving:
                place = Place(self.server, self.folder, f"http://127.0.0.1:{receiving.port}")
                contestant.prepare(place)
                measured = contestant.run(place, scenario)
            wrong = None if contestant.compares else belief.wrong_contacts(self.server, spool)
        except (measure.FailedError, theirs.NotInstalledError) as error:
            result = replace(result, problem=str(error))
        else:
            result = replace(
                _measured(result, measured),
                first_call=_first_call(spool, measured),
                requests=receiving.requests,
                wrong=wrong,
            )
            if contestant.sizes is not None and scenario == INITIAL:
                state, history = contestant.sizes(place)
                result = replace(result, state_bytes=state, history_bytes=history)
        finally:
            spool.unlink(missing_ok=True)
        self.said(result)
        return result


def planned(measured: Measured) -> float | None:
    """How long it compared, in seconds; None if it did not say when it did."""
    plans = (measured.between(*said) for said in _COMPARING)
    return next((each for each in plans if each is not None), None)


def _measured(result: Result, measured: Measured) -> Result:
    tells = (measured.since(compared) for _, compared in _COMPARING)
    return replace(
        result,
        wall=measured.wall,
        plan=planned(measured),
        tell=next((each for each in tells if each is not None), None),
        cpu=measured.cpu,
        postgres_cpu=measured.postgres_cpu,
        rss=measured.rss,
    )


def _first_call(spool: Path, measured: Measured) -> float | None:
    """When the first request came, in seconds from the start of the program."""
    first = next(sink.received(spool), None)
    return None if first is None else first[0] - measured.began
