"""Redshift's dialect as a warehouse that keeps the snapshot of the last run, on a PostgreSQL: see `test_redshift`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.engines.mirror_contract import ScratchWrite, SourcesContract
from tests.engines.test_redshift import RedshiftPlace, refuse_what_redshift_would
from tests.integration.warehouses.conftest import warehouse_server
from tests.world import World

__all__ = ["warehouse_server"]

pytestmark = pytest.mark.engines

STRTOL = """
CREATE FUNCTION strtol(digits text, base int) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN ('x' || lpad(digits, 16, '0'))::bit(64)::bigint
"""
"""What a Redshift has and a PostgreSQL has not, for the base that is asked for."""


class RedshiftWrite(ScratchWrite):
    def __init__(self, place: RedshiftPlace) -> None:
        self.place = place
        self.order("CREATE SCHEMA kept", STRTOL)
        super().__init__(place.url.render_as_string(hide_password=False), "kept")

    def order(self, *statements: str) -> None:
        self.place.run(*statements)

    def tables(self) -> set[str]:
        url = self.place.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as connection:
            found: list[Any] = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'kept'"
            ).fetchall()
        return {name for (name,) in found}


class TestRedshift(SourcesContract):
    # A PostgreSQL has no NUL.
    emails = tuple(each for each in SourcesContract.emails if each is None or "\0" not in each)

    @pytest.fixture
    def kept(self, warehouse_server: str, tmp_path: Path, state: State, receiver: SegmentReceiver) -> Iterator[World]:
        pytest.importorskip("sqlalchemy_redshift", reason="pip install '.[redshift]'")
        place = RedshiftPlace(warehouse_server)
        write = RedshiftWrite(place)
        yield World(tmp_path, write, state.url, receiver, warehouse_extra=f'scratch = "{write.scratch}"')
        refuse_what_redshift_would(place.said())
