"""Spark SQL keeps the contract, by PyHive and Spark's Thrift server. A real cluster of two executors."""

import re
import uuid
from contextlib import closing

import pytest
import sqlalchemy

from syncer import errors
from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import Place, error_of, opened, pieces, query, read, table

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]


class SparkPlace:
    def __init__(self, server: sqlalchemy.URL) -> None:
        self.name = f"warehouse_{uuid.uuid4().hex}"
        self.server = server
        self.url = server
        self.run(f"CREATE DATABASE {self.name}")
        self.url = server.set(database=self.name)

    def run(self, *statements: str) -> None:
        from pyhive import hive

        connection = hive.connect(self.url.host, self.url.port, database=self.url.database or "default")
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(_TOKEN.sub(as_spark_writes_it, statement).replace("double precision", "double"))


_TOKEN = re.compile(r"'(?P<text>(?:[^']|'')*)'|\"(?P<name>(?:[^\"]|\"\")*)\"")


def as_spark_writes_it(token: re.Match[str]) -> str:
    """A string with backslashes before its quotes, a name in backticks."""
    if token["name"] is not None:
        return "`" + token["name"].replace('""', '"') + "`"
    text = token["text"].replace("''", "'")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class TestSpark(WarehouseContract):
    text = "string"
    leap_day = "DATE '2024-02-29'"
    many = "SELECT id + 1 AS i FROM range(30000)"

    @pytest.fixture
    def place(self, spark: sqlalchemy.URL) -> SparkPlace:
        return SparkPlace(spark)

    def test_odd_identifiers(self, place: Place) -> None:
        """Its catalogue takes no dots and blanks in the name of a table, and PyHive no dots in that of a column."""
        place.run(
            'CREATE TABLE we_members ("Audience Name" string, "user id" string, "E-Mail %" string)',
            "INSERT INTO we_members VALUES ('VIP', 'u1', 'e1')",
        )
        source = table(table='"we_members"', audience="Audience Name", user_id="user id", email="E-Mail %")
        assert read(place, source) == [("VIP", "u1", "e1", False)]

    # Its server has all of a partition before it hands over any: nothing fails in the middle of one.
    def test_a_row_that_fails_in_the_middle_raises(self, place: Place) -> None:
        self.make_many(place)
        message = error_of(place, query(self.fails_at(25_000)))
        assert message.startswith("audiences[2].query: reading the query's result failed: ")
        assert "[DIVIDE_BY_ZERO]" in message

    def test_the_server_hands_rows_over_before_it_has_all(self, place: Place) -> None:
        asked = query("SELECT id AS user_id, CAST(1 / (id - 300000) AS string) AS email FROM range(0, 400000, 1, 4)")
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            stream = pieces(reading.stream(asked))
            assert next(stream)
            with pytest.raises(errors.WarehouseError, match=r"\[DIVIDE_BY_ZERO\]"):
                list(stream)

    def test_what_does_not_parse_is_said_in_a_few_words(self, place: Place) -> None:
        message = error_of(place, query("SELECT user_id, email FORM members WHERE x ="))
        assert "[PARSE_SYNTAX_ERROR] Syntax error at or near" in message
        assert len(message) < 700

    def test_names_of_three_parts(self, place: SparkPlace) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        name = f"spark_catalog.{place.name}.members"
        assert read(place, table(table=name)) == [("VIP", "u1", "e1", False)]
        assert "nowhere" in error_of(place, table(table=f"spark_catalog.{place.name}.nowhere"))

    def test_a_view_over_a_dropped_table_is_there_and_says_what_it_misses(self, place: SparkPlace) -> None:
        self.make(place)
        place.run("CREATE VIEW seen AS SELECT * FROM members", "DROP TABLE members")
        message = error_of(place, table(table="seen"))
        assert "there is no table seen" not in message
        assert "members" in message
