"""What travels from a warehouse elsewhere: everything, or what changed since the snapshot that it kept.

    .venv/bin/python -m tests.bench.travel --memberships 1000000 --work FOLDER

Warehouse and state are PostgreSQLs of their own, so that the work of each is known. For each share of the memberships
that changed both ways run in turn; medians.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import click
import structlog
from rich.console import Console
from rich.table import Table

from tests.bench import measure, ours, server, sink, warehouse
from tests.bench.__main__ import about
from tests.bench.contestants import Place
from tests.bench.ours import Setup
from tests.bench.server import Server

SHARES = (0.0, 0.001, 0.01)
EVERYTHING = Setup("syncer_everything", elsewhere=True)
CHANGES = Setup("syncer_changes", elsewhere=True, scratch=True)
SETUPS = (EVERYTHING, CHANGES)


@dataclass(frozen=True, slots=True)
class Travelled:
    """One run, in seconds; `read` is what it says that it read."""

    share: float
    setup: str
    read: str
    rows: int
    size: int
    wall: float
    client_cpu: float
    engine_cpu: float
    state_cpu: float
    rss: float


def rounds(engine: Server, state: Server, folder: Path, repeat: int, shares: Sequence[float]) -> Iterator[Travelled]:
    """Runs each way after each change. Before, each has told all members, and the warehouse keeps a snapshot."""
    engine.run("DROP SCHEMA IF EXISTS scratch CASCADE; CREATE SCHEMA scratch")
    for setup in SETUPS:
        ours.seed(Place(_both(engine, state), folder), setup)
    _run(engine, state, folder, CHANGES, 0)
    state.run("VACUUM ANALYZE", state.other_url)
    number = 0
    for share in shares:
        for _ in range(repeat):
            number += 1
            warehouse.change(engine, number, share)
            for setup in SETUPS:
                yield _run(engine, state, folder, setup, share)


def _both(engine: Server, state: Server) -> Server:
    """The warehouse's database, with that of the state beside it."""
    return Server(engine.url, state.other_url, engine.pid)


def _run(engine: Server, state: Server, folder: Path, setup: Setup, share: float) -> Travelled:
    both = _both(engine, state)
    state.settle()
    with sink.receiving(folder / "spool") as receiving:
        place = Place(both, folder, f"http://127.0.0.1:{receiving.port}")
        before = state.cpu_seconds()
        measured = measure.run(both, ours.command(ours.config(place, setup)), folder, {})
        state_cpu = state.cpu_seconds() - before
    asked = f"SELECT read, read_rows, read_bytes FROM {setup.schema}.run ORDER BY run_id DESC LIMIT 1"
    ((read, rows, size),) = state.run(asked, state.other_url)
    return Travelled(
        share,
        setup.schema,
        str(read),
        int(str(rows)),
        int(str(size)),
        measured.wall,
        measured.cpu,
        measured.postgres_cpu,
        state_cpu,
        measured.rss,
    )


def medians(found: Sequence[Travelled]) -> list[Travelled]:
    """Of each share and setup, in their order; `read` is what all of them say."""
    groups: dict[tuple[float, str], list[Travelled]] = {}
    for each in found:
        groups.setdefault((each.share, each.setup), []).append(each)
    return [_median(group) for group in groups.values()]


def _median(group: Sequence[Travelled]) -> Travelled:
    numbers = [field.name for field in fields(Travelled) if field.name not in ("share", "setup", "read")]
    middle = {name: statistics.median(getattr(each, name) for each in group) for name in numbers}
    read = " and ".join(sorted({each.read for each in group}))
    return Travelled(group[0].share, group[0].setup, read, **middle)


def show(rows: Sequence[Travelled], title: str) -> None:
    """Prints a table."""
    table = Table(title=title, title_justify="left")
    for heading in (
        "changed",
        "read",
        "rows",
        "MB",
        "wall s",
        "client cpu s",
        "engine cpu s",
        "state cpu s",
        "peak MB",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        seconds = (row.wall, row.client_cpu, row.engine_cpu, row.state_cpu)
        size = f"{row.size / 1e6:,.2f}"
        cells = (f"{100 * row.share:g} %", row.read, f"{row.rows:,.0f}", size, *(f"{each:.2f}" for each in seconds))
        table.add_row(*cells, f"{row.rss:.0f}")
    Console(width=132).print(table)


@click.command(help=__doc__)
@click.option("--memberships", default=1_000_000, show_default=True, help="Rows of the warehouse; five per contact.")
@click.option("--repeat", default=3, show_default=True)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Keeps the servers here.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes every run here as JSON.")
def main(memberships: int, repeat: int, work: Path, out: Path | None) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    work.mkdir(parents=True, exist_ok=True)
    with server.running(work / "data") as engine, server.running(work / "state") as state:
        warehouse.generate(engine, memberships)
        facts = about(engine, memberships)
        found = list(rounds(engine, state, work, repeat, SHARES))
    if out is not None:
        out.write_text(json.dumps({"about": facts, "runs": [asdict(each) for each in found]}, indent=1) + "\n")
    show(medians(found), f"{memberships:,} memberships, PostgreSQL {facts['postgresql']}")


if __name__ == "__main__":
    main()
