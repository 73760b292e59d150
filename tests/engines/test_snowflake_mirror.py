"""Snowflake as a warehouse that keeps the snapshot of the last run, on an emulator: see `test_snowflake`."""

import json
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.engines.mirror_contract import ScratchWrite, SourcesContract
from tests.world import World

pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("default"),
    pytest.mark.not_audited("the auditor knows no arguments of a driver, without which the emulator is not reached"),
]


class SnowflakeWrite(ScratchWrite):
    def __init__(self, server: dict[str, Any]) -> None:
        self.server = server
        self.name = f"D{uuid.uuid4().hex}".upper()
        self.ask("CREATE SCHEMA kept")  # that of the session is there
        url = sqlalchemy.URL.create(
            "snowflake", server["user"], server["password"], host=server["account"], database=f"{self.name}/S"
        )
        super().__init__(url.render_as_string(hide_password=False), f"{self.name}.KEPT")

    @property
    def connect_args(self) -> str:
        """What the configuration says of the emulator."""
        given = {key: value for key, value in self.server.items() if key not in ("user", "password", "account")}
        return _toml(given)

    def order(self, *statements: str) -> None:
        self.ask(*statements)

    def ask(self, *statements: str) -> Any:
        """What the last of them answers."""
        import snowflake.connector

        reached = snowflake.connector.connect(**self.server, database=self.name, schema="S", autocommit=True)
        with closing(reached) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def literal(self, value: str | None) -> str:
        return super().literal(None if value is None else value.replace("\\", "\\\\"))

    def tables(self) -> set[str]:
        asked = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'KEPT'"
        return {name.lower() for (name,) in self.ask(asked)}


class TestSnowflake(SourcesContract):
    @pytest.fixture
    def kept(self, snowflake: dict[str, Any], tmp_path: Path, state: State, receiver: SegmentReceiver) -> World:
        write = SnowflakeWrite(snowflake)
        extra = f'scratch = "{write.scratch}"\nconnect_args = {write.connect_args}'
        return World(tmp_path, write, state.url, receiver, warehouse_extra=extra)


def _toml(value: Any) -> str:
    """As it stands on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
