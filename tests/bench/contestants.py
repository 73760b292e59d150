"""Who runs, how each is set up, and what each cannot do. Rivals live in environments of their own."""

import json
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import duckdb
import psycopg
import sqlalchemy

from syncer import __version__
from syncer.state import State, migrations
from tests.bench import measure, sink
from tests.bench.server import Server

INITIAL, UNCHANGED, CHANGED = "initial", "unchanged", "changed"
SCENARIOS = (INITIAL, UNCHANGED, CHANGED)
RIVALS = Path(__file__).parent / "rivals"

ENVIRONMENTS: Mapping[str, Sequence[str]] = {
    "segment": ("segment-analytics-python==2.4.0", "psycopg[binary]>=3.2"),
    "drt": ("drt-core[postgres]==1.2.1",),
    "dlt": ("dlt[postgres,parquet]==1.31.0", "psycopg2-binary", "requests"),
    "reladiff": ("reladiff[postgresql]==0.6.0",),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measurement happens: the server, a folder, and the sink's address."""

    server: Server
    folder: Path
    endpoint: str = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`compares` only: it tells nobody. `reset` makes it know nothing, `learn` all of `warehouse.before`.

    `seed` stands for an initial sync that is not measured. `prepare` comes before every run.
    """

    name: str
    command: Callable[[Place, str], Sequence[str]]
    environment: str | None = None
    compares: bool = False
    scenarios: Sequence[str] = SCENARIOS
    reset: Callable[[Place], None] = lambda _place: None
    learn: Callable[[Place], None] | None = None
    seed: Callable[[Place], None] | None = None
    prepare: Callable[[Place], None] = lambda _place: None
    cannot: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, place: Place, scenario: str) -> measure.Measured:
        return measure.run(place.server, self.command(place, scenario), place.folder, self.variables)


class NotInstalledError(Exception):
    """A rival that this machine cannot have."""


def python_of(folder: Path, name: str | None) -> Path:
    """The interpreter of an environment; makes it if need be."""
    if name is None:
        return Path(sys.executable)
    home = folder / "environments" / name
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        venv.create(home, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-q", *ENVIRONMENTS[name]]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotInstalledError(f"{ENVIRONMENTS[name][0]}: {done.stderr.strip().splitlines()[-1]}")
        ready.touch()
    return python


# --- ours --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setup:
    """Where ours reads, and where it keeps its state: a schema of the warehouse's database, or of another."""

    schema: str = "syncer"
    elsewhere: bool = False
    duckdb: bool = False

    def state_url(self, place: Place) -> str:
        return place.server.other_url if self.elsewhere else place.server.url

    def warehouse_url(self, place: Place) -> str:
        return f"duckdb:///{_duckdb_file(place)}" if self.duckdb else place.server.url


_HERE = Setup()
_ELSEWHERE = Setup(elsewhere=True)
_DUCKDB = Setup("syncer_duckdb", elsewhere=True, duckdb=True)


def _duckdb_file(place: Place) -> Path:
    return place.folder / "bench.duckdb"


def config(place: Place, setup: Setup = _HERE, *, table: str = "member") -> Path:
    """The configuration of ours."""
    path = place.folder / f"{setup.schema}{'_elsewhere' * setup.elsewhere}.toml"
    path.write_text(
        f"""
[warehouse]
url = "{setup.warehouse_url(place)}"
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
[log]
level = "WARNING"
"""
    )
    return path


def forget_everything(place: Place, setup: Setup = _HERE) -> None:
    """Ours, before its first sync."""
    url = setup.state_url(place)
    place.server.run(f"DROP SCHEMA IF EXISTS {setup.schema} CASCADE", url)
    migrations.migrate(State(url, setup.schema))


def _copy_to_duckdb(place: Place, *, table: str = "member") -> None:
    """The same rows in a file, which is what a warehouse in DuckDB is."""
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


# No user is twice in an audience: see `warehouse`.
_COUNT_HEADS = """
UPDATE user_count AS known
SET users = told.users
FROM (SELECT audience_id, count(*) AS users FROM synced_member GROUP BY audience_id) AS told
WHERE told.audience_id = known.audience_id;
UPDATE contact_count
SET contacts = (SELECT count(*) FROM (SELECT DISTINCT contact FROM synced_member) AS told)
"""


def _seed_ours(place: Place, setup: Setup) -> None:
    """One member of each audience is told, and the state is filled up with the others as their telling would have."""
    forget_everything(place, setup)
    place.server.run("DROP TABLE IF EXISTS warehouse.sample")
    place.server.run("CREATE TABLE warehouse.sample AS SELECT DISTINCT ON (audience) * FROM warehouse.member")
    if setup.duckdb:
        _copy_to_duckdb(place, table="sample")
    with sink.receiving(place.folder / "spool") as receiving:
        told = replace(place, endpoint=f"http://127.0.0.1:{receiving.port}")
        syncer = Path(sys.executable).with_name("syncer")
        path = config(told, setup, table="sample")
        subprocess.run([str(syncer), "--config", str(path), "sync"], check=True, capture_output=True)
    url = setup.state_url(place)
    audiences = place.server.run(f"SELECT audience_id, name FROM {setup.schema}.audience", url)
    ids, names = zip(*audiences, strict=True)
    with psycopg.connect(place.server.url) as source, psycopg.connect(url) as state:
        state.execute(f"SET search_path TO {setup.schema}, pg_catalog")
        rest = source.cursor().copy(
            """
            COPY (
                SELECT 1, a.audience_id, 1, 1, now(), m.email, m.user_id
                FROM warehouse.member AS m
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
        for statement in _COUNT_HEADS.split(";\n"):
            state.execute(statement)


def _forget_fingerprints(place: Place) -> None:
    """Has the next run of ours compare everything, as after a run in which most audiences moved."""
    place.server.run("UPDATE syncer.run_count SET fingerprint = NULL WHERE fingerprint IS NOT NULL")


def _ours(place: Place, _scenario: str, *, setup: Setup = _HERE) -> Sequence[str]:
    syncer = Path(sys.executable).with_name("syncer")
    return [str(syncer), "--config", str(config(place, setup)), "sync", "--json"]


def _ours_contestant(where: str, setup: Setup, prepare: Callable[[Place], None] = lambda _place: None) -> Contestant:
    return Contestant(
        f"syncer {__version__}{where}",
        partial(_ours, setup=setup),
        reset=partial(forget_everything, setup=setup),
        seed=partial(_seed_ours, setup=setup),
        prepare=prepare,
    )


# --- the rivals --------------------------------------------------------------------------------------------------


def _reset_script(place: Place) -> None:
    for statement in (
        "DROP SCHEMA IF EXISTS script CASCADE",
        "CREATE SCHEMA script",
        "CREATE TABLE script.synced (audience text NOT NULL, user_id text NOT NULL, email text NOT NULL)",
        "CREATE TABLE script.change (audience text, user_id text, email text, entered boolean)",
    ):
        place.server.run(statement)


def _learn_script(place: Place) -> None:
    _reset_script(place)
    place.server.run("INSERT INTO script.synced SELECT audience, user_id, email FROM warehouse.before")
    place.server.run("VACUUM (ANALYZE) script.synced")


def _write_people(place: Place) -> None:
    """What a sender without a database sends: a line of JSON per contact."""
    with psycopg.connect(place.server.url) as source, (place.folder / "people").open("wb") as file:
        people = source.cursor().copy("""
            COPY (
                SELECT jsonb_build_object('user_id', min(user_id), 'traits', jsonb_build_object('email', email)
                    || jsonb_object_agg(lower(replace(audience, ' ', '_')), true))
                FROM warehouse.member
                GROUP BY email
            ) TO STDOUT
        """)
        with people as lines:
            for block in lines:
                file.write(block)


def _rival(
    place: Place, _scenario: str, *, program: str, environment: str | None, arguments: Sequence[str]
) -> Sequence[str]:
    given = {
        "URL": place.server.url,
        "ENDPOINT": place.endpoint,
        "FOLDER": str(place.folder / "dlt"),
        "PEOPLE": str(place.folder / "people"),
    }
    python = python_of(place.folder, environment)
    return [str(python), str(RIVALS / program), *(given.get(argument, argument) for argument in arguments)]


def _program(name: str, program: str, environment: str | None, *arguments: str, **more: object) -> Contestant:
    command = partial(_rival, program=program, environment=environment, arguments=arguments)
    return Contestant(name, command, environment=environment, **more)  # type: ignore[arg-type]


def _comparison(name: str, how: str) -> Contestant:
    return _program(
        name, "compare.py", None, how, "URL", compares=True, scenarios=(UNCHANGED, CHANGED), learn=_learn_script
    )


def _reladiff(place: Place, _scenario: str) -> Sequence[str]:
    """Its addresses know no sockets, but libpq's environment does."""
    program = python_of(place.folder, "reladiff").with_name("reladiff")
    url = sqlalchemy.make_url(place.server.url)
    host, port = url.query.get("host") or url.host, url.query.get("port") or url.port
    address = f"postgresql://{url.username}@/{url.database}"
    keys = ["-k", "audience", "-k", "user_id", "-c", "email", "--algorithm", "joindiff", "--stats"]
    return [
        "env",
        f"PGHOST={host}",
        f"PGPORT={port}",
        str(program),
        address,
        "script.synced",
        "warehouse.member",
        *keys,
    ]


_DRT_MODEL = (
    "SELECT email, min(user_id) AS user_id, jsonb_object_agg(lower(replace(audience, ' ', '_')), true) AS traits,"
    " max(updated_at) AS updated_at FROM warehouse.member GROUP BY email"
)
_DRT_BATCH = (
    '{"batch": [{% for row in rows %}{"type": "identify", "userId": {{ row.user_id | tojson_safe }}, "traits":'
    ' {"email": {{ row.email | tojson_safe }}, {{ (row.traits | tojson_safe)[1:] }}}{% if not loop.last %},{% endif %}'
    "{% endfor %}]}"
)


def _drt(place: Place, _scenario: str) -> Sequence[str]:
    """A project as its documentation shows one; its default of ten requests a second is lifted."""
    url = sqlalchemy.make_url(place.server.url)
    project = place.folder / "drt"
    (project / "syncs").mkdir(parents=True, exist_ok=True)
    profiles = project / "home" / ".drt"
    profiles.mkdir(parents=True, exist_ok=True)
    profile = {
        "type": "postgres",
        "host": url.host or url.query.get("host"),
        "port": url.port or 5432,
        "dbname": url.database,
        "user": url.username,
        "password": url.password or "none",
    }
    sync = {
        "name": "audiences",
        "model": _DRT_MODEL,
        "destination": {
            "type": "rest_api",
            "url": f"{place.endpoint}/v1/batch",
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body_mode": "batch",
            "max_records_per_request": 500,
            "batch_template": _DRT_BATCH,
            "rate_limit": {"requests_per_second": 1_000_000},
        },
        "sync": {"mode": "incremental", "cursor_field": "updated_at", "batch_size": 5000, "on_error": "skip"},
    }
    # JSON is YAML.
    (profiles / "profiles.yml").write_text(json.dumps({"bench": profile}))
    (project / "drt_project.yml").write_text(json.dumps({"name": "bench", "version": "0.1", "profile": "bench"}))
    (project / "syncs" / "audiences.yml").write_text(json.dumps(sync))
    program = python_of(place.folder, "drt").with_name("drt")
    return ["env", f"HOME={project / 'home'}", "DO_NOT_TRACK=1", "sh", "-c", f"cd {project} && exec {program} run"]


def _forget_folder(place: Place, *, name: str) -> None:
    subprocess.run(["rm", "-rf", str(place.folder / name)], check=True)


_NO_REMOVALS = "finds who entered by a cursor; who left has no row, so it is never told false"

CONTESTANTS: Sequence[Contestant] = (
    _comparison("floor: read both sides", "floor"),
    _comparison("bare full outer hash join", "hash_join"),
    _comparison("EXCEPT both ways", "except"),
    _comparison("pull the rows to a client", "pull"),
    Contestant(
        "reladiff 0.6.0 (joindiff)",
        _reladiff,
        environment="reladiff",
        compares=True,
        scenarios=(UNCHANGED, CHANGED),
        learn=_learn_script,
        cannot="compares only",
    ),
    Contestant(
        f"syncer {__version__}, nothing remembered",
        _ours,
        scenarios=(UNCHANGED,),
        prepare=_forget_fingerprints,
    ),
    _ours_contestant("", _HERE),
    _ours_contestant(", warehouse elsewhere", _ELSEWHERE),
    _ours_contestant(", warehouse in DuckDB", _DUCKDB, prepare=_copy_to_duckdb),
    _program(
        "segment-analytics-python 2.4.0, bare sends",
        "send_only.py",
        "segment",
        "PEOPLE",
        "ENDPOINT",
        scenarios=(INITIAL,),
        prepare=_write_people,
        cannot="reads no database, compares nothing, keeps nothing",
    ),
    _program(
        "script: full join + segment-analytics-python 2.4.0",
        "script.py",
        "segment",
        "full_join",
        "URL",
        "ENDPOINT",
        reset=_reset_script,
        learn=_learn_script,
        cannot="no history, no guard, lost answers unnoticed, all told again after a crash",
    ),
    _program(
        "script: EXCEPT + segment-analytics-python 2.4.0",
        "script.py",
        "segment",
        "except",
        "URL",
        "ENDPOINT",
        reset=_reset_script,
        learn=_learn_script,
        cannot="no history, no guard, lost answers unnoticed, all told again after a crash",
    ),
    Contestant(
        "drt-core 1.2.1",
        _drt,
        environment="drt",
        reset=partial(_forget_folder, name="drt"),
        cannot=_NO_REMOVALS,
    ),
    _program(
        "dlt 1.31.0, custom destination",
        "dlt_run.py",
        "dlt",
        "URL",
        "ENDPOINT",
        "FOLDER",
        reset=partial(_forget_folder, name="dlt"),
        cannot=_NO_REMOVALS,
        variables={"RUNTIME__DLTHUB_TELEMETRY": "false", "LOAD__WORKERS": "4"},
    ),
)
