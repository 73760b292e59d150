"""How old what a destination knows of an audience is, against what was promised of it."""

import json
from typing import Any

import pytest

from syncer import opening, overview
from syncer.daemon import alerts, channels
from syncer.daemon.health import Health, serving
from syncer.daemon.lateness import Lookout, Trouble
from syncer.receivers.loopback import Answer, Delay
from syncer.schedule import Cadence
from syncer.state import State
from tests.integration.test_health import scraped
from tests.world import CHURN, VIP, World, members

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
PROMISES = "".join(f'[[audiences]]\nname = "{name}"\nfresh_within = "1h"\n' for name in (VIP, CHURN))


@pytest.fixture
def promising(world: World) -> World:
    """A world that has told both audiences, and promises that what is known of them is never an hour old."""
    world.extra = PROMISES
    world.warehouse.replace(members(3, VIP, CHURN))
    world.sync()
    return world


def later(world: World, seconds: float) -> None:
    """Time goes by: all that happened is so much longer ago."""
    world.query(
        "UPDATE run SET started_at = started_at - given.ago, snapshot_at = snapshot_at - given.ago,"
        " finished_at = finished_at - given.ago FROM (SELECT make_interval(secs => %s) AS ago) AS given"
        " RETURNING run_id",
        [seconds],
    )
    world.query("UPDATE operator_action SET at = at - make_interval(secs => %s) RETURNING action_id", [seconds])


def fresh(world: World) -> dict[str, Any]:
    """How the promises stand, by property."""
    status = json.loads(world.command("status", "--json").stdout)
    return {each["property"]: each for each in status["freshness"]}


def broken(world: World) -> set[str]:
    return {name for name, each in fresh(world).items() if each["is_broken"]}


def changed(world: World) -> None:
    """Somebody enters the one audience, and nothing of the other changes."""
    world.warehouse.replace([*members(3, VIP, CHURN), *members(1, prefix="new")])


def test_it_is_as_old_as_the_last_snapshot_that_was_delivered(promising: World) -> None:
    world = promising
    later(world, 59 * MINUTE)
    found = fresh(world)["vip_buyers"]
    assert (found["fresh_within_seconds"], found["destination"], found["is_broken"]) == (HOUR, "segment", False)
    assert 59 * MINUTE <= found["age_seconds"] < HOUR
    assert found["kept_share"] == 1
    later(world, 2 * MINUTE)
    assert broken(world) == {"vip_buyers", "churn_risk"}
    assert "broken" in world.command("status").stdout
    world.sync()  # nothing changed: now that is known
    assert broken(world) == set()


def test_what_is_not_delivered_breaks_it_and_what_has_no_change_does_not(promising: World) -> None:
    world = promising
    later(world, 50 * MINUTE)
    changed(world)
    world.receiver.script = lambda _request: Answer(401)
    world.sync()
    later(world, 20 * MINUTE)
    assert broken(world) == {"vip_buyers"}
    world.receiver.script = None
    world.sync()
    assert broken(world) == set()


def test_a_call_without_an_answer_is_not_delivered_until_one_has_an_answer(promising: World) -> None:
    world = promising
    world.destination_extra += "\ntimeout = '1s'"
    later(world, 50 * MINUTE)
    changed(world)
    world.receiver.script = lambda _request: Delay(1.5)
    world.sync()
    world.receiver.script = lambda _request: Answer(401)  # and now it is told again, and nobody hears of it
    world.sync()
    later(world, 20 * MINUTE)
    assert broken(world) == {"vip_buyers"}
    world.receiver.script = None
    world.sync()
    assert broken(world) == set()


@pytest.mark.parametrize("waits", ["held", "refused", "skipped", "paused", "retired"])
def test_what_waits_for_people_breaks_nothing(promising: World, waits: str) -> None:
    world = promising
    later(world, 50 * MINUTE)
    changed(world)
    match waits:
        case "held":
            world.extra += "[guard]\nmin_added = 0\nmax_added_fraction = 0.0\n"
        case "refused":
            world.receiver.script = lambda request: (
                Answer(400, body=b'{"message":"no"}') if b"new0000" in json.dumps(request.events).encode() else None
            )
        case "skipped":
            world.warehouse.replace([*members(3, VIP, CHURN), (VIP, "new", None)])
        case "paused":
            world.pause(VIP)
        case "retired":
            world.command("retire", VIP, "--yes")
    world.sync()
    later(world, 20 * MINUTE)
    assert broken(world) == set()
    assert ("vip_buyers" in fresh(world)) == (waits != "retired")
    assert fresh(world).get("vip_buyers", {}).get("paused", False) == (waits == "paused")


