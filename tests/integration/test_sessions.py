"""Whatever role, database and server have as defaults, a session is as the code needs it, or it is refused."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from syncer.state import State, sessions
from tests.pooler import pooling
from tests.world import GUARD_FROM_TWO, Row, World, members, truth

pytestmark = pytest.mark.fresh_sessions

ODD: Mapping[str, str] = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "row_security": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "synchronous_commit": "off",
    "statement_timeout": "20s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "20s",
    "idle_session_timeout": "20s",
}
"""Other than we want all of it. The time limits are long enough for a test on a busy machine."""

NOBODY_ELSES = {"search_path": "nowhere, pg_temp"}
"""For the state only: at the warehouse the reader's path decides which table is meant."""

LISTS = {"search_path"}

PLAIN = "-c default_transaction_read_only=off"


@contextmanager
def odd(url: str, level: str, settings: Mapping[str, str]) -> Iterator[None]:
    """These defaults on the database, the role, or the whole server of this URL."""
    with psycopg.connect(url, autocommit=True, options=PLAIN) as connection:
        where = {
            "database": sql.SQL("ALTER DATABASE {}").format(sql.Identifier(connection.info.dbname)),
            "role": sql.SQL("ALTER ROLE {}").format(sql.Identifier(connection.info.user)),
            "server": sql.SQL("ALTER SYSTEM"),
        }[level]
        try:
            for name, value in settings.items():
                words = sql.SQL(", ").join(map(sql.Literal, value.split(", "))) if name in LISTS else sql.Literal(value)
                connection.execute(sql.SQL("{} SET {} = {}").format(where, sql.Identifier(name), words))
            connection.execute("SELECT pg_reload_conf()")
            yield
        finally:
            for name in settings:
                connection.execute(sql.SQL("{} RESET {}").format(where, sql.Identifier(name)))
            connection.execute("SELECT pg_reload_conf()")


def replace(world: World, rows: Iterable[Row]) -> None:
    with world.warehouse.changing(), psycopg.connect(world.warehouse.url, options=PLAIN) as connection:
        connection.execute("TRUNCATE members")
        for row in rows:
            connection.execute(
                "INSERT INTO members VALUES (%s, %s, %s, 0.1, timestamptz '2024-02-03 04:05:06+00')", row
            )


@pytest.mark.parametrize(
    ("level", "place"),
    [
        ("database", "world"),
        ("database", "world_in_one_database"),
        ("role", "world_in_one_database"),
        ("server", "world"),
    ],
)
def test_whole_syncs_with_every_odd_default_at_once(level: str, place: str, request: pytest.FixtureRequest) -> None:
    world: World = request.getfixturevalue(place)
    world.warehouse.run("ALTER TABLE members ADD score float8, ADD seen timestamptz")
    world.extra = GUARD_FROM_TWO + "".join(
        f'[[computed_traits]]\nname = "{name}"\nquery = "SELECT user_id, email, {name} AS value FROM members"\n'
        for name in ("score", "seen")
    )
    with odd(world.warehouse.url, level, ODD), odd(world.state_url, level, ODD):
        replace(world, members(12))
        assert world.command("check").returncode == 0
        assert world.command("sync").returncode == 0
        assert world.receiver.belief["u0003@x.io"] == {
            "vip_buyers": True,
            "score": 0.1,
            "seen": "2024-02-03T04:05:06.000Z",
        }

        replace(world, members(4))
        held = json.loads(world.command("sync", "--json").stdout)
        assert held["status"] == "held"
        assert world.command("approve", str(held["run_id"]), "--yes").returncode == 0
        assert world.command("retire", "vip_buyers", "--yes").returncode == 0
        assert world.command("resume", "vip_buyers").returncode == 0
        assert world.command("sync").returncode == 0
        assert {each for each in world.believed() if each[1] == "vip_buyers"} == truth(members(4))
        assert world.command("resync", "--yes").returncode == 0
        assert world.command("verify").returncode == 0
        for question in (["status"], ["history"], ["history", "1"], ["explain", "u0001"], ["plan"]):
            assert world.command(*question).returncode == 0
        assert world.command("forget", "u0001", "--yes").returncode == 0
        assert world.command("sync").returncode == 0
    assert world.receiver.event_count == 12 + 8 + 12, "a first sync, those who left, a resync: nothing twice"


def test_every_setting_that_the_state_needs_is_its_own(new_database: Callable[..., str], template: str) -> None:
    state = State(new_database(template), "syncer")

    def shown() -> dict[str, object]:
        with state.connect("test") as connection:
            return dict(connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", [names]))

    names = [*ODD, *NOBODY_ELSES]
    before = shown()
    with odd(state.url, "database", {**ODD, **NOBODY_ELSES}):
        assert shown() == before
    assert before["search_path"] == "syncer"
    assert before["synchronous_commit"] == "on"


def test_a_session_that_had_private_tables_of_somebody_else_is_set_up(
    new_database: Callable[..., str], template: str
) -> None:
    """Behind a pooler in session mode: the memory for such tables is fixed by then, all else is not."""
    url = new_database(template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE theirs AS SELECT 1 AS number")
        connection.execute("DISCARD ALL")
        sessions.prepare(connection, url, "syncer", None)
        assert connection.execute("SHOW search_path").fetchone() == ("syncer",)
        assert connection.execute("SHOW temp_buffers").fetchone() == ("8MB",)
    with State(url, "syncer").connect("test") as ours:
        assert ours.execute("SHOW temp_buffers").fetchone() == ("64MB",)


def test_parameters_stay_out_of_the_servers_log_where_the_role_may_say_so(
    new_database: Callable[..., str], template: str
) -> None:
    url = new_database(template)
    setting = sql.SQL("SHOW log_parameter_max_length")
    role = sql.Identifier(f"plain_{os.getpid()}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        try:
            with State(url, "syncer").connect("test") as state:
                assert state.execute(setting).fetchone() == ("0",)
            connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(role))
            sessions.prepare(connection, url, "syncer", None)
            assert connection.execute(setting).fetchone() == ("-1",)
        finally:
            connection.execute("RESET SESSION AUTHORIZATION")
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.parametrize("command", [["migrate"], ["check"], ["sync"], ["status"], ["migrate", "--print"]])
def test_a_transaction_pooler_is_refused_before_anything_is_set(world: World, command: list[str]) -> None:
    direct = world.state_url
    with pooling(direct) as (pooler, through):
        world.state_url = through
        done = world.command(*command)
        assert done.returncode != 0
        assert f"connection pooler in transaction mode (port {pooler.port})" in " ".join(done.stderr.split())
        with psycopg.connect(through, autocommit=True, prepare_threshold=None) as other:
            row = other.execute("SHOW search_path").fetchone()
            assert row == ('"$user", public',)
