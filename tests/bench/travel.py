"""What travels from a warehouse elsewhere: everything, or what changed since the snapshot that it kept.

    .venv/bin/python -m tests.bench.travel --memberships 1000000 --work FOLDER

Warehouse and state are servers of their own, so that the work of each is known. For each share of the memberships that
changed both ways run in turn; medians.
"""

import json
import logging
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import click
import psycopg
import sqlalchemy
from rich.console import Console
from rich.table import Table

from tests.bench import measure, ours, server, sink, warehouse
from tests.bench.__main__ import about
from tests.bench.contestants import Place
from tests.bench.ours import Setup
from tests.bench.server import Server

_DELIVERING = "delivering"
"""What syncer says on stderr when its plan is whole."""

SHARES = (0.0, 0.001, 0.01)
ENGINES = ("postgresql", "mariadb", "spark")
_TABLE = "(audience varchar(100), user_id varchar(64), email varchar(190), updated_at varchar(40))"


@dataclass(frozen=True, slots=True)
class Engine:
    """The warehouse's. `cpu_seconds` of it so far; `follow` takes over a table, if the data are made elsewhere."""

    url: str
    cpu_seconds: Callable[[], float]
    follow: Callable[[str], None] = lambda _table: None


@dataclass(frozen=True, slots=True)
class Travelled:
    """One run, in seconds; `read` is what it says that it read. `planned` and `planned_cpu`: until it began to
    deliver, or to its end, if there was nothing to be told."""

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
    planned: float
    planned_cpu: float


def rounds(
    made: Server, engine: Engine, state: Server, folder: Path, repeat: int, shares: Sequence[float]
) -> Iterator[Travelled]:
    """Runs each way after each change of the data that `made` has. Before, each has told all members, and the warehouse
    keeps a snapshot."""
    both = replace(made, other_url=state.other_url)  # the data, with the state's database beside them
    everything = Setup("syncer_everything", elsewhere=True, url=engine.url, follow=engine.follow)
    changes = replace(everything, schema="syncer_changes", scratch=True)
    engine.follow("member")
    for setup in (everything, changes):
        ours.seed(Place(both, folder), setup)
    run_once(both, engine, state, folder, changes, 0)
    state.run("VACUUM ANALYZE", state.other_url)
    for number, share in enumerate((share for share in shares for _ in range(repeat)), 1):
        warehouse.change(made, number, share)
        engine.follow("member")
        for setup in (everything, changes):
            yield run_once(both, engine, state, folder, setup, share)


def run_once(both: Server, engine: Engine, state: Server, folder: Path, setup: Setup, share: float) -> Travelled:
    """Runs once, after that share of the memberships changed. `both` has the urls of the data and of the state."""
    both.settle()
    with sink.receiving(folder / "spool") as receiving:
        place = Place(both, folder, f"http://127.0.0.1:{receiving.port}")
        before = engine.cpu_seconds()
        measured = measure.run(state, ours.command(ours.config(place, setup)), folder, {})
        engine_cpu = engine.cpu_seconds() - before
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
        engine_cpu,
        measured.postgres_cpu,
        measured.rss,
        measured.phases.get(_DELIVERING, measured.wall),
        measured.cpu_phases.get(_DELIVERING, measured.cpu),
    )


@contextmanager
def running(name: str, made: Server, folder: Path, executors: int = 2) -> Iterator[Engine]:
    """The engine of this name, with an empty scratch schema. The data are made by a PostgreSQL, which may be it.
    `executors` are Spark's."""
    if name == "postgresql":
        made.run("DROP SCHEMA IF EXISTS scratch CASCADE; CREATE SCHEMA scratch")
        yield Engine(made.url, made.cpu_seconds)
        return
    if name == "spark":
        with _spark(made, executors) as engine:
            yield engine
        return
    from tests.engines.servers import mariadb_server, own_folder  # needs pytest

    with own_folder("my") as own, mariadb_server(own, "--innodb-buffer-pool-size=1G") as (url, pid):
        _order(url, "CREATE DATABASE warehouse", "CREATE DATABASE scratch")
        there = url.set(database="warehouse")

        def follow(table: str) -> None:
            rows = folder / "rows.tsv"
            _write_rows(made, table, rows)
            made_anew = f"CREATE OR REPLACE TABLE warehouse.{table} {_TABLE} CHARACTER SET utf8mb4"
            loaded = f"LOAD DATA LOCAL INFILE '{rows}' INTO TABLE warehouse.{table} CHARACTER SET utf8mb4"
            _order(there, made_anew, loaded)

        yield Engine(there.render_as_string(hide_password=False), lambda: server.cpu_of(pid), follow)


