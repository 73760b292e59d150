"""A warehouse, a state and a receiver in one hand, and the question that matters: does belief equal the warehouse?"""

import copy
import json
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncer import app, audit, control, models, naming, opening, sync
from syncer.delivery.retrying import RetryPolicy
from syncer.planning import slices
from syncer.receivers.segment import SegmentReceiver
from syncer.state import Connection, State, blocks
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from syncer.sync import Result
from tests import commands
from tests.witness import Witness, watch

Row = tuple[str | None, str | None, str | None]
"""audience, user id, email: as the warehouse has them."""

VIP = "VIP Buyers"
CHURN = "Churn Risk"

SAME_HASH = ("6dt5p9ymisccz0asi0ay0znf@x.io", "rn7jpr5yvqy60s10aee0maaa@x.io")
"""Addresses of which PostgreSQL's hashes are the same if their seed is the hash of `u7`; found within a second."""

GUARD_FROM_TWO = "[guard]\nmin_removed = 2\nmin_added = 2\n"
"""Guards small audiences too: above a quarter of them, from two contacts on."""

DEADLINE = 60.0

IMPATIENT = RetryPolicy(max_attempts=2, first_wait=0, jitter=0, min_retry_after=0)
"""Two attempts, and no waiting between them."""

Report = Callable[[str], None]
"""Takes a line of numbers that the end of the test run prints."""