def test_a_true_that_waits_for_a_false_that_is_held_breaks_nothing(world: World) -> None:
    world.extra = PROMISES + "[guard]\nmin_removed = 2\n"
    world.extra += '[[priority]]\nname = "life"\naudiences = ["vip_buyers", "churn_risk"]\n'
    stay = [*members(1), *members(1, CHURN, prefix="other")]
    world.warehouse.replace([*stay, *members(7, first=1)])
    world.sync()
    later(world, 50 * MINUTE)
    world.warehouse.replace([*stay, *members(7, CHURN, first=1)])
    assert world.sync().report.deferred == 7
    later(world, 20 * MINUTE)
    assert broken(world) == set()


def test_the_share_of_time_counts_hours_in_which_nothing_ran(promising: World) -> None:
    world = promising
    for days in (5, 4, 30):
        later(world, days * DAY)
        world.sync()
    later(world, DAY)
    # Of the last 30 days 29 began after the run of 31 days ago had long been too old; and each run is good for an hour.
    assert fresh(world)["vip_buyers"]["kept_share"] == pytest.approx(1 * HOUR / (30 * DAY), abs=1e-4)
    later(world, 6 * DAY)
    world.sync()
    later(world, DAY)
    assert fresh(world)["vip_buyers"]["kept_share"] == pytest.approx(2 * HOUR / (30 * DAY), abs=1e-4)


def test_nothing_is_promised_before_the_first_sync_has_ended(world: World) -> None:
    world.extra = f'[[audiences]]\nname = "{VIP}"\nfresh_within = "1h"\n'
    world.warehouse.replace(members(3))
    world.receiver.script = lambda _request: Answer(401)
    world.sync()
    assert fresh(world) == {}
    assert "kept" not in world.command("status").stdout


class Channel(channels.Channel):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, title: str, body: str) -> bool:
        self.sent.append((title, body))
        return True

    def beat(self) -> None:
        """A heart that nobody listens to."""


@pytest.fixture
def promises(promising: World) -> Any:
    return overview.promises(opening.load(promising.config, {}))


def test_it_is_alerted_once_and_once_more_when_it_is_kept_again(promising: World, promises: Any) -> None:
    world, channel = promising, Channel()
    watch = alerts.AlertWatcher(State(world.state_url, "syncer"), channel, promises=promises)
    lookout = Lookout(State(world.state_url, "syncer"), Cadence(every=7200, jitter=0), 900, promises=promises)
    heard: list[tuple[Trouble, str | None]] = []

    def tell(trouble: Trouble, why: str | None) -> None:
        heard.append((trouble, why))
        watch.stands(trouble, why)

    lookout.tell = tell
    changed(world)
    later(world, 61 * MINUTE)
    for _ in range(2):
        lookout.look()
    world.receiver.script = lambda _request: Answer(401)
    watch.ran(world.sync())
    world.receiver.script = None
    watch.ran(world.sync())
    lookout.look()
    watch.close()
    assert {trouble.subject for trouble, why in heard if trouble.kind == "outdated" and why} == {VIP, CHURN}
    stale = [
        (title, body) for title, body in channel.sent if "outdated" in body or title == "syncer: older than promised"
    ]
    assert [title for title, _ in stale] == ["syncer: older than promised"] * 2 + ["syncer: recovered"] * 2
    assert "what segment knows of it is 61 minutes old, and 60 minutes are promised" in stale[0][1]


def test_it_is_scraped(promising: World, promises: Any) -> None:
    world, state = promising, State(promising.state_url, "syncer")
    later(world, 20 * MINUTE)
    with serving("127.0.0.1:0", state, Health(60, Lookout(state, Cadence(), 60)), promises=promises) as server:
        found = scraped(f"http://{server.address}")
    assert found["syncer_freshness_seconds", "vip_buyers"] == pytest.approx(20 * MINUTE, abs=60)
    assert (found["syncer_fresh_within_seconds", "vip_buyers"], found["syncer_fresh_share", "vip_buyers"]) == (HOUR, 1)
