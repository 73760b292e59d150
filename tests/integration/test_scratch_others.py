"""A warehouse that keeps the snapshot of the last run: what others wrote runs only where nothing can be written."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from syncer import addresses, errors, models
from syncer.warehouses.mirror_postgres import PostgresMirror, PostgresMirrors
from tests.engines.mirror_contract import read
from tests.integration.test_scratch import kept, settled, tables
from tests.world import World

__all__ = ["kept", "settled"]


def test_the_private_copy_gives_its_disk_back_before_anything_is_compared(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, sizes = PostgresMirror.create, []

    def measured(mirror: PostgresMirror, table: str) -> None:
        create(mirror, table)
        sizes.append(mirror.answer("SELECT pg_relation_size('pg_temp.syncer_members')"))

    monkeypatch.setattr(PostgresMirror, "create", measured)
    settled.warehouse.run("ALTER TABLE members ENABLE ROW LEVEL SECURITY")
    settled.sync()
    assert (read(settled), sizes) == (("changes", None, 0), [0])


def test_the_rows_of_a_plain_table_are_written_once(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read some other way gives the same table."""
    monkeypatch.delattr(PostgresMirror, "_create_apart")
    settled.sync()
    assert read(settled) == ("changes", None, 0)
    monkeypatch.undo()
    monkeypatch.setattr(PostgresMirror, "_runs_nothing", lambda *_: False)
    settled.sync()
    assert read(settled) == ("changes", None, 0)


SPOIL = """
CREATE TABLE victim AS SELECT 1 AS one;
CREATE FUNCTION spoil(first text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN EXECUTE first; DELETE FROM victim; RETURN 'a@x.io'; END $$;
"""


@pytest.mark.parametrize("first", ["SELECT 1", "SET LOCAL transaction_read_only = off", "RESET transaction_read_only"])
def test_what_others_wrote_writes_nothing(kept: World, first: str) -> None:
    """The transaction that makes a table in the scratch schema is as read-only for them as any other reading."""
    kept.warehouse.run(SPOIL)
    query = f"SELECT 'A' AS audience, 'u' AS user_id, spoil('{first}') AS email"
    source = models.Source("test", user_id="user_id", email="email", query=query, audience="audience")
    mirrors = PostgresMirrors(addresses.parse(kept.warehouse.url), {}, "scratch")

    with pytest.raises(errors.WarehouseError, match="transaction"), mirrors.opened([source], 0) as opened:
        opened.create("kept")
    with pytest.raises(errors.WarehouseError, match="transaction"), mirrors.opened([source], 0) as opened:
        opened.answer(f"SELECT spoil('{first}') = 'a@x.io'")

    with psycopg.connect(kept.warehouse.url) as connection:
        assert connection.execute("SELECT count(*) FROM victim").fetchone() == (1,)
    assert tables(kept.warehouse) == set()


RUNS_SOMETHING = {
    "a view": "CREATE VIEW source AS SELECT audience, user_id, spoil('SELECT 1') AS email FROM people",
    "a policy": """
        CREATE TABLE source AS TABLE people;
        ALTER TABLE source ENABLE ROW LEVEL SECURITY;
        CREATE POLICY theirs ON source USING (spoil('SELECT 1') = email)
    """,
    "a type": """
        CREATE TYPE kind AS ENUM ('a@x.io');
        CREATE FUNCTION as_text(kind) RETURNS text LANGUAGE sql AS $$ SELECT spoil('SELECT 1') $$;
        CREATE CAST (kind AS text) WITH FUNCTION as_text(kind);
        CREATE TABLE source AS SELECT audience, user_id, email::kind FROM people
    """,
    "a partition": """
        CREATE TABLE source (LIKE people) PARTITION BY LIST (audience);
        CREATE TABLE part PARTITION OF source FOR VALUES IN ('A');
        INSERT INTO source TABLE people
    """,
}


@pytest.mark.parametrize("said", RUNS_SOMETHING.values(), ids=RUNS_SOMETHING)
def test_what_may_run_something_is_read_where_nothing_can_be_written(
    kept: World, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.warehouse.run(SPOIL)
    kept.warehouse.run("CREATE TABLE people AS SELECT 'A' AS audience, 'u' AS user_id, 'a@x.io' AS email")
    kept.warehouse.run(said)
    source = models.Source("test", user_id="user_id", email="email", table="source", audience="audience")
    mirrors = PostgresMirrors(addresses.parse(kept.warehouse.url), {}, "scratch")
    apart: list[object] = []
    real = PostgresMirror._create_apart

    def create_apart(opened: PostgresMirror, name: Any) -> None:
        apart.append(name)
        real(opened, name)

    monkeypatch.setattr(PostgresMirror, "_create_apart", create_apart)
    with suppress(errors.WarehouseError), mirrors.opened([source], 0) as opened:
        opened.create("kept")

    assert len(apart) == 1
    with psycopg.connect(kept.warehouse.url) as connection:
        assert connection.execute("SELECT count(*) FROM victim").fetchone() == (1,)


def test_a_policy_that_a_plain_table_gets_meanwhile_is_refused(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.warehouse.run(SPOIL)
    kept.warehouse.run("CREATE TABLE people AS SELECT 'A' AS audience, 'u' AS user_id, 'a@x.io' AS email")
    kept.warehouse.run("ALTER TABLE people ENABLE ROW LEVEL SECURITY")
    kept.warehouse.run("CREATE POLICY theirs ON people USING (spoil('SELECT 1') = email)")
    kept.warehouse.run("CREATE ROLE policy_reader LOGIN PASSWORD 'secret'")
    try:
        kept.warehouse.run("GRANT SELECT ON people TO policy_reader; GRANT DELETE, SELECT ON victim TO policy_reader")
        kept.warehouse.run("GRANT USAGE, CREATE ON SCHEMA scratch TO policy_reader")
        source = models.Source("test", user_id="user_id", email="email", table="people", audience="audience")
        address = replace(addresses.parse(kept.warehouse.url), username="policy_reader", password="secret")
        mirrors = PostgresMirrors(address, {}, "scratch")
        monkeypatch.setattr(PostgresMirror, "_runs_nothing", lambda *_: True)
        with pytest.raises(errors.WarehouseError, match="row-level security"), mirrors.opened([source], 0) as opened:
            opened.create("kept")
    finally:
        kept.warehouse.run("DROP OWNED BY policy_reader; DROP ROLE policy_reader")
    with psycopg.connect(kept.warehouse.url) as connection:
        assert connection.execute("SELECT count(*) FROM victim").fetchone() == (1,)
