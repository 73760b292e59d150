"""What one state server does with very many memberships, and what travels from a warehouse that keeps the snapshot.

    .venv/bin/python -m tests.bench.scale --memberships 100000000 --work FOLDER --out scale.json

Warehouse and state are servers of their own. The data are made by set-based SQL (`many`), as if all of them had been
told. Then there is a run after each share of the memberships changed, and everything is pulled once, as a run would
that remembered nothing. In the beginning and in the end, all that the state has and all that the warehouse says have to
add up to the same.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import psycopg
from rich.console import Console

from tests.bench import holding, many, server, travel
from tests.bench.__main__ import about
from tests.bench.ours import Setup
from tests.bench.server import Server

SETUP = Setup(elsewhere=True, scratch=True)

BYTES_A_MEMBERSHIP = 420
"""Of the warehouse, its tables of two snapshots and the state, with room to sort in."""

_MOST_WAL = "1GB"

screen = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Pulled:
    """All rows of the warehouse on their way to a state that throws them away, in seconds."""

    rows: int
    size: int
    wall: float
    client_cpu: float
    engine_cpu: float
    state_cpu: float


def pull(made: Server, state: Server) -> Pulled:
    """Reads all rows and hands them to the state, block by block as syncer does, which reads them and keeps none."""
    size = 0
    engine, kept, cpu, began = made.cpu_seconds(), state.cpu_seconds(), time.process_time(), time.perf_counter()
    with psycopg.connect(made.url) as source, psycopg.connect(state.other_url) as target:
        target.execute("CREATE TEMPORARY TABLE nothing (audience text, user_id text, email text, unsendable boolean)")
        reading, writing = source.cursor(), target.cursor()
        rows = "SELECT audience, user_id, email, false FROM warehouse.member"
        with (
            reading.copy(f"COPY ({rows}) TO STDOUT (FORMAT binary)") as blocks,
            writing.copy("COPY nothing FROM STDIN (FORMAT binary) WHERE false") as copy,
        ):
            for block in blocks:
                size += len(block)
                copy.write(block)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Pulled(reading.rowcount, size, wall, cpu, made.cpu_seconds() - engine, state.cpu_seconds() - kept)


def runs(
    both: Server, state: Server, folder: Path, memberships: int, shares: Sequence[float] = travel.SHARES
) -> Iterator[travel.Travelled]:
    """Changes the data and runs, for each share. What `many` made is there. `both` has the urls of the data and of the
    state."""
    engine = travel.Engine(both.url, both.cpu_seconds)
    many.check(both, SETUP.schema)
    for number, share in enumerate(shares):
        many.change(both, number, share, memberships)
        yield travel.run_once(both, engine, state, folder, SETUP, share)
    many.check(both, SETUP.schema)


def compare(found: Sequence[travel.Travelled], pulled: Pulled) -> Iterator[str]:
    """What each run took of what pulling everything takes."""
    for each in found:
        size, cpu = each.size / pulled.size, each.planned_cpu / pulled.client_cpu
        wall = each.planned / pulled.wall
        yield (
            f"{100 * each.share:g} % changed: {100 * size:.2f} % of the bytes, {100 * cpu:.1f} % of the client's "
            f"processor time until the plan is whole, {wall:.2f} x the wall of pulling and comparing nothing"
        )


@click.command(help=__doc__)
@click.option("--memberships", default=1_000_000, show_default=True, help="Rows of the warehouse; a multiple of 100.")
@click.option("--server", "which", default=server.EMBEDDED, show_default=True, help=server.WHICH)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Keeps the servers here.")
@click.option("--keep", is_flag=True, help="Takes the data as they were left there.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes the results here as JSON.")
def main(memberships: int, which: str, work: Path, out: Path | None, *, keep: bool) -> None:
    logging.disable()
    work.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(work).free
    if not keep and free < memberships * BYTES_A_MEMBERSHIP:
        raise click.ClickException(f"{free / 1e9:.0f} GB are free, {memberships * BYTES_A_MEMBERSHIP / 1e9:.0f} needed")
    more = {"max_wal_size": _MOST_WAL}
    data, kept = (server.running(work / name, more, which=which) for name in ("data", "state"))
    with data as made, kept as state:
        both = replace(made, other_url=state.other_url)
        if not keep:
            for done in many.make(both, work, SETUP, memberships):
                screen.print(f"{time.ctime()}: {done}")
        found = []
        for each in runs(both, state, work, memberships):
            screen.print(f"{time.ctime()}: {each}")
            found.append(each)
        pulled = pull(made, state)
        held = holding.relations(replace(state, url=state.other_url), SETUP.schema)
        facts = about(made, memberships)
    travel.show(found, f"{memberships:,} memberships")
    Console(width=140).print(holding.show(held))
    Console().print(pulled, *compare(found, pulled), sep="\n")
    if out is not None:
        results = {"runs": [asdict(each) for each in found], "pulled": asdict(pulled)}
        relations = [asdict(each) for each in held]
        out.write_text(json.dumps({"about": facts, **results, "relations": relations}, indent=1) + "\n")


if __name__ == "__main__":
    main()
