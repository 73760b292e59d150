"""No database is waited for longer than a limit, whatever its driver does. SQLite stands in for any of them."""

import _thread
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncer import errors, models, warehouses
from tests.databases import address_of
from tests.integration.warehouses.places import QUERY, TABLE, answered, query, rows_of
from tests.integration.warehouses.test_sqlite import SqlitePlace

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS user_id, 'e' AS email FROM n"
)


@pytest.fixture
def place(tmp_path: Path) -> SqlitePlace:
    place = SqlitePlace(tmp_path / "warehouse.db")
    place.run("CREATE TABLE members (audience text, user_id text, email text)")
    return place


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    for thread in set(threading.enumerate()) - before:
        if thread.name == "warehouse":
            thread.join(deadline - time.monotonic())
            assert not thread.is_alive()


def test_a_session_that_is_not_opened_in_time_is_given_up(place: SqlitePlace) -> None:
    released = threading.Event()

    class Slow(sqlite3.Connection):
        def __init__(self, *arguments: object, **named: object) -> None:
            released.wait(60)
            super().__init__(*arguments, **named)  # type: ignore[arg-type]

    warehouse = warehouses.open_warehouse(address_of(place.url), {"factory": Slow}, models.Waits(opening=0.1))
    began = time.monotonic()
    ((path, message),) = warehouse.problems([TABLE])
    assert time.monotonic() - began < 30
    assert path == "warehouse.url"
    assert "it has not answered for 0.1 seconds" in message
    with (
        pytest.raises(errors.WarehouseError, match=r"cannot open sqlite database .* has not answered"),
        warehouse.reading(),
    ):
        pass
    released.set()


def test_a_statement_without_an_answer_is_given_up_and_interrupted(place: SqlitePlace) -> None:
    warehouse = warehouses.open_warehouse(address_of(place.url), {}, models.Waits(silence=0.1))
    with (
        pytest.raises(errors.WarehouseError, match=r"audiences\[2\]\.query: .* it has not answered for 0\.1 seconds"),
        warehouse.reading() as reading,
    ):
        rows_of(reading.stream(query(ENDLESS)))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Whoever starts tests in the background lets them ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_does_not_wait_for_the_driver(place: SqlitePlace) -> None:
    warehouse = warehouses.open_warehouse(address_of(place.url), {})
    threading.Timer(0.2, _thread.interrupt_main).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), warehouse.reading() as reading:
        rows_of(reading.stream(query(ENDLESS)))
    assert time.monotonic() - began < 30


def test_what_a_driver_times_out_by_itself_is_its_own_word(place: SqlitePlace) -> None:
    class Impatient(sqlite3.Connection):
        def __init__(self, *arguments: object, **named: object) -> None:
            raise TimeoutError("the driver lost patience")

    warehouse = warehouses.open_warehouse(address_of(place.url), {"factory": Impatient})
    with pytest.raises(errors.WarehouseError, match="the driver lost patience"), warehouse.reading():
        pass


def test_a_reading_waits_as_long_as_rows_come(place: SqlitePlace) -> None:
    place.run("INSERT INTO members VALUES ('VIP', 'u1', 'e1')")
    assert answered(place, "SELECT count(*) FROM members") == 1
    warehouse = warehouses.open_warehouse(address_of(place.url), {}, models.Waits(opening=30, silence=30))
    with warehouse.reading() as reading:
        assert rows_of(reading.stream(query("SELECT user_id, email FROM members"))) == [
            (QUERY.audience_name, "u1", "e1", False)
        ]
