"""MariaDB keeps the contract, by PyMySQL; and what is particular to it. A real server."""

import uuid

import pytest
import sqlalchemy

from tests.integration.warehouses.contract import WarehouseContract

pytestmark = pytest.mark.engines


class MariadbPlace:
    def __init__(self, server: sqlalchemy.URL) -> None:
        self.name = f"warehouse_{uuid.uuid4().hex}"
        self.server = server
        self.run(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4")
        self.url = server.set(database=self.name)

    def run(self, *statements: str) -> None:
        import pymysql

        at = getattr(self, "url", self.server)
        with (
            pymysql.connect(
                host=at.host or "",
                port=at.port or 0,
                user=at.username,
                password=at.password or "",
                database=at.database,
                autocommit=True,
                sql_mode="ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES",
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)


class TestMariadb(WarehouseContract):
    many = "SELECT seq AS i FROM seq_1_to_30000"
    text = "longtext"
    truths = (1, 0)

    @pytest.fixture
    def place(self, mariadb: sqlalchemy.URL) -> MariadbPlace:
        return MariadbPlace(mariadb)

    def fails_at(self, user_id: int) -> str:
        twice = f"(SELECT n.seq FROM seq_1_to_2 n WHERE m.user_id = {user_id})"
        return f"SELECT coalesce({twice}, m.user_id) AS user_id, email FROM members m"