@contextmanager
def _spark(made: Server, executors: int) -> Iterator[Engine]:
    """Its tables are Parquet."""
    from pyhive import hive

    from tests.engines.servers import own_folder, spark_server  # needs pytest

    with own_folder("spark") as own, spark_server(own, executors) as (url, pid):

        def order(*statements: str) -> None:
            with hive.connect(url.host, url.port) as connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

        def follow(table: str) -> None:
            rows = own / "rows.tsv"
            _write_rows(made, table, rows)
            columns = "audience string, user_id string, email string, updated_at string"
            order(
                "DROP TABLE IF EXISTS warehouse.written",
                f"CREATE TABLE warehouse.written ({columns}) USING csv OPTIONS (sep '\\t', path '{rows}')",
                f"DROP TABLE IF EXISTS warehouse.{table}",
                f"CREATE TABLE warehouse.{table} USING parquet AS SELECT * FROM warehouse.written",
            )

        order("CREATE DATABASE warehouse", "CREATE DATABASE scratch")
        there = url.set(database="warehouse")
        yield Engine(there.render_as_string(hide_password=False), lambda: server.cpu_of_all(pid), follow)


def _write_rows(made: Server, table: str, rows: Path) -> None:
    """Text with tabs between."""
    copied = f"COPY (SELECT audience, user_id, email, updated_at FROM warehouse.{table}) TO STDOUT"
    with psycopg.connect(made.url) as source, source.cursor().copy(copied) as blocks, rows.open("wb") as file:
        file.writelines(blocks)


def _order(url: sqlalchemy.URL, *statements: str) -> None:
    import pymysql

    options: dict[str, Any] = {"local_infile": True, "autocommit": True}
    at = {"host": url.host or "", "port": url.port or 0, "user": url.username}
    with pymysql.connect(**at, **options) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


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
        "planned s",
        "client cpu s",
        "planned cpu s",
        "engine cpu s",
        "state cpu s",
        "peak MB",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        seconds = (row.wall, row.planned, row.client_cpu, row.planned_cpu, row.engine_cpu, row.state_cpu)
        size = f"{row.size / 1e6:,.2f}"
        cells = (f"{100 * row.share:g} %", row.read, f"{row.rows:,.0f}", size, *(f"{each:.2f}" for each in seconds))
        table.add_row(*cells, f"{row.rss:.0f}")
    Console(width=152).print(table)


@click.command(help=__doc__)
@click.option("--memberships", default=1_000_000, show_default=True, help="Rows of the warehouse; five per contact.")
@click.option("--engine", "name", type=click.Choice(ENGINES), default=ENGINES[0], show_default=True)
@click.option("--executors", default=2, show_default=True, help="Spark's, with a core each.")
@click.option(
    "--server", "which", default=server.EMBEDDED, show_default=True, help=f"Another PostgreSQL. {server.WHICH}"
)
@click.option("--repeat", default=3, show_default=True)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Keeps the servers here.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes every run here as JSON.")
def main(memberships: int, name: str, executors: int, which: str, repeat: int, work: Path, out: Path | None) -> None:
    logging.disable()
    work.mkdir(parents=True, exist_ok=True)
    with server.running(work / "data", which=which) as made, server.running(work / "state", which=which) as state:
        warehouse.generate(made, memberships)
        facts = {**about(made, memberships), "engine": name, "executors": executors if name == "spark" else None}
        with running(name, made, work, executors) as engine:
            found = list(rounds(made, engine, state, work, repeat, SHARES))
    if out is not None:
        out.write_text(json.dumps({"about": facts, "runs": [asdict(each) for each in found]}, indent=1) + "\n")
    show(medians(found), f"{memberships:,} memberships in {name}")


if __name__ == "__main__":
    main()
