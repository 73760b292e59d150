"""What every test may ask for: a real PostgreSQL, databases on it, a strict receiver, and a world that joins them.

pytest                                 the embedded PostgreSQL
pytest --postgres=container            a container through testcontainers, where Docker runs
pytest --postgres=postgresql://…       a server of yours; the role must be allowed to create databases
"""

import fcntl
import functools
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

import syncer.fetching  # here, so that no test's first request takes longer than its others
import syncer.structured  # noqa: F401  sets structlog up: not only where a test captures what is logged
from syncer import embedded
from syncer.planning import guard
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State, blocks, migrations
from tests import auditor, sessions, witness
from tests.databases import BEGUN, TEMPLATE, Databases
from tests.world import Report, World, Write

CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",
    "shared_buffers": "16MB",
    "io_method": "sync",
}
"""Settings of a server whose power no test cuts, and whose data are small, in memory and soon gone.

Databases come and go, and each time all buffers are looked through: half a dozen times a test.
"""

MEMORY = 1024**3
"""Bytes that have to be free for each test process, where the data of their servers lie in memory."""

WATCHED = pytest.StashKey[witness.Watched]()
PASSED = pytest.StashKey[bool]()

# Commands are started by the hundred: compiled anew each time they would take a quarter longer.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", default="embedded", help="embedded, container, or the URL of a server")


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Twice the processors that pytest-xdist finds: tests wait for PostgreSQL, for leases, for a slow receiver."""
    processors = yield
    return processors if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else 2 * processors


_LONG = (
    "integration/test_model.py",
    "integration/lives",
    "acceptance/test_random_kills.py",
    "acceptance/test_long_run.py",
    "integration/test_points.py",
    "integration/test_interleavings.py",
)
_FROM_NOTHING = (
    "acceptance",
    "integration/test_approval.py",
    "integration/test_blocks.py",
    "integration/test_forgetting_traces.py",
    "integration/test_forgetting_whom.py",
    "integration/test_interleavings.py",
    "integration/test_many_runs.py",
    "integration/test_migrations.py",
    "integration/test_points.py",
    "integration/test_query_plans.py",
    "integration/test_retention.py",
    "integration/test_rollback.py",
    "integration/console/test_history_plans.py",
    "integration/console/test_page_plans.py",
)
"""Here the first run has to begin the history as well: what makes its tables is stopped, or makes others."""

_QUICK = ("unit", "integration/test_sync.py", "integration/test_plan.py", "integration/test_truth_table.py")


@functools.cache
def _is_among(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(Path(__file__).parent / place) for place in places)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m quick` looks at no other file: to collect all tests takes every process as long as to run these."""
    if config.option.markexpr != "quick" or collection_path.suffix != ".py":
        return None
    return not _is_among(collection_path, _QUICK) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Of several processes one collects first: it compiles all tests, which would take each of the others as long.

    What is collected stays until the end: to look for garbage among it would take a tenth of the processes' time.
    """
    with Path(__file__).open() as file:
        if "PYTEST_XDIST_WORKER" in os.environ:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(file, fcntl.LOCK_SH)
        gc.disable()
        try:
            return (yield)
        finally:
            gc.freeze()
            gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Marks what `pytest -m quick` runs: all units, and what every change of the main path has to pass.

    Each process of pytest-xdist gets a part of what is left then, in its order. It begins with its share of those that
    take longest: last, one of them would run alone, and a processor would wait.
    """
    for item in items:
        if _is_among(item.path, _QUICK):
            item.add_marker("quick")
    yield
    long = [item for item in items if _is_among(item.path, _LONG)]
    rest = [item for item in items if not _is_among(item.path, _LONG)]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    part = -(-len(rest) // processes)
    items[:] = [
        item
        for number in range(processes)
        for item in (*long[number::processes], *rest[number * part : (number + 1) * part])
    ]


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
    return functools.partial(record_property, "numbers")


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
    item.stash[PASSED] = True


@pytest.fixture(autouse=True)
def _watched(request: pytest.FixtureRequest) -> Iterator[None]:
    with witness.watching() as watched:
        request.node.stash[WATCHED] = watched
        yield


@pytest.fixture(autouse=True)
def _sessions(request: pytest.FixtureRequest) -> Iterator[None]:
    with sessions.used_again() if request.node.get_closest_marker("fresh_sessions") is None else sessions.begun_anew():
        yield


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server on which tests may create databases."""
    chosen = request.config.getoption("--postgres")
    if chosen == "embedded":
        folders = tempfile.TemporaryDirectory(prefix="syncer-tests-", dir=_memory())
        with folders as folder, ExitStack() as stack:
            with pytest.MonkeyPatch.context() as patch:  # only of this server
                patch.setattr(embedded, "SETTINGS", embedded.SETTINGS | CARELESS)
                url = stack.enter_context(embedded.running(Path(folder)))
            yield url
    elif chosen == "container":
        from testcontainers.postgres import PostgresContainer

        with PostgresContainer("postgres:16-alpine", driver=None) as container:
            yield container.get_connection_url()
    else:
        yield chosen


def _memory() -> str | None:
    """A folder in memory, if there is much of it: hundreds of databases come and go, thousands of temporary tables."""
    folder = "/dev/shm"
    with suppress(OSError):
        needed = MEMORY * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        if shutil.disk_usage(folder).free > needed and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


@pytest.fixture(scope="session")
def databases(postgres: str) -> Iterator[Databases]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        databases = Databases(postgres, connection)
        yield databases
        databases.drop_all()


@pytest.fixture(scope="session")
def template(databases: Databases) -> Iterator[str]:
    """The name of a database with a migrated state in the schema `syncer`."""
    url = databases.create(TEMPLATE, databases.empty)
    migrations.migrate(State(url, "syncer"))
    databases.keep_copies_of(TEMPLATE)
    yield TEMPLATE
    databases.drop(url)


@pytest.fixture(scope="session")
def begun_template(databases: Databases, template: str) -> Iterator[str]:
    """The same, with the tables of the first runs' history: to make them takes longer than to copy them."""
    url = databases.create(BEGUN, template)
    with State(url, "syncer").connect("test") as connection, connection.transaction():
        blocks.make(connection, blocks.of_run(connection, 1))
    databases.keep_copies_of(BEGUN)
    yield BEGUN
    databases.drop(url)


@pytest.fixture
def new_database(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Callable[..., str]]:
    """Makes databases and gives their URLs; they are the test's until its end. `again` is one that it is done with."""
    made: list[str] = []
    is_fresh = request.node.get_closest_marker("fresh_sessions") is not None

    def give(template: str = "template0", again: str | None = None) -> str:
        if again is not None:
            made.remove(again)
            databases.drop(again)
        url = databases.create_new_for_test(template) if is_fresh else databases.create_for_test(template)
        made.append(url)
        if template != "template0":
            with psycopg.connect(url, autocommit=True) as connection:  # a copy is a state of its own
                connection.execute("DELETE FROM syncer.installation; INSERT INTO syncer.installation DEFAULT VALUES")
        return url

    yield give
    if is_fresh or not request.node.stash.get(PASSED, False):
        databases.drop_later(made)
    else:
        databases.give_back(made)


@pytest.fixture
def state(
    request: pytest.FixtureRequest, new_database: Callable[..., str], template: str, begun_template: str
) -> State:
    """A migrated, empty state."""
    return State(new_database(template if _is_among(request.path, _FROM_NOTHING) else begun_template), "syncer")


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
