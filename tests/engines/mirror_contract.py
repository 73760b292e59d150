"""What every warehouse keeps that has the snapshot of the last run in tables of its own: see `syncer.mirrors`.

A subclass has a fixture `kept`: a world whose warehouse has an empty scratch schema, and a `ScratchWrite`.
`SourcesContract` is for those where each source has a table.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from syncer.receivers.loopback import Answer
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.world import CHURN, VIP, Row, World, Write, members, truth

EMPTY = "there is no snapshot of an earlier run"
ALTERED = "the snapshot of the run before is not at the warehouse as it was left"
UNUSABLE = "the tables in `warehouse.scratch` could not be used; `syncer check` says why"


class ScratchWrite(Write):
    """A warehouse with a schema `scratch`."""

    def __init__(self, url: str, scratch: str) -> None:
        self.scratch = scratch
        super().__init__(url)

    def run(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        with self.changing():
            self.order(statement)

    def order(self, *statements: str) -> None:
        """Runs these, of which no source says anything."""
        raise NotImplementedError

    def tables(self) -> set[str]:
        """The tables in the scratch schema."""
        raise NotImplementedError

    def replace(self, rows: Iterable[Row]) -> None:
        found = [f"({', '.join(map(self.literal, row))})" for row in rows]
        with self.changing():
            self.order("TRUNCATE TABLE members", *([f"INSERT INTO members VALUES {', '.join(found)}"] if found else []))

    def literal(self, value: str | None) -> str:
        """A text in a statement."""
        return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def read(world: World) -> tuple[Any, ...]:
    """What the last run read, why, and how many rows travelled."""
    (found,) = world.query("SELECT read, read_because, read_rows FROM run ORDER BY run_id DESC LIMIT 1")
    return tuple(found)


def noted(world: World) -> set[str]:
    """The tables that the state knows of."""
    return {name for (name,) in world.query("SELECT name FROM scratch_table")}


def scratch_of(world: World) -> ScratchWrite:
    assert isinstance(world.warehouse, ScratchWrite)
    return world.warehouse


def changes_travel(world: World) -> None:
    """Of one that has told 50 people of two audiences: nothing travels, and then what changed."""
    world.sync()
    assert read(world) == ("changes", None, 0)

    rows: list[Row] = [*members(49, VIP, CHURN), (VIP, "new", "new@x.io")]
    rows[0] = (rows[0][0], rows[0][1], "other@x.io")
    world.warehouse.replace(rows)
    result = world.sync()

    # Two rows and four people: somebody's other address, who is new, and one who left both audiences.
    assert read(world) == ("changes", None, 6)
    assert world.believed() == truth(rows)
    assert {each.name: each.members for each in result.report.audiences} == {VIP: 50, CHURN: 49}
    assert world.query("SELECT memberships, contacts FROM run ORDER BY run_id DESC LIMIT 1") == [(99, 51)]


class MirrorContract:
    lives = 12
    """How many runs `test_every_text_is_what_it_is` takes."""

    users: Sequence[str | None] = ["u1", "U1", "u1 ", "\u00fc", "u\u0308", "it's", "a\\b", "", None]
    emails: Sequence[str | None] = [
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

    def settled(self, kept: World) -> World:
        """One that has told 50 people of two audiences."""
        kept.warehouse.replace(members(50, VIP, CHURN))
        kept.sync()
        assert read(kept) == ("everything", EMPTY, 100)
        return kept

    def test_what_changed_travels_and_nothing_else(self, kept: World) -> None:
        world = self.settled(kept)
        changes_travel(world)
        assert scratch_of(world).tables() == noted(world)
        assert len(noted(world)) == 1

    def test_every_text_is_what_it_is(self, kept: World) -> None:
        """Plans from what changed find what everything would, whatever the texts, and whatever the collation."""
        rnd = random.Random(7)
        rows: list[Row] = []
        changes = 0
        for _ in range(self.lives):
            for _ in range(rnd.randrange(4)):
                if rnd.random() < 0.6:
                    rows.append((rnd.choice(["A", "a", "\u00e9"]), rnd.choice(self.users), rnd.choice(self.emails)))
                elif rows:
                    rows.remove(rnd.choice(rows))
            kept.warehouse.replace(rows)
            kept.sync()
            changes += read(kept)[0] == "changes"
            assert kept.query("SELECT memberships FROM run ORDER BY run_id DESC LIMIT 1") == [(len(rows),)]
            assert kept.verify().differences == 0
        assert changes >= self.lives // 2

    def test_a_table_that_is_not_as_it_was_left_is_not_trusted(self, kept: World) -> None:
        world = self.settled(kept)
        for harm in self.harms(scratch_of(world)):
            (table,) = scratch_of(world).tables()
            harm(f"{scratch_of(world).scratch}.{table}")
            world.sync()
            assert read(world) == ("everything", ALTERED, 100)
            assert scratch_of(world).tables() == noted(world)
            world.sync()
            assert read(world) == ("changes", None, 0)

    def harms(self, warehouse: ScratchWrite) -> Iterator[Callable[[str], None]]:
        yield lambda table: warehouse.order(f"DROP TABLE {table}")
        yield lambda table: warehouse.order(f"INSERT INTO {table} SELECT * FROM {table}")

    def test_a_row_that_is_there_twice_is_two_rows_and_one_member(self, kept: World) -> None:
        world = self.settled(kept)
        once: Row = (VIP, "nobody", "")
        for times in (1, 2, 1):
            world.warehouse.replace([*members(50, VIP, CHURN), *[once] * times])
            result = world.sync()
            assert read(world)[0] == "changes"
            assert result.report.destinations[0].skipped == {"no_email": 1}
            assert world.query("SELECT memberships FROM run ORDER BY run_id DESC LIMIT 1") == [(100 + times,)]

    def test_whom_no_destination_is_told_all_about_the_warehouse_counts(self, kept: World) -> None:
        kept.destination_extra += f'\naudiences = ["{VIP}"]'
        rows = [*members(50, VIP, CHURN), (CHURN, "u0001", " Other@x.io\xa0"), (CHURN, None, "other@x.io")]
        rows += [(CHURN, "u0002", "\u00d6@x.io"), (CHURN, "u0003", "\u00f6@x.io")]
        kept.warehouse.replace(rows)
        kept.sync()
        kept.warehouse.replace(rows[2:])

        result = kept.sync()

        assert read(kept)[0] == "changes"
        assert {each.name: each.members for each in result.report.audiences} == {VIP: 49, CHURN: 49}
        assert kept.query("SELECT memberships, contacts FROM run ORDER BY run_id DESC LIMIT 1") == [(102, 52)]

    def test_a_change_that_a_destination_refused_is_planned_again(self, kept: World) -> None:
        world = self.settled(kept)
        rows = [*members(50, VIP, CHURN), (VIP, "new", "new@x.io")]
        world.warehouse.replace(rows)
        with refusing(world):
            world.sync()
        world.sync()
        assert read(world) == ("changes", None, 0)
        assert world.believed() == truth(rows)

    def test_check_tries_the_schema_and_leaves_nothing_there(self, kept: World) -> None:
        checked = kept.command("check")
        assert checked.returncode == 0, checked.stderr
        assert "runs read what changed since the run before" in " ".join(checked.stderr.split())
        assert scratch_of(kept).tables() == set()

    def test_two_installations_in_one_schema_leave_each_other_alone(
        self, kept: World, tmp_path: Path, new_database: Callable[..., str], template: str
    ) -> None:
        world = self.settled(kept)
        with SegmentReceiver("test-write-key") as receiver:
            state = State(new_database(template), "syncer")
            (tmp_path / "other").mkdir()
            extra = world.warehouse_extra
            other = World(tmp_path / "other", world.warehouse, state.url, receiver, warehouse_extra=extra)
            other.sync()
            world.sync()
            other.sync()
            assert read(world) == read(other) == ("changes", None, 0)
            assert scratch_of(world).tables() == noted(world) | noted(other)
            assert len(noted(world) | noted(other)) == 2

    def test_who_is_forgotten_is_gone_from_the_warehouse_too(self, kept: World) -> None:
        world = self.settled(kept)
        world.warehouse.replace(members(49, VIP, CHURN))
        assert world.command("forget", "u0049", "--yes").returncode == 0
        assert scratch_of(world).tables() == set()
        world.sync()
        assert read(world)[:2] == ("everything", "somebody was forgotten after the run before")


class SourcesContract(MirrorContract):
    """Where each source has a table of its own, with its rows in the types that they have there."""

    def test_each_source_has_a_table_of_its_own(self, kept: World) -> None:
        kept.extra = """
