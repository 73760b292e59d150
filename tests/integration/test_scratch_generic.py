"""What databases have in common that keep the snapshot of the last run by portable statements.

DuckDB stands in for them here, with facts of its own; `tests/engines` has the real ones.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import duckdb
import pytest
import sqlalchemy
from sqlalchemy import func

from syncer import models, warehouses
from syncer.addresses import Address
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from syncer.warehouses import dialects, drivers, mirror_dialects
from syncer.warehouses.columns import MAX_AUDIENCE
from syncer.warehouses.mirror_dialects import Expressions, Facts
from syncer.warehouses.mirror_generic import GenericMirrors
from syncer.warehouses.mirror_reading import GenericMirror
from tests.engines.mirror_contract import EMPTY, UNUSABLE, ScratchWrite, SourcesContract, noted, read, scratch_of
from tests.integration.scratch_kills import survive
from tests.world import VIP, Row, World, members, truth


def keys(columns: Expressions) -> Expressions:
    return [func.encode(sqlalchemy.cast(column, sqlalchemy.String)) for column in columns]


FACTS = Facts(
    keys,
    lambda columns: sqlalchemy.cast(func.hash(*keys(columns)), sqlalchemy.DECIMAL(38, 0)),
    lambda email: func.translate(func.trim(email, " \t\r\n\u00a0"), ascii_uppercase, ascii_lowercase),
    groups_a_pass=1,
)


def without_case(columns: Expressions) -> Expressions:
    return [func.lower(key) for key in columns]


BROKEN = {
    "takes different texts for equal": replace(FACTS, keys=without_case),
    "does not read the same twice": replace(FACTS, hashed=lambda _: func.random() * 10**9),
    "adds up different texts to the same": replace(FACTS, hashed=lambda _: sqlalchemy.literal_column("1")),
    "cannot be tried": replace(FACTS, kind="NO KIND"),
}


# Each row is about 10^18: the sums of two tables may differ in the last of their twenty digits only.
ALIKE = replace(
    FACTS,
    hashed=lambda columns: sqlalchemy.cast(10**18 + func.length(func.concat(*columns)), sqlalchemy.DECIMAL(38, 0)),
)


class DuckdbWrite(ScratchWrite):
    def __init__(self, file: Path) -> None:
        self.file = file
        self.order("CREATE SCHEMA scratch")
        super().__init__(f"duckdb:///{file}", "scratch")

    def order(self, *statements: str) -> None:
        self.ask(*statements)

    def ask(self, *statements: str) -> Any:
        """What the last of them answers."""
        with closing(duckdb.connect(str(self.file))) as connection:
            for statement in statements:
                connection.execute(statement)
            return connection.fetchall()

    def literal(self, value: str | None) -> str:
        return super().literal(value).replace("\0", "' || chr(0) || '")

    def tables(self) -> set[str]:
        return {name for (name,) in self.ask("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'scratch'")}


class Mirrors(GenericMirrors):
    """Those of DuckDB, which may write."""

    def __init__(self, address: Address, connect_args: Mapping[str, object], waits: models.Waits) -> None:
        super().__init__(address, connect_args, waits, "scratch")
        url = dialects.url(address)
        given = drivers.connect_args(url, dialects.connect_args(address, connect_args))
        writing = {**given, "read_only": False}
        self._engine = sqlalchemy.create_engine(url, connect_args=writing, poolclass=sqlalchemy.NullPool)


class TestGeneric(SourcesContract):
    lives = 8

    @pytest.fixture
    def kept(self, tmp_path: Path, state: State, receiver: SegmentReceiver, monkeypatch: pytest.MonkeyPatch) -> World:
        def opened(address: Address, connect_args: Mapping[str, object], _scratch: str, waits: models.Waits) -> Mirrors:
            return Mirrors(address, connect_args, waits)

        monkeypatch.setattr(mirror_dialects, "FACTS", {"duckdb": FACTS})
        monkeypatch.setattr(warehouses, "open_mirrors", opened)
        write = DuckdbWrite(tmp_path / "warehouse.duckdb")
        return World(tmp_path, write, state.url, receiver, warehouse_extra='scratch = "scratch"')

    def harms(self, warehouse: ScratchWrite) -> Iterator[Callable[[str], None]]:
        yield from super().harms(warehouse)
        yield lambda table: warehouse.order(f"UPDATE {table} SET email = 'other@x.io' WHERE user_id = 'u0007'")
        yield lambda table: warehouse.order(f"ALTER TABLE {table} ALTER user_id TYPE BLOB USING encode(user_id)")

    def test_a_run_may_be_killed_anywhere_among_the_tables(self, kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
        survive(kept, monkeypatch, ["register_scratch", "write_base", "strike_scratch"])
        assert scratch_of(kept).tables() == noted(kept)

    @pytest.mark.parametrize(
        "row", [(VIP, "nul\0", "a@x.io"), ("x" * (MAX_AUDIENCE + 1), "u9", "a@x.io")], ids=["nul", "long"]
    )
    def test_a_text_that_has_to_be_altered_is_read_whole(self, kept: World, row: Row) -> None:
        """Else what is true of one user could be taken for true of another, who has the same text then."""
        kept.warehouse.replace([*members(3), row])
        kept.sync()
        kept.sync()
        assert read(kept)[0] == "everything"
        kept.warehouse.replace(members(3))
        kept.sync()
        kept.sync()
        assert read(kept) == ("changes", None, 0)

    def test_no_digit_of_what_rows_add_up_to_is_lost(self, kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A seal of floating numbers would be that of another table, too."""
        monkeypatch.setattr(mirror_dialects, "FACTS", {"duckdb": ALIKE})
        others: list[Row] = members(30)[1:]
        found = []
        for email in ("o@x.io", "oo@x.io", "ooo@x.io"):
            rows: list[Row] = [(VIP, "u0000", email), *others]
            kept.warehouse.replace(rows)
            kept.sync()
            assert kept.believed() == truth(rows)
            found.append(read(kept))
        assert found == [("everything", EMPTY, 30), ("changes", None, 2), ("changes", None, 2)]

    @pytest.mark.parametrize("fault", BROKEN)
    def test_a_database_that_cannot_be_relied_upon_is_read_whole(
        self, kept: World, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        monkeypatch.setattr(mirror_dialects, "FACTS", {"duckdb": BROKEN[fault]})
        kept.warehouse.replace(members(3))
        kept.sync()
        kept.sync()
        assert read(kept) == ("everything", UNUSABLE, 3)
        assert scratch_of(kept).tables() == set()
        checked = kept.command("check")
        assert checked.returncode == 2
        assert fault in " ".join(checked.stderr.split()) or fault == "cannot be tried"
        assert "runs read everything until what is wrong there is put right" in " ".join(checked.stderr.split())

    def test_a_column_of_another_type_is_read_whole(self, kept: World) -> None:
        kept.warehouse.replace([(VIP, "1", "a@x.io"), (VIP, "2", "b@x.io")])
        kept.sync()
        kept.warehouse.run("ALTER TABLE members ALTER user_id TYPE DECIMAL(9, 2)")
        kept.warehouse.run("UPDATE members SET email = 'c@x.io' WHERE user_id = 2")
        kept.sync()
        assert read(kept)[0] == "everything"
        kept.sync()
        kept.sync()
        assert read(kept) == ("changes", None, 0)

    @pytest.mark.parametrize(
        ("before", "now"),
        [
            (members(30), members(30, first=30)),
            ([(f"A{number}", "u1", "a@x.io") for number in range(30)],) * 2,
        ],
        ids=["rows", "audiences"],
    )
    def test_what_is_cut_off_is_missed(
        self, kept: World, monkeypatch: pytest.MonkeyPatch, before: list[Row], now: list[Row]
    ) -> None:
        real = GenericMirror._partitions
        kept.warehouse.replace(before)
        kept.sync()

        def cut(opened: GenericMirror, source: models.Source, result: Any) -> Iterator[Any]:
            return (rows[:20] for rows in real(opened, source, result))

        kept.warehouse.replace(now)
        with monkeypatch.context() as patched:
            patched.setattr(GenericMirror, "_partitions", cut)
            kept.sync()
        assert read(kept)[0] == "everything"
        assert kept.verify().differences == 0
