"""Redshift's dialect by psycopg 2, on a PostgreSQL: it keeps the contract, and the server's log shows nothing that a
real Redshift would refuse.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncer import errors
from syncer.warehouses import redshift
from tests.integration.warehouses.conftest import warehouse_server
from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import TABLE, Place, error_of, opened, query, read, table
from tests.integration.warehouses.test_postgres import PostgresPlace

__all__ = ["warehouse_server"]

pytestmark = pytest.mark.engines

_SESSION = re.compile(r"\[(\d+)\] (LOG:  statement|ERROR): (.*)")
_FETCH = re.compile(r"FETCH FORWARD (\w+)")
_CURSOR = re.compile(r"(DECLARE|CLOSE) \"(\w+)\"")
_MOST = 1_000


class RedshiftPlace(PostgresPlace):
    def __init__(self, server: str) -> None:
        super().__init__(server)
        self.log = Path(str(self.url.query["host"])) / "log"
        self.run(f"ALTER DATABASE \"{self.url.database}\" SET log_statement = 'all'")
        self.url = self.url.set(drivername="redshift+psycopg2").update_query_dict({"sslmode": "disable"})
        self._begun = self.log.stat().st_size

    def said(self) -> Iterator[tuple[str, str]]:
        """Each statement since the place was made, and "" for one that failed, with the session that it was said in."""
        with self.log.open(errors="replace") as log:
            log.seek(self._begun)
            for found in filter(None, map(_SESSION.search, log)):
                yield found[1], found[3] if found[2] != "ERROR" else ""


def refuse_what_redshift_would(said: Iterator[tuple[str, str]]) -> int:
    """Returns how many cursors there were."""
    cursors = 0
    is_open: set[str] = set()
    for session, statement in said:
        assert "COPY" not in statement
        if size := _FETCH.search(statement):
            assert size[1].isdigit()
            assert int(size[1]) <= _MOST
        found = _CURSOR.match(statement)
        if found is not None and found[1] == "DECLARE":
            assert session not in is_open, "a second cursor in a session"
            is_open.add(session)
            cursors += 1
        elif found is not None or statement in ("", "ROLLBACK", "COMMIT"):
            is_open.discard(session)
    return cursors


class TestRedshift(WarehouseContract):
    @pytest.fixture
    def place(self, warehouse_server: str) -> Iterator[RedshiftPlace]:
        pytest.importorskip("sqlalchemy_redshift", reason="pip install '.[redshift]'")
        place = RedshiftPlace(warehouse_server)
        yield place
        refuse_what_redshift_would(place.said())

    def test_many_rows_come_by_a_thousand(self, place: RedshiftPlace) -> None:
        self.make_many(place)
        assert len(set(read(place, TABLE, query("SELECT user_id, email FROM members")))) == 60_000
        assert opened(place).problems([TABLE, TABLE]) == []
        assert refuse_what_redshift_would(place.said()) > 3
        fetched = [found for _, statement in place.said() if (found := _FETCH.search(statement))]
        assert max(int(found[1]) for found in fetched) == _MOST

    def test_a_missing_table_is_named_with_the_nearest(self, place: Place) -> None:
        """Its dialect cannot list the tables of a PostgreSQL."""
        assert 'relation "membres" does not exist' in error_of(place, table(table="membres"))

    @pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+psycopg2"])
    def test_a_redshift_behind_another_dialect_is_recognised_and_not_read(
        self, place: RedshiftPlace, driver: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redshift, "ASK", "SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, Redshift 1.0.12103'")
        monkeypatch.setattr(redshift, "BEFORE", 10**9)
        place.url = place.url.set(drivername=driver)
        ((path, message),) = opened(place).problems([TABLE])
        assert path == "warehouse.url"
        assert "is an Amazon Redshift" in message
        assert "write redshift+psycopg2://" in message
        assert "pip install 'engage-syncer[redshift]'" in message
        with pytest.raises(errors.ConfigError, match="Redshift"), opened(place).reading():
            pass
