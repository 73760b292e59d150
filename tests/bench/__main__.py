"""The command of the benchmark: the same data and settings for all, one after the other, medians of several runs."""

import logging
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import structlog
from rich.console import Console

from syncer import __version__
from tests.bench import bars, installed, ours, report, server, theirs, warehouse
from tests.bench.contestants import ALL_SCENARIOS, SCENARIOS, Contestant
from tests.bench.report import Result
from tests.bench.rounds import Bench
from tests.bench.server import Server
from tests.bench.shapes import SHAPES

_CONTESTANTS = (*theirs.COMPARISONS, *ours.OURS, *theirs.RIVALS, *ours.SHORT)
_SCENARIOS_HELP = f"{', '.join(SCENARIOS)}, unless given. left and back are played together."
_QUICK_MEMBERSHIPS = 100_000
console = Console(stderr=True)


def _line(result: Result) -> str:
    what = f"{result.shape} · {result.scenario} · {result.contestant}"
    if result.problem:
        return f"{what}: {result.problem}"
    plan = "" if result.plan is None else f" (planned in {result.plan:,.2f}, told in {result.tell:,.2f})"
    wrong = "" if result.wrong is None else f", {result.requests:,} requests, {result.wrong:,} wrong"
    return (
        f"{what}: {result.wall:,.2f} s{plan}, {result.cpu:,.2f} + {result.postgres_cpu:,.2f} s of CPU, "
        f"{result.rss:,.0f} MB{wrong}"
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
        "postgresql": str(running.run("SHOW server_version")[0][0]).split()[0],
        "syncer": __version__,
        "rivals": theirs.ENVIRONMENTS,
        "settings": server.SETTINGS,
    }


def _choose(only: Sequence[str], *, quick: bool = False) -> list[Contestant]:
    names = {each.name for each in _CONTESTANTS}
    return [
        each
        for each in _CONTESTANTS
        if (each.quick or not quick)
        and (not only or any(each.name == part or (part in each.name and part not in names) for part in only))
    ]


def _shapes_help() -> str:
    return "Of the data: " + "; ".join(f"{name}: {shape.about}" for name, shape in SHAPES.items()) + "."


def _pair(_context: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if not all(name and equals for name, equals, _ in pairs):
        raise click.BadParameter("a setting looks like work_mem=64MB")
    return {name: value for name, _, value in pairs}


@click.command(help=__doc__)
@click.option("--memberships", type=int, help="Rows of the warehouse; a million, unless given.")
@click.option("--quick", is_flag=True, help="In three minutes: 100,000 memberships, syncer and the scripts only.")
@click.option("--scenario", "scenarios", type=click.Choice(ALL_SCENARIOS), multiple=True, help=_SCENARIOS_HELP)
@click.option("--shape", "shapes", type=click.Choice([*SHAPES]), multiple=True, default=["even"], help=_shapes_help())
@click.option(
    "--only", multiple=True, help="The contestant of this name, or those whose name contains it; all, unless given."
)
@click.option("--repeat", default=3, show_default=True)
@click.option("--latency-ms", default=0, show_default=True, help="How long the receiver takes for each request.")
@click.option("--server", "which", default=server.EMBEDDED, show_default=True, help=server.WHICH)
@click.option("--set", "settings", multiple=True, callback=_pair, help="Another setting of the server: work_mem=256MB.")
@click.option("--work", type=click.Path(path_type=Path), help="Keeps server and environments here for the next time.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes every run here as JSON, and a chart beside it.")
def main(
    memberships: int | None,
    quick: bool,
    scenarios: Sequence[str],
    shapes: Sequence[str],
    only: Sequence[str],
    repeat: int,
    latency_ms: int,
    which: str,
    settings: Mapping[str, str],
    work: Path | None,
    out: Path | None,
) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as after Ctrl-C, its servers too
    try:
        run(
            memberships or (_QUICK_MEMBERSHIPS if quick else 1_000_000),
            scenarios or SCENARIOS,
            _choose(only, quick=quick),
            shapes=shapes,
            repeat=repeat,
            latency_ms=latency_ms,
            which=which,
            settings=settings,
            work=work,
            out=out,
        )
    except installed.MissingError as error:
        raise click.ClickException(str(error)) from error


def run(
    memberships: int,
    scenarios: Sequence[str],
    chosen: Sequence[Contestant],
    *,
    shapes: Sequence[str] = ("even",),
    repeat: int = 1,
    latency_ms: int = 0,
    which: str = server.EMBEDDED,
    settings: Mapping[str, str] | None = None,
    work: Path | None = None,
    out: Path | None = None,
    done: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Runs the benchmark and prints the medians; `done` gets the result of each run."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results: list[Result] = []
    largest: dict[str, int] = {}
    with _work_folder(work) as folder, server.running(folder / "data", settings, which=which) as running:
        facts = about(running, memberships) | {"settings": server.SETTINGS | dict(settings or {}), "shapes": shapes}
        for shape in shapes:
            console.print(f"making {memberships:,} memberships: {SHAPES[shape].about}")
            warehouse.generate(running, memberships, SHAPES[shape])
            _, largest[shape] = warehouse.largest(running)
            for result in Bench(running, folder, chosen, repeat, latency_ms, shape, _say).run(scenarios):
                results.append(result)
                done(result)
                if out is not None:
                    report.write(results, facts, out)
    rows = report.medians(results)
    verdicts = bars.judge(rows, memberships, largest)
    title = f"{memberships:,} memberships, PostgreSQL {facts['postgresql']}"
    shown = Console(width=None if sys.stdout.isatty() else 132)
    report.show(rows, title, shown)
    bars.show(verdicts, title, shown)
    if out is not None:
        report.write(results, facts, out, [asdict(verdict) for verdict in verdicts])
        report.chart(rows, title, out.with_suffix(".png"))
    return results


def _say(result: Result) -> None:
    console.print(_line(result), soft_wrap=True)


if __name__ == "__main__":
    main()
