"""Servers of other databases, each started where its program is, with data of its own that go with it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy

_STOP_SECONDS = 20


def program(name: str, package: str) -> str:
    """The path of a program. Skips the test where it is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"there is no {name} here; {package} brings it")
    return found


def as_nobody() -> list[str]:
    """What a command begins with that must not be root's: root runs it under another user's number."""
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], folder: Path, is_up: Callable[[], bool], seconds: float) -> Iterator[int]:
    """A server, from when it answers until the end; what it says is in `folder`. Gives the number of its process."""
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + seconds
        while not is_up():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not come up: {(folder / 'log').read_text()[-2000:]}")
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.2)
        yield server.pid
    finally:
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(_STOP_SECONDS)


@contextmanager
def mariadb_server(folder: Path, *options: str) -> Iterator[tuple[sqlalchemy.URL, int]]:
    """The address of a MariaDB's administrator, and the number of its process. Skips the test where it is missing."""
    pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed: pip install '.[mysql]'")
    server, install = program("mariadbd", "mariadb-server"), program("mariadb-install-db", "mariadb-server")
    data, port = folder / "data", free_port()
    made = [*as_nobody(), install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*made, "--skip-test-db"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    given = f"--datadir={data} --socket={folder}/s --port={port} --bind-address=127.0.0.1 --skip-name-resolve"
    command = [*as_nobody(), server, "--no-defaults", *given.split(), "--skip-log-bin", *options]

    def is_up() -> bool:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root").close()
        except pymysql.MySQLError:
            return False
        return True

    with running(command, folder, is_up, 60) as pid:
        yield sqlalchemy.URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port), pid


@contextmanager
def spark_server(folder: Path, executors: int = 2) -> Iterator[tuple[sqlalchemy.URL, int]]:
    """The address of Spark's SQL server, on a cluster of executors with a core each in processes of their own, and the
    number of the process that started them. Skips the test where it is missing."""
    hive = pytest.importorskip("pyhive.hive", reason="PyHive is not installed: pip install '.[spark]'")
    home = os.environ.get("SPARK_HOME")
    if not home:
        pytest.skip("SPARK_HOME names no Spark; `.ci/run spark` installs one")
    program("java", "a Java runtime of version 17 or later")
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
    command = [f"{home}/bin/spark-submit", "--class", server, "--master", f"local-cluster[{executors},1,1024]"]
    command += ["--driver-memory", "2g", *(f"--conf={key}={value}" for key, value in settings.items())]
    where = {"hive.server2.thrift.bind.host": "127.0.0.1", "hive.server2.thrift.port": port}
    command += ["spark-internal", *(part for key, value in where.items() for part in ("--hiveconf", f"{key}={value}"))]

    def is_up() -> bool:
        try:
            hive.connect("127.0.0.1", port).close()
        except Exception:
            return False
        return True

    with running(command, folder, is_up, 600) as pid:
        yield sqlalchemy.URL.create("hive", host="127.0.0.1", port=port, database="default"), pid


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """A folder with a short path: those of sockets may not be long."""
    folder = Path(tempfile.mkdtemp(prefix=name))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
