"""Other databases for a session of tests."""

from collections.abc import Iterator

import pytest
import sqlalchemy

from tests.engines.servers import mariadb_server, own_folder, spark_server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[sqlalchemy.URL]:
    """The address of a MariaDB's administrator."""
    careless = ("--innodb-flush-log-at-trx-commit=0", "--performance-schema=off")
    with own_folder("my") as folder, mariadb_server(folder, *careless) as (url, _):
        yield url


@pytest.fixture(scope="session")
def spark() -> Iterator[sqlalchemy.URL]:
    """The address of Spark's SQL server, on a cluster of two executors."""
    with own_folder("spark") as folder, spark_server(folder) as (url, _):
        yield url


@pytest.fixture(scope="session")
def snowflake() -> Iterator[dict[str, str | int]]:
    """What the connector has to be told to reach an emulator of Snowflake, on DuckDB."""
    pytest.importorskip(
        "snowflake.sqlalchemy", reason="Snowflake's dialect is not installed: pip install '.[snowflake]'"
    )
    fakesnow = pytest.importorskip("fakesnow", reason="the emulator is not installed: pip install 'fakesnow[server]'")
    with fakesnow.server() as where:
        yield where
