"""What every test may ask for: a real PostgreSQL, databases on it, a strict receiver, and a world that joins them.

pytest                                 the embedded PostgreSQL
pytest --postgres=container            a container through testcontainers, where Docker runs
pytest --postgres=postgresql://…       a server of yours; the role must be allowed to create databases
"""

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from syncer import embedded
from syncer.planning import guard
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State, migrations
from tests import auditor, witness
from tests.world import Report, World, Write, with_database

TEMPLATE = "syncer_test_template"
WATCHED = pytest.StashKey[witness.Watched]()

# Commands are started by the hundred: compiled anew each time they would take a quarter longer.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", default="embedded", help="embedded, container, or the URL of a server")


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than the processors that pytest-xdist finds: some tests wait for leases, or for a slow receiver."""
    processors = yield
    return processors if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else processors + 1


QUICK = ("unit", "integration/test_sync.py", "integration/test_plan.py", "integration/test_truth_table.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `pytest -m quick` runs: all units, and what every change of the main path has to pass."""
    quick = [Path(__file__).parent / place for place in QUICK]
    for item in items:
        if any(item.path.is_relative_to(place) for place in quick):
            item.add_marker("quick")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = [
        f"{text} ({each.nodeid.rpartition('/')[2]})"
        for outcome in ("passed", "failed")
        for each in terminalreporter.getreports(outcome)
        for name, text in each.user_properties
        if name == "numbers"
    ]
    if told:
        terminalreporter.section("numbers")
        terminalreporter.write("\n".join(told) + "\n")


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Takes a line of numbers for the end of the output, also out of another process of pytest-xdist."""
    return partial(record_property, "numbers")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "notes"))
    for name in [name for name in os.environ if name.startswith(("SYNCER_", "PG"))]:
        monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """At the end of a test, all of its worlds are audited: see `auditor`."""
    yield
    if item.get_closest_marker("not_audited") is None:
        complaints = auditor.complaints(item.stash[WATCHED])
        assert not complaints, "\n".join(complaints[:20])


@pytest.fixture(autouse=True)
def _watched(request: pytest.FixtureRequest) -> Iterator[None]:
    with witness.watching() as watched:
        request.node.stash[WATCHED] = watched
        yield


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server on which tests may create databases."""
    chosen = request.config.getoption("--postgres")
    if chosen == "embedded":
        with tempfile.TemporaryDirectory(prefix="syncer-tests-") as folder, embedded.running(Path(folder)) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                # Hundreds of databases are made; no test cuts the power of this server.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield url
    elif chosen == "container":
        from testcontainers.postgres import PostgresContainer

        with PostgresContainer("postgres:16-alpine", driver=None) as container:
            yield container.get_connection_url()
    else:
        yield chosen


@pytest.fixture(scope="session")
def template() -> str:
    """Stands for a database with a migrated state schema."""
    return TEMPLATE


@pytest.fixture(scope="session")
def databases(postgres: str) -> Iterator[dict[str, bool]]:
    """The databases that were made, and whether a test has them; they are used again, since making one is slow."""
    made: dict[str, bool] = {}
    yield made
    for name in made:
        _drop(postgres, name)


@pytest.fixture
def new_database(postgres: str, databases: dict[str, bool]) -> Iterator[Callable[..., str]]:
    """Gives databases as URLs, empty or as `template`; each is the test's alone until its end, or given anew."""
    taken: list[str] = []

    def give(template: str = "template0", again: str | None = None) -> str:
        if again is not None:
            databases[str(psycopg.conninfo.conninfo_to_dict(again)["dbname"])] = False
        name = next((name for name, in_use in databases.items() if not in_use), None)
        if name is None:
            name = f"syncer_test_{os.getpid()}_{len(databases)}"
            _drop(postgres, name)
            _create(postgres, name)
        databases[name] = True
        taken.append(name)
        url = with_database(postgres, name)
        _empty(url, name)
        if template == TEMPLATE:
            migrations.migrate(State(url, "syncer"))
        return url

    yield give
    databases.update(dict.fromkeys(taken, False))


@pytest.fixture
def state(new_database: Callable[..., str], template: str) -> State:
    """A migrated, empty state."""
    return State(new_database(template), "syncer")


@pytest.fixture
def receiver() -> Iterator[SegmentReceiver]:
    """A receiver as strict as Segment's documentation; a test fails if a rule was broken."""
    with SegmentReceiver("test-write-key") as receiver:
        yield receiver
        assert receiver.violations == []


@pytest.fixture
def world(state: State, new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path) -> World:
    """A warehouse in a database of its own, a state in another, and the receiver."""
    return World(tmp_path, Write(new_database()), state.url, receiver)


@pytest.fixture
def world_in_one_database(state: State, receiver: SegmentReceiver, tmp_path: Path) -> World:
    """Warehouse and state in one database: the plan reads the table where it is."""
    return World(tmp_path, Write(state.url), state.url, receiver)


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process nothing is held: for tests of what is told when small audiences come and go."""
    monkeypatch.setattr(guard, "judge", lambda *_, **__: [])
    monkeypatch.setattr(guard, "judge_together", lambda *_: None)


def _create(server: str, name: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name)))


def _empty(url: str, name: str) -> None:
    """As it was when it was new: nobody is connected, no schema, no settings."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(name)))
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("CREATE SCHEMA public")


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
