"""Other databases for a session of tests."""

import subprocess
from collections.abc import Iterator

import pytest
import sqlalchemy

from tests.engines.servers import as_nobody, free_port, own_folder, program, running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[sqlalchemy.URL]:
    """The address of a MariaDB's administrator."""
    pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed: pip install '.[mysql]'")
    server, install = program("mariadbd", "mariadb-server"), program("mariadb-install-db", "mariadb-server")
    with own_folder("my") as folder:
        data, port = folder / "data", free_port()
        made = [*as_nobody(), install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        subprocess.run([*made, "--skip-test-db"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        options = f"--datadir={data} --socket={folder}/s --port={port} --bind-address=127.0.0.1 --skip-name-resolve"
        careless = "--innodb-flush-log-at-trx-commit=0 --skip-log-bin --performance-schema=off"
        command = [*as_nobody(), server, "--no-defaults", *options.split(), *careless.split()]

        def is_up() -> bool:
            try:
                pymysql.connect(host="127.0.0.1", port=port, user="root").close()
            except pymysql.MySQLError:
                return False
            return True

        with running(command, folder, is_up, 60):
            yield sqlalchemy.URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port)
