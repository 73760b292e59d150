"""The command of the benchmark: the same data and settings for all, one after the other, medians of several runs."""

import logging
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import structlog
from rich.console import Console

from syncer import __version__
from tests.bench import belief, measure, ours, report, server, sink, theirs, warehouse
from tests.bench.contestants import CHANGED, INITIAL, SCENARIOS, UNCHANGED, Contestant, Place
from tests.bench.report import Result
from tests.bench.server import Server

_CONTESTANTS = (*theirs.COMPARISONS, *ours.OURS, *theirs.RIVALS)
# What a contestant says on stderr when it begins to compare and when it has compared: syncer, and the scripts.
_COMPARING = (("reading the warehouse and planning", "delivering"), ("reading", "compared"))
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark: who runs, where, and how often."""

    server: Server
    folder: Path
    chosen: Sequence[Contestant]
    repeat: int
    latency_ms: int

    def run(self, scenarios: Sequence[str]) -> Iterator[Result]:
        if INITIAL in scenarios:
            yield from self._initial()
        if set(scenarios) & {UNCHANGED, CHANGED}:
            self._learn(measured=INITIAL in scenarios)
        if UNCHANGED in scenarios:
            warehouse.remember(self.server)
            for _ in range(self.repeat):
                yield from self._round(UNCHANGED)
        if CHANGED in scenarios:
            for number in range(self.repeat):
                warehouse.change(self.server, number + 1)
                yield from self._round(CHANGED)

    def _initial(self) -> Iterator[Result]:
        self.server.run(warehouse.FORGET)
        for _ in range(self.repeat):
            for contestant in self.chosen:
                if INITIAL in contestant.scenarios:
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

    def _round(self, scenario: str) -> Iterator[Result]:
        """Runs each once. Scripts and comparisons share a table of what was sent, which is restored after a change."""
        known = False
        for contestant in self.chosen:
            if scenario not in contestant.scenarios:
                continue
            if contestant.learn is not None and not known:
                contestant.learn(Place(self.server, self.folder))
                known = True
            yield self._measure(contestant, scenario)
            known = known and (contestant.compares or contestant.learn is None)

    def _measure(self, contestant: Contestant, scenario: str) -> Result:
        spool = self.folder / "spool"
        try:
            with sink.receiving(spool, self.latency_ms) as receiving:
                place = Place(self.server, self.folder, f"http://127.0.0.1:{receiving.port}")
                contestant.prepare(place)
                measured = contestant.run(place, scenario)
            wrong = None if contestant.compares else belief.wrong_contacts(self.server, spool)
        except (measure.FailedError, theirs.NotInstalledError) as error:
            result = Result(
                scenario, contestant.name, contestant.compares, problem=str(error), cannot=contestant.cannot
            )
        else:
            result = Result(
                scenario,
                contestant.name,
                contestant.compares,
                wall=measured.wall,
                plan=next(
                    (each for each in (measured.between(*said) for said in _COMPARING) if each is not None), None
                ),
                tell=next(
                    (each for each in (measured.since(said) for _, said in _COMPARING) if each is not None), None
                ),
                cpu=measured.cpu,
                postgres_cpu=measured.postgres_cpu,
                rss=measured.rss,
                requests=receiving.requests,
                wrong=wrong,
                cannot=contestant.cannot,
            )
        finally:
            spool.unlink(missing_ok=True)
        console.print(_line(result))
        return result


def _line(result: Result) -> str:
    if result.problem:
        return f"{result.scenario} · {result.contestant}: {result.problem}"
    plan = "" if result.plan is None else f" (planned in {result.plan:,.2f}, told in {result.tell:,.2f})"
    wrong = "" if result.wrong is None else f", {result.requests:,} requests, {result.wrong:,} wrong"
    return (
        f"{result.scenario} · {result.contestant}: {result.wall:,.2f} s{plan}, {result.cpu:,.2f} + "
        f"{result.postgres_cpu:,.2f} s of CPU, {result.rss:,.0f} MB{wrong}"
    )


@contextmanager
def _work_folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    made = Path(tempfile.mkdtemp(prefix="syncer-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def about(running: Server, memberships: int) -> dict[str, Any]:
    """The machine and the versions that the numbers belong to."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "memberships": memberships,
        "cores": os.cpu_count(),
        "cpu": cpu,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "postgresql": running.run("SHOW server_version")[0][0],
        "syncer": __version__,
        "rivals": theirs.ENVIRONMENTS,
        "settings": server.SETTINGS,
    }


def _choose(only: Sequence[str]) -> list[Contestant]:
    return [each for each in _CONTESTANTS if not only or any(part in each.name for part in only)]


@click.command(help=__doc__)
@click.option("--memberships", default=1_000_000, show_default=True, help="Rows of the warehouse; five per contact.")
@click.option("--scenario", "scenarios", type=click.Choice(SCENARIOS), multiple=True, help="All, unless given.")
@click.option("--only", multiple=True, help="Contestants whose name contains this; all, unless given.")
@click.option("--repeat", default=3, show_default=True)
@click.option("--latency-ms", default=0, show_default=True, help="How long the receiver takes for each request.")
@click.option("--work", type=click.Path(path_type=Path), help="Keeps server and environments here for the next time.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes every run here as JSON, and a chart beside it.")
def main(
    memberships: int,
    scenarios: Sequence[str],
    only: Sequence[str],
    repeat: int,
    latency_ms: int,
    work: Path | None,
    out: Path | None,
) -> None:
    run(memberships, scenarios or SCENARIOS, _choose(only), repeat=repeat, latency_ms=latency_ms, work=work, out=out)


def run(
    memberships: int,
    scenarios: Sequence[str],
    chosen: Sequence[Contestant],
    *,
    repeat: int = 1,
    latency_ms: int = 0,
    work: Path | None = None,
    out: Path | None = None,
    done: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Runs the benchmark and prints the medians; `done` gets the result of each run."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results: list[Result] = []
    with _work_folder(work) as folder, server.running(folder / "data") as running:
        console.print(f"making {memberships:,} memberships")
        warehouse.generate(running, memberships)
        bench = Bench(running, folder, chosen, repeat, latency_ms)
        facts = about(running, memberships)
        for result in bench.run(scenarios):
            results.append(result)
            done(result)
            if out is not None:
                report.write(results, facts, out)
    rows = report.medians(results)
    title = f"{memberships:,} memberships, {memberships // 5:,} contacts, PostgreSQL {facts['postgresql']}"
    report.show(rows, title, Console(width=None if sys.stdout.isatty() else 132))
    if out is not None:
        report.chart(rows, title, out.with_suffix(".png"))
    return results


if __name__ == "__main__":
    main()
