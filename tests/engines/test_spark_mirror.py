"""Spark SQL as a warehouse that keeps the snapshot of the last run. A real cluster of two executors."""

import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.engines.mirror_contract import ScratchWrite, SourcesContract
from tests.world import World

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]


class SparkWrite(ScratchWrite):
    def __init__(self, server: sqlalchemy.URL) -> None:
        self.server = server
        name = uuid.uuid4().hex
        self.database, scratch = f"w_{name}", f"s_{name}"
        self.ask(f"CREATE DATABASE {self.database}", f"CREATE DATABASE {scratch}")
        super().__init__(server.set(database=self.database).render_as_string(hide_password=False), scratch)

    def order(self, *statements: str) -> None:
        # What is made as `text` is a `string` here.
        self.ask(f"USE {self.database}", *(statement.replace(" text", " string") for statement in statements))

    def ask(self, *statements: str) -> Any:
        """What the last of them answers, if it answers anything."""
        from pyhive import hive

        with hive.connect(self.server.host, self.server.port) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def literal(self, value: str | None) -> str:
        if value is None:
            return "CAST(NULL AS string)"
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def tables(self) -> set[str]:
        return {name for _, name, *_ in self.ask(f"SHOW TABLES IN {self.scratch}")}


class TestSpark(SourcesContract):
    lives = 6

    @pytest.fixture
    def kept(self, spark: sqlalchemy.URL, tmp_path: Path, state: State, receiver: SegmentReceiver) -> World:
        write = SparkWrite(spark)
        return World(tmp_path, write, state.url, receiver, warehouse_extra=f'scratch = "{write.scratch}"')