[[audiences]]
name = "First"
query = "SELECT user_id, email FROM members WHERE user_id < 'u0005'"
[[audiences]]
name = "Last"
query = "SELECT user_id, email FROM members WHERE user_id > 'u0020'"
"""
        kept.warehouse.replace(members(30))
        kept.sync()
        assert len(scratch_of(kept).tables()) == 3
        kept.warehouse.replace(members(29))
        kept.sync()
        # One who left one audience and another.
        assert read(kept) == ("changes", None, 2)
        assert kept.verify().differences == 0
        assert scratch_of(kept).tables() == noted(kept)
        kept.extra = ""
        kept.sync()
        assert read(kept)[0] == "everything"
        assert len(scratch_of(kept).tables()) == 1

    def test_an_audience_of_two_sources_is_read_whole(self, kept: World) -> None:
        kept.extra = f"""
[[audiences]]
name = "{VIP}"
query = "SELECT user_id, email FROM members"
"""
        kept.warehouse.replace(members(3, VIP, CHURN))
        kept.sync()
        kept.sync()
        assert read(kept)[:2] == ("everything", UNUSABLE)
        assert kept.verify().differences == 0

    def test_the_blanks_that_fill_a_char_are_none_of_its_text(self, kept: World) -> None:
        kept.warehouse.run("DROP TABLE members")
        kept.warehouse.run("CREATE TABLE members (audience_name char(20), user_id char(9), email varchar(40))")
        kept.destination_extra += f'\naudiences = ["{VIP}"]'
        kept.warehouse.replace(members(5, VIP, CHURN))
        kept.sync()
        rows: list[Row] = [*members(4, VIP, CHURN), (VIP, "u0004", "other@x.io")]
        kept.warehouse.replace(rows)
        result = kept.sync()
        assert {each.name: each.members for each in result.report.audiences} == {VIP: 5, CHURN: 4}
        assert kept.believed() == {each for each in truth(rows) if each[1] == "vip_buyers"}
        assert kept.verify().differences == 0


@contextmanager
def refusing(world: World) -> Iterator[None]:
    """Until the end the destination takes nothing."""
    world.receiver.script = lambda _: Answer(400, body=b'{"message":"not this one"}')
    yield
    world.receiver.script = None
