"""syncer with its warehouse in three places, once without the checksums of its last run, and its short commands."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb
import psycopg

from syncer import __version__
from syncer.state import State, migrations
from tests.bench import sink
from tests.bench.contestants import COMMANDS, UNCHANGED, Contestant, Place

NAME = f"syncer {__version__}"


@dataclass(frozen=True, slots=True)
class Setup:
    """Where syncer reads, and where it keeps its state: in the warehouse's database or in another one. `scratch`: the
    warehouse keeps the snapshots. `url`: the warehouse is a copy there, which `follow` makes of a table."""

    schema: str = "syncer"
    elsewhere: bool = False
    duckdb: bool = False
    scratch: bool = False
    url: str = ""
    follow: Callable[[str], None] = lambda _table: None

    def state_url(self, place: Place) -> str:
        return place.server.other_url if self.elsewhere else place.server.url

    def warehouse_url(self, place: Place) -> str:
        return self.url or (f"duckdb:///{_duckdb_file(place)}" if self.duckdb else place.server.url)


_HERE = Setup()
_ELSEWHERE = Setup(elsewhere=True)
_DUCKDB = Setup("syncer_duckdb", elsewhere=True, duckdb=True)


def _duckdb_file(place: Place) -> Path:
    return place.folder / "bench.duckdb"


def config(place: Place, setup: Setup = _HERE, *, table: str = "member") -> Path:
    """Writes the configuration."""
    path = place.folder / f"{setup.schema}{'_elsewhere' * setup.elsewhere}.toml"
    path.write_text(
        f"""
[warehouse]
url = "{setup.warehouse_url(place)}"
{'scratch = "scratch"' * setup.scratch}
[warehouse.membership]
table = "warehouse.{table}"
audience = "audience"
[state]
url = "{setup.state_url(place)}"
schema = "{setup.schema}"
[[destinations]]
name = "segment"
type = "segment"
write_key = "bench"
endpoint = "{place.endpoint}"
max_events_per_second = 0
[guard]
max_new_audiences = 10000
max_removed_fraction = 1.0
min_added = 1000000000
[log]
level = "WARNING"
"""
    )
    return path


def forget_everything(place: Place, setup: Setup = _HERE) -> None:
    """Makes the state anew, as before the first sync."""
    url = setup.state_url(place)
    place.server.run(f"DROP SCHEMA IF EXISTS {setup.schema} CASCADE", url)
    migrations.migrate(State(url, setup.schema))


def _copy_to_duckdb(place: Place, *, table: str = "member") -> None:
    """Copies a table of the warehouse into a new DuckDB file."""
    rows = place.folder / "rows.csv"
    with (
        psycopg.connect(place.server.url) as source,
        source.cursor().copy(f"COPY warehouse.{table} TO STDOUT (FORMAT csv)") as blocks,
        rows.open("wb") as file,
    ):
        file.writelines(blocks)
    _duckdb_file(place).unlink(missing_ok=True)
    with duckdb.connect(str(_duckdb_file(place))) as connection:
        connection.execute("CREATE SCHEMA warehouse")
        types = "{'audience': 'VARCHAR', 'user_id': 'VARCHAR', 'email': 'VARCHAR', 'updated_at': 'TIMESTAMPTZ'}"
        connection.execute(
            f"CREATE TABLE warehouse.{table} AS FROM read_csv('{rows}', header = false, columns = {types})"
        )
    rows.unlink()


# With all rows of their user there: a user has two addresses in some shapes.
_SAMPLE = """
CREATE TABLE warehouse.sample AS
SELECT member.*
FROM warehouse.member
JOIN (SELECT audience, min(user_id) AS user_id FROM warehouse.member GROUP BY audience) AS first
    USING (audience, user_id)
