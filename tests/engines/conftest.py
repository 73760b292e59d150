"""Other databases for a session of tests."""

import os
from collections.abc import Iterator

import pytest
import sqlalchemy

from tests.engines.servers import free_port, mariadb_server, own_folder, program, running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[sqlalchemy.URL]:
    """The address of a MariaDB's administrator."""
    careless = ("--innodb-flush-log-at-trx-commit=0", "--performance-schema=off")
    with own_folder("my") as folder, mariadb_server(folder, *careless) as (url, _):
        yield url


@pytest.fixture(scope="session")
def spark() -> Iterator[sqlalchemy.URL]:
    """The address of Spark's SQL server, on a cluster of two executors in processes of their own."""
    hive = pytest.importorskip("pyhive.hive", reason="PyHive is not installed: pip install '.[spark]'")
    home = os.environ.get("SPARK_HOME")
    if not home:
        pytest.skip("SPARK_HOME names no Spark; `.ci/run spark` installs one")
    program("java", "a Java runtime of version 17 or later")
    with own_folder("spark") as folder:
        port = free_port()
        settings = {
            "spark.executor.memory": "1024m",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.catalogImplementation": "hive",
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
        server = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
        command = [f"{home}/bin/spark-submit", "--class", server, "--master", "local-cluster[2,1,1024]"]
        command += ["--driver-memory", "2g", *(f"--conf={key}={value}" for key, value in settings.items())]
        where = {"hive.server2.thrift.bind.host": "127.0.0.1", "hive.server2.thrift.port": port}
        command += [
            "spark-internal",
            *(part for key, value in where.items() for part in ("--hiveconf", f"{key}={value}")),
        ]

        def is_up() -> bool:
            try:
                hive.connect("127.0.0.1", port).close()
            except Exception:
                return False
            return True

        with running(command, folder, is_up, 180):
            yield sqlalchemy.URL.create("hive", host="127.0.0.1", port=port, database="default")


@pytest.fixture(scope="session")
def snowflake() -> Iterator[dict[str, str | int]]:
    """What the connector has to be told to reach an emulator of Snowflake, on DuckDB."""
    pytest.importorskip(
        "snowflake.sqlalchemy", reason="Snowflake's dialect is not installed: pip install '.[snowflake]'"
    )
    fakesnow = pytest.importorskip("fakesnow", reason="the emulator is not installed: pip install 'fakesnow[server]'")
    with fakesnow.server() as where:
        yield where
