"""DuckDB as a warehouse that keeps the snapshot of the last run."""

import random
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.acceptance.worlds import FileWrite
from tests.world import CHURN, VIP, Row, World, members, truth


@pytest.fixture
def kept(tmp_path: Path, state: State, receiver: SegmentReceiver) -> World:
    """A world whose warehouse is a file with a scratch schema."""
    file = tmp_path / "warehouse.duckdb"
    write = FileWrite(f"duckdb:///{file}", lambda: duckdb.connect(str(file)))
    write.run("CREATE SCHEMA scratch")
    return World(tmp_path, write, state.url, receiver, warehouse_extra='scratch = "scratch"')


def ask(world: World, statement: str) -> Sequence[Any]:
    with closing(duckdb.connect(world.warehouse.url.removeprefix("duckdb:///"))) as connection:
        return connection.execute(statement).fetchall()


def read(world: World) -> tuple[Any, ...]:
    (found,) = world.query("SELECT read, read_because, read_rows FROM run ORDER BY run_id DESC LIMIT 1")
    return tuple(found)


def test_what_changed_travels_and_nothing_else(kept: World) -> None:
    kept.warehouse.replace(members(50, VIP, CHURN))
    kept.sync()
    kept.sync()
    assert read(kept) == ("changes", None, 0)

    rows: list[Row] = [*members(49, VIP, CHURN), (VIP, "new", "new@x.io")]
    rows[0] = (rows[0][0], rows[0][1], "other@x.io")
    kept.warehouse.replace(rows)
    result = kept.sync()

    assert read(kept) == ("changes", None, 6)
    assert kept.believed() == truth(rows)
    assert {each.name: each.members for each in result.report.audiences} == {VIP: 50, CHURN: 49}
    assert kept.query("SELECT memberships, contacts FROM sync_runs ORDER BY run_id DESC LIMIT 1") == [(99, 51)]
    tables = ask(kept, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'scratch'")
    assert tables == kept.query("SELECT scratch_table FROM base")


def test_every_text_is_what_it_is(kept: World) -> None:
    """Plans from what changed find what everything would, whatever the texts, and whatever the collation."""
    kept.warehouse.run("DROP TABLE members")
    kept.warehouse.run(
        "CREATE TABLE members (audience_name text, user_id text COLLATE NOCASE, email text COLLATE NOCASE)"
    )
    rnd = random.Random(7)
    users = ["u1", "U1", "u1 ", "\u00fc", "u\u0308", "nul\0", "nul\ufffd", "", None]
    emails = [
        "a@x.io",
        "A@x.io",
        " a@x.io",
        "\u00d6@x.io",
        "\u00f6@x.io",
        "nul\0@x.io",
        "nul\ufffd@x.io",
        "bad",
        "",
        None,
    ]
    rows: list[Row] = []
    changes = 0
    for _ in range(25):
        for _ in range(rnd.randrange(4)):
            if rnd.random() < 0.6:
                rows.append((rnd.choice(["A", "a", "\u00e9"]), rnd.choice(users), rnd.choice(emails)))
            elif rows:
                rows.remove(rnd.choice(rows))
        kept.warehouse.replace(rows)
        kept.sync()
        changes += read(kept)[0] == "changes"
        assert kept.query("SELECT memberships FROM run ORDER BY run_id DESC LIMIT 1") == [(len(rows),)]
        assert kept.verify().differences == 0
    assert changes > 10


@pytest.mark.parametrize("harm", ["DROP TABLE scratch.{}", "DELETE FROM scratch.{} WHERE user_id = encode('u0007')"])
def test_a_table_that_is_not_as_it_was_left_is_not_trusted(kept: World, harm: str) -> None:
    kept.warehouse.replace(members(50))
    kept.sync()
    ((table,),) = kept.query("SELECT scratch_table FROM base")
    kept.warehouse.run(harm.format(table))
    kept.sync()
    assert read(kept) == ("everything", "the snapshot of the run before is not at the warehouse as it was left", 50)


def test_whom_no_destination_is_told_all_about_the_warehouse_counts(kept: World) -> None:
    kept.destination_extra += f'\naudiences = ["{VIP}"]'
    rows = [*members(50, VIP, CHURN), (CHURN, "u0001", " Other@x.io\xa0"), (CHURN, None, "other@x.io")]
    rows += [(CHURN, "u0002", "\u00d6@x.io"), (CHURN, "u0003", "\u00f6@x.io")]
    kept.warehouse.replace(rows)
    kept.sync()
    kept.warehouse.replace(rows[2:])

    result = kept.sync()

    assert read(kept)[0] == "changes"
    assert {each.name: each.members for each in result.report.audiences} == {VIP: 49, CHURN: 49}
    assert kept.query("SELECT memberships, contacts FROM sync_runs ORDER BY run_id DESC LIMIT 1") == [(102, 52)]


def test_columns_of_other_types_are_read_whole(kept: World) -> None:
    kept.warehouse.run("CREATE TABLE numbers AS SELECT 'A' AS audience_name, 1.5 AS user_id, 'a@x.io' AS email")
    with pytest.MonkeyPatch.context() as patched:
        text = kept.text.replace('table = "members"', 'table = "numbers"')
        patched.setattr(World, "text", property(lambda _: text))
        checked = kept.command("check")
        assert checked.returncode == 2
        assert "user_id is DECIMAL(2,1)" in checked.stderr
        kept.sync()
        assert read(kept) == (
            "everything",
            "the tables in `warehouse.scratch` could not be used; `syncer check` says why",
            1,
        )