"""
_COUNT_ALL = """
UPDATE user_count AS known
SET users = told.users
FROM (SELECT audience_id, count(DISTINCT user_id) AS users FROM synced_member GROUP BY audience_id) AS told
WHERE told.audience_id = known.audience_id;
UPDATE contact_count
SET contacts = (SELECT count(*) FROM (SELECT DISTINCT contact FROM synced_member) AS told)
"""


def seed(place: Place, setup: Setup) -> None:
    """Tells one member of each audience, and fills the state up with the others as if they had been told, too."""
    forget_everything(place, setup)
    place.server.run("DROP TABLE IF EXISTS warehouse.sample")
    place.server.run(_SAMPLE)
    if setup.duckdb:
        _copy_to_duckdb(place, table="sample")
    setup.follow("sample")
    with sink.receiving(place.folder / "spool") as receiving:
        told = replace(place, endpoint=f"http://127.0.0.1:{receiving.port}")
        subprocess.run(command(config(told, setup, table="sample")), check=True, capture_output=True)
    _fill_state(place, setup)


def _fill_state(place: Place, setup: Setup) -> None:
    """All members but the sample, from the warehouse's table into the state's, in the state's order."""
    url = setup.state_url(place)
    audiences = place.server.run(f"SELECT audience_id, name FROM {setup.schema}.audience", url)
    ids, names = zip(*audiences, strict=True)
    with psycopg.connect(place.server.url) as source, psycopg.connect(url) as state:
        state.execute(f"SET search_path TO {setup.schema}, pg_catalog")
        rest = source.cursor().copy(
            """
            COPY (
                SELECT 1, a.audience_id, 1, 1, now(), m.email, m.user_id
                FROM warehouse.clean AS m
                JOIN unnest(%s::integer[], %s::text[]) AS a (audience_id, name) ON a.name = m.audience
                WHERE (m.audience, m.user_id) NOT IN (SELECT told.audience, told.user_id FROM warehouse.sample AS told)
                ORDER BY m.email COLLATE "C"
            ) TO STDOUT
            """,
            [list(ids), list(names)],
        )
        filled = state.cursor().copy("""
            COPY synced_member (
                destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id
            ) FROM STDIN
        """)
        with rest as rows, filled as told_rows:
            for block in rows:
                told_rows.write(block)
        for statement in _COUNT_ALL.split(";\n"):
            state.execute(statement)


def _forget_checksums(place: Place) -> None:
    """Makes the next run compare everything, as it does when most audiences moved in the run before."""
    place.server.run("TRUNCATE syncer.member_sum")


_KEPT = """
SELECT
    (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('{schema}.synced_member'))::float8,
    (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('{schema}.sync_change'))::float8,
    (SELECT count(*) FROM {schema}.synced_member)
"""


def _sizes(place: Place, setup: Setup) -> tuple[float, float]:
    """What state and history keep of a membership after an initial sync, with indexes."""
    ((state, history, members),) = place.server.run(_KEPT.format(schema=setup.schema), setup.state_url(place))
    count = max(1.0, float(str(members)))
    return float(str(state)) / count, float(str(history)) / count


def program() -> str:
    return str(Path(sys.executable).with_name("syncer"))


def command(configuration: Path) -> list[str]:
    return [program(), "--config", str(configuration), "sync", "--json"]


def _sync(place: Place, _scenario: str, *, setup: Setup = _HERE) -> Sequence[str]:
    return command(config(place, setup))


def _version(_place: Place, _scenario: str) -> Sequence[str]:
    return [program(), "--version"]


def _status(place: Place, _scenario: str) -> Sequence[str]:
    return [program(), "--config", str(config(place)), "status"]


def _ensure_state(place: Place) -> None:
    if place.server.run("SELECT to_regclass('syncer.run') IS NULL")[0][0]:
        forget_everything(place)


def _contestant(
    where: str, setup: Setup, prepare: Callable[[Place], None] = lambda _place: None, *, quick: bool = False
) -> Contestant:
    return Contestant(
        f"{NAME}{where}",
        partial(_sync, setup=setup),
        reset=partial(forget_everything, setup=setup),
        seed=partial(seed, setup=setup),
        prepare=prepare,
        sizes=partial(_sizes, setup=setup),
        quick=quick,
    )


OURS: Sequence[Contestant] = (
    Contestant(
        f"{NAME}, nothing remembered",
        _sync,
        scenarios=(UNCHANGED,),
        prepare=_forget_checksums,
        quick=True,
    ),
    _contestant("", _HERE, quick=True),
    _contestant(", warehouse elsewhere", _ELSEWHERE),
    _contestant(", warehouse in DuckDB", _DUCKDB, prepare=_copy_to_duckdb),
)
SHORT: Sequence[Contestant] = (
    Contestant(f"{NAME} --version", _version, compares=True, scenarios=(COMMANDS,), quick=True),
    Contestant(f"{NAME} status", _status, compares=True, scenarios=(COMMANDS,), prepare=_ensure_state, quick=True),
)
