"""Whoever looks whether syncing stands still finds it in the state: leading, standing by, or asked by `status`."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from syncer import overview, sql
from syncer.daemon.lateness import Lookout
from syncer.receivers.loopback import Answer
from syncer.schedule import Cadence
from syncer.state import State, leadership
from tests.world import World, members, until

HOURLY = Cadence(every=3600, jitter=0)


class Watched:
    """A lookout whose clock the test sets. `told`, `slow` and `full` are what it told."""

    def __init__(self, state: State, cadence: Cadence = HOURLY) -> None:
        self.clock = 0.0
        self.told: list[str | None] = []
        self.slow: list[str | None] = []
        self.full: list[str | None] = []
        self.room: int | None = None
        self.lookout = Lookout(state, cadence, 900, lambda: self.clock, lambda: self.room)
        heard = {"late": self.told, "slow": self.slow, "full": self.full}
        self.lookout.tell = lambda trouble, why: heard[trouble.kind].append(why)

    def look(self, seconds: float = 0) -> str | None:
        """Looks after that many seconds: why it is not ready."""
        self.clock += seconds
        self.lookout.look()
        return self.lookout.why_not_ready()


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(State(world.state_url, "syncer"))


def ago(world: World, interval: str) -> None:
    """The runs so far began, and ended, as long ago."""
    world.query(
        "UPDATE run SET started_at = clock_timestamp() - %s::interval, snapshot_at = clock_timestamp() - %s::interval"
        " RETURNING run_id",
        [interval, interval],
    )


@pytest.fixture
def hung(world: World) -> Iterator[int]:
    """A run of a command that has been reading for 16 minutes and renews its lease: its main thread hangs."""
    with world.state() as state, leadership.lead(State(world.state_url, "syncer"), state):
        state.execute(
            "INSERT INTO run (trigger, syncer_version, host, pid, started_at)"
            " VALUES ('manual', '', '', 1, clock_timestamp() - interval '16 minutes')"
        )
        yield state.info.backend_pid


def test_it_is_said_after_a_moment_and_ends_with_a_run(world: World, watched: Watched) -> None:
    world.warehouse.replace(members(1))
    world.sync()
    assert watched.look() is None
    ago(world, "2 hours 1 minute")

    assert watched.look() is None, "who wakes up has a run under way"
    late = watched.look(61)
    assert late is not None
    assert late.startswith("no run did its work since")
    assert watched.told == [None, f"{late}; no process leads: see the log of the daemon"]
    world.sync()
    assert watched.look(61) is None
    assert watched.told[2:] == [None]


def test_a_run_that_hangs_in_another_process_is_said_with_whose_it_is(watched: Watched, hung: int) -> None:
    watched.look()
    assert watched.look(61) == "run 1 has not moved for 16 minutes"
    assert "a command leads: host" in str(watched.told[-1])


def test_a_run_that_was_left_open_is_not_in_progress(world: World, watched: Watched, hung: int) -> None:
    with psycopg.connect(world.state_url) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [hung])
    watched.look()
    assert watched.look(61) is None


def test_a_state_that_cannot_be_asked_is_not_ready_and_in_the_end_late(world: World) -> None:
    watched = Watched(State("postgresql://nobody@127.0.0.1:9/gone", "syncer"), Cadence(every=1, jitter=0))
    assert watched.lookout.why_not_ready() == "the state has not answered yet"
    assert watched.look() == "the state cannot be used; the log says more"
    watched.lookout._since -= HOURLY.interval(watched.lookout._since)
    watched.look(2)
    watched.look(2)
    assert "no run ever did its work" in str(watched.told[-1])
    assert "127.0.0.1" not in str(watched.told[-1])


@pytest.mark.fresh_sessions
def test_a_look_that_must_wait_for_a_lock_ends_and_leaves_no_session(
    world: World, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sql.query
    monkeypatch.setattr(sql, "query", lambda name: real(name).replace("'5s'", "'200ms'"))
    with psycopg.connect(world.state_url) as other:
        other.execute("LOCK TABLE syncer.schema_migration")
        assert watched.look() == "the state cannot be used; the log says more"
        until(lambda: not world.query("SELECT FROM pg_stat_activity WHERE application_name = 'syncer lookout'"))
    assert watched.look() is None


def test_a_run_of_a_clock_that_was_ahead_does_not_count_for_longer_than_its_interval(
    world: World, watched: Watched
) -> None:
    world.warehouse.replace(members(1))
    world.sync()
    ago(world, "-1 year")
    assert watched.look() is None
    watched.look(7201)
    assert watched.look(61) is not None


def test_status_says_so_where_a_daemon_has_a_schedule(world: World) -> None:
    world.warehouse.replace(members(1))
    world.sync()
    ago(world, "1 day")
    assert "late" not in world.command("status").stdout
    world.query("INSERT INTO schedule VALUES (true, now()) RETURNING next_due_at")
    assert "late: no run did its work since" in world.command("status").stdout
    assert json.loads(world.command("status", "--json").stdout)["late"].startswith("no run did its work")


def test_status_says_that_a_disk_fills_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.json("status")["full"] is None
    monkeypatch.setattr(overview, "room", lambda _: 499 * 2**20)
    assert world.json("status")["full"].startswith("the disk of `state.data_dir` has 499 MB left")
    assert "full: the disk of" in world.command("status").stdout


def test_status_says_why_the_last_run_stopped_at_a_destination_until_one_did_not(world: World) -> None:
    world.warehouse.replace(members(2))
    world.receiver.script = lambda _: Answer(401)
    world.sync()
    assert "segment stopped: " in world.command("status").stdout
    assert "write_key" in world.json("status")["destinations"][0]["error"], "the way out"
    world.receiver.script = None
    world.sync()
    assert world.json("status")["destinations"][0]["error"] is None
    assert "stopped" not in world.command("status").stdout


def test_a_run_that_takes_much_longer_than_the_last_ten_is_slow_and_ready(world: World, watched: Watched) -> None:
    with world.state() as state, leadership.lead(State(world.state_url, "syncer"), state):
        state.execute(
            "INSERT INTO run (trigger, syncer_version, host, pid, started_at, finished_at, phase, status)"
            " SELECT 'schedule', '', '', 1, now() - interval '3 hours', now() - interval '150 minutes',"
            " 'closed', 'succeeded' FROM generate_series(1, 10)"
        )
        state.execute(
            "INSERT INTO run (trigger, syncer_version, host, pid, started_at, snapshot_at)"
            " VALUES ('schedule', '', '', 1, now() - interval '119 minutes', now())"
        )
        assert watched.look() is None
        assert watched.slow == [None]
        state.execute("UPDATE run SET started_at = now() - interval '121 minutes' WHERE phase <> 'closed'")
        assert watched.look() is None
    assert watched.slow[-1] == (
        "run 11 has been under way for 121 minutes; the last ten took 30 minutes at most."
        " `syncer status` shows how far it is, and at which rate"
    )
    watched.look()
    assert watched.slow[-1] is None


def test_a_disk_that_fills_up_is_told_and_is_well_again_with_some_room_to_spare(watched: Watched) -> None:
    for megabytes in (700, 499, 550, 700):
        watched.room = megabytes * 2**20
        assert watched.look() is None
    told = "the disk of `state.data_dir` has 499 MB left, and without room no run can be recorded:"
    assert watched.full == [None, f"{told} make room, or let [history] keep less", None]