class Write:
    """The warehouse, seen from the team that fills it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.witness = Witness()
        self.run("CREATE TABLE members (audience_name text, user_id text, email text)")

    def through(self, url: str) -> "Write":
        """The same tables, by way of another URL."""
        other = copy.copy(self)
        other.url = url
        return other

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Whoever writes in another way does it in this block: the auditor has to know all that was said."""
        began = datetime.now(UTC)
        yield
        self.witness.changed(began)

    def run(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        with self.changing(), psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, parameters)

    def replace(self, rows: Iterable[Row]) -> None:
        """From now on the warehouse says just this."""
        with self.changing(), psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("TRUNCATE members")
            with cursor.copy("COPY members FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def until(condition: Callable[[], object]) -> None:
    """Waits for what other processes do; nobody notifies us of that. To look takes from their processor: less and less
    often."""
    deadline, pause = time.monotonic() + DEADLINE, 0.02
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(pause)
        pause = min(pause * 1.3, 0.1)


@dataclass
class Quiet:
    """Watches a run without a word."""

    phases: list[str] = field(default_factory=list)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def planned(self, destination: str, identifies: int) -> None: ...

    def sent(self, destination: str, identifies: int) -> None: ...


@dataclass
class World:
    """`extra`, `destination_extra` and `warehouse_extra` are lines of TOML for the top, the destination, the warehouse;
    `table` has the members.

    `patience` is how often requests are sent again by runs in this process; commands have that of a user. `slice_rows`
    is how much of a first sync such a run plans at once.
    """

    folder: Path
    warehouse: Write
    state_url: str
    receiver: SegmentReceiver
    extra: str = ""
    destination_extra: str = "max_events_per_second = 0"
    patience: RetryPolicy = IMPATIENT
    warehouse_extra: str = ""
    table: str = "members"
    slice_rows: int = slices.ROWS

    def __post_init__(self) -> None:
        watch(self)

    @property
    def witness(self) -> Witness:
        return self.warehouse.witness

    @property
    def config(self) -> Path:
        """The configuration as it is now. A process that starts meanwhile reads the old one or the new one, whole."""
        path, written = self.folder / "syncer.toml", self.folder / "syncer.toml.new"
        text = self.text
        written.write_text(text)
        written.replace(path)
        self.witness.configured(text)
        return path

    @property
    def text(self) -> str:
        """The configuration's TOML."""
        return f"""
[warehouse]
url = "{self.warehouse.url}"
{self.warehouse_extra}
[warehouse.membership]
table = "{self.table}"
{self.extra}
[state]
url = "{self.state_url}"
[[destinations]]
name = "segment"
type = "segment"
write_key = "test-write-key"
endpoint = "{self.receiver.url}"
{self.destination_extra}
"""

    def sync(self, stop: Stop | None = None, trigger: models.Trigger = "manual", **only: Sequence[str]) -> Result:
        """One run in this process; `only` may name audiences, destination_names and same_account."""
        with app.opened(opening.load(self.config, {})) as opened:
            job = replace(opened.job(**only), retries=self.patience, slice_rows=self.slice_rows)
            return sync.sync(job, RunStart(trigger), stop or Stop(), Quiet())

    def resync(self, **only: Sequence[str]) -> Result:
        return self.sync(None, "resync", **only)

    @contextmanager
    def state(self) -> Iterator[Connection]:
        """A session with the state, as commands have one."""
        with State(self.state_url, "syncer").connect("test") as connection:
            yield connection

    def verify(self, limit: int = 1000) -> audit.Audit:
        with app.opened(opening.load(self.config, {})) as opened:
            return audit.verify(opened.job(), Stop(), Quiet(), limit)

    def explain(self, who: str) -> audit.Story:
        with app.opened(opening.load(self.config, {})) as opened, self.state() as connection:
            return audit.explain(opened.job(), connection, who, Stop(), Quiet(), 100)

    def preview(self) -> Any:
        with app.opened(opening.load(self.config, {})) as opened:
            return sync.preview(opened.job(), Stop(), Quiet()).report

    def approve(self, run_id: int | None, *audiences: str, destinations: Collection[str] = ()) -> int:
        """Approves what a run held; returns how many changes."""
        with self.state() as connection:
            return control.approve(connection, run_id or 0, audiences, destinations)

    def pause(self, *audiences: str, destinations: Sequence[str] = ()) -> None:
        """Pauses these audiences at these destinations; without names, all."""
        with app.opened(opening.load(self.config, {})) as opened, self.state() as connection:
            chosen = opened.chosen(destinations) if destinations else []
            control.pause(connection, audiences, chosen, opened.settings.configured_audiences)

    def resume(self, *audiences: str, destinations: Sequence[str] = ()) -> int:
        """Lifts pauses and reopens retired audiences; returns how many of both."""
        with app.opened(opening.load(self.config, {})) as opened, self.state() as connection:
            return control.resume(connection, audiences, opened.chosen(destinations) if destinations else [])

    def command(self, *arguments: str, typed: str = "") -> commands.Done:
        """The command in this process. See `commands.call`."""
        return commands.call(["--config", str(self.config), *arguments], typed)

    def process(self, *arguments: str) -> commands.Done:
        """The installed command, as a user would run it."""
        return commands.process(["--config", str(self.config), *arguments])

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The installed command, still running. See `commands.start`."""
        return commands.start(["--config", str(self.config), *arguments])

    def json(self, *arguments: str) -> Any:
        return json.loads(self.command(*arguments, "--json").stdout)

    def query(self, statement: str, parameters: Sequence[Any] | None = None) -> list[Any]:
        """Rows of the state's schema."""
        with self.asking() as connection:
            return connection.execute(statement, parameters).fetchall()

    @contextmanager
    def asking(self) -> Iterator[psycopg.Connection[Any]]:
        """A session of ours with the state's schema, for questions. It begins as every other one of the tests does, so
        that one of those can be used again."""
        with psycopg.connect(self.state_url, autocommit=True) as connection:
            # To look for the best order of a view's eight tables takes longer than any question of a test.
            connection.execute("SET search_path = syncer; SET join_collapse_limit = 1")
            connection.autocommit = False
            yield connection

    def believed(self) -> set[tuple[str, str]]:
        """(contact, property) that the destination believes true, also while more comes in."""
        with self.receiver.http.changed:
            return {
                (contact, name)
                for contact, values in self.receiver.belief.items()
                for name, value in values.items()
                if value is True
            }

    def held(self) -> set[tuple[str, str, str]]:
        """(contact, property, op) of what stands as held, approved or not."""
        return set(self.query("SELECT contact, property, op FROM held_changes"))

    def in_doubt(self) -> set[str]:
        """The contacts of which something is uncertain."""
        return {contact for (contact,) in self.query("SELECT contact FROM uncertain")}


def calls(world: World, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """(user id, traits) of every identify call, in order of arrival."""
    return [
        (received.event["userId"], dict(received.event["traits"]))
        for received in world.receiver.events[since:]
        if received.event["type"] == "identify"
    ]


def told(world: World, since: int = 0) -> list[tuple[str, str, bool]]:
    """(contact, property, value) that took effect, in their order, from the event `since` on."""
    return [
        (each.event["traits"]["email"], name, value)
        for each in world.receiver.events[since:]
        for name, value in each.event["traits"].items()
        if name != "email"
    ]


def keep_together(monkeypatch: pytest.MonkeyPatch, runs: int) -> None:
    """History is kept and dropped in blocks of so many runs, at whatever pace they are made."""
    monkeypatch.setattr(blocks, "RUNS", runs)
    monkeypatch.setattr(blocks, "SHARE", 0.0)


def begin_history(connection: Connection, first_run: int, last_run: int) -> None:
    """Makes the partitions of these runs, for rows that a test writes itself."""
    while first_run <= last_run:
        block = blocks.of_run(connection, first_run)
        blocks.make(connection, block)
        if blocks.create(connection, block, blocks.CHANGES):
            blocks.attach(connection, block, blocks.CHANGES)
        first_run = block.end_run


def open_resyncs(world: World) -> int:
    """How many resyncs have not ended."""
    ((count,),) = world.query("SELECT count(*) FROM resync")
    return int(count)


def assert_held(result: Result) -> None:
    """The guard held something of this run at every destination."""
    assert (result.report.status, sync.exit_code(result)) == (models.Status.HELD, 5)
    assert {each.status for each in result.report.destinations} == {models.Status.HELD}


def members(count: int, *audiences: str, first: int = 0, prefix: str = "u") -> list[Row]:
    """`count` people, numbered from `first`, each of them in these audiences (`VIP`)."""
    people = [f"{prefix}{number:04d}" for number in range(first, first + count)]
    return [(audience, person, f"{person}@x.io") for person in people for audience in audiences or (VIP,)]


def named_members(*names: str, audience: str = VIP) -> list[Row]:
    """People of these names in an audience."""
    return [(audience, f"u-{name}", f"{name}@x.io") for name in names]


def truth(rows: Iterable[Row]) -> set[tuple[str, str]]:
    """(contact, property) of rows that can all be sent."""
    return {
        (email.strip(" \t\r\n\xa0").lower(), naming.property_of(audience))
        for audience, _, email in rows
        if audience is not None and email is not None
    }


def removals(rows: Iterable[Row]) -> set[tuple[str, str, str]]:
    """(contact, property, op) of all of these rows leaving."""
    return {(contact, name, "removed") for contact, name in truth(rows)}
