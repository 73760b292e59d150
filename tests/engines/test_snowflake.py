"""Snowflake's dialect and connector keep the contract, on an emulator: nothing here says that the real one does."""

import uuid
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy

from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import Place, error_of, query, read, table

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]


class SnowflakePlace:
    def __init__(self, server: dict[str, Any]) -> None:
        self.name = f"D{uuid.uuid4().hex}".upper()
        self.server = server
        self.connect_args = {key: value for key, value in server.items() if key not in ("user", "password", "account")}
        self.url = sqlalchemy.URL.create(
            "snowflake", server["user"], server["password"], host=server["account"], database=f"{self.name}/S"
        )

    def run(self, *statements: str) -> None:
        import snowflake.connector

        reached = snowflake.connector.connect(**self.server, database=self.name, schema="S", autocommit=True)
        with closing(reached) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.replace("\\", "\\\\"))  # its strings know backslashes


class TestSnowflake(WarehouseContract):
    many = "SELECT seq4() + 1 AS i FROM table(generator(rowcount => 30000))"

    @pytest.fixture
    def place(self, snowflake: dict[str, Any]) -> SnowflakePlace:
        return SnowflakePlace(snowflake)

    def test_odd_identifiers(self, place: Place) -> None:
        """The emulator makes no schema whose name has a dot."""
        place.run(
            'CREATE TABLE "We ""Members"" %s" ("Audience Name" text, "user.id" text, "E-Mail %" text)',
            "INSERT INTO \"We \"\"Members\"\" %s\" VALUES ('VIP', 'u1', 'e1')",
        )
        for name in ('"We ""Members"" %s"', 's."We ""Members"" %s"'):
            source = table(table=name, audience="Audience Name", user_id="user.id", email="E-Mail %")
            assert read(place, source) == [("VIP", "u1", "e1", False)]

    def test_names_of_three_parts(self, place: SnowflakePlace) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        for name in (f"{place.name}.S.MEMBERS", f"{place.name.lower()}.s.members", f'"{place.name}"."S"."MEMBERS"'):
            assert read(place, table(table=name)) == [("VIP", "u1", "e1", False)]

    # The emulator renames the second of two columns of one name, where the real one refuses them.
    @pytest.mark.parametrize("text", ["SELECT 1; SELECT user_id, email FROM members"])
    def test_check_finds_what_reading_would_find(self, place: Place, text: str) -> None:
        super().test_check_finds_what_reading_would_find(place, text)

    # A result is whole before any of it is handed over: nothing fails in the middle.
    def test_a_row_that_fails_in_the_middle_raises(self, place: Place) -> None:
        self.make_many(place)
        failing = "CASE WHEN user_id = 25000 THEN CAST(email AS int) ELSE user_id END"
        message = error_of(place, query(f"SELECT {failing} AS user_id, email FROM members"))
        assert message.startswith("audiences[2].query: reading the query's result failed: ")
