"""Who is counted of a first sync in slices: users and contacts, once its first call has left."""

import pytest

from syncer.models import Status
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State, status
from syncer.state.migrations import migrate
from syncer.stopping import Stop
from tests.points import Killed, Points, end_sessions
from tests.world import CHURN, VIP, World, members, truth, until

ROWS = [
    *members(20, VIP, CHURN),
    *members(1, VIP),  # once more
    (VIP, "u0001", "other@x.io"),
    (VIP, "shares", " U0002@x.io "),
    (CHURN, "u0003", None),
    (CHURN, None, "nobody@x.io"),
    ("", "u0004", "u0004@x.io"),
]
CONTACTS = 22
USERS = {VIP: 21, CHURN: 20}


@pytest.fixture
def sliced(world: World) -> World:
    world.slice_rows = 5
    world.warehouse.replace(ROWS)
    return world


def counts(world: World) -> tuple[int | None, dict[str, int | None]]:
    """Contacts, and users by audience, as the last run has them in all of its places."""
    ((contacts,),) = world.query("SELECT contacts FROM sync_runs ORDER BY run_id DESC LIMIT 1")
    in_counts = dict(world.query("SELECT audience, members FROM sync_run_counts"))
    assert dict(world.query("SELECT name, members FROM run_audience")) == in_counts
    return contacts, in_counts


def sync_to_its_end(world: World, stop: Stop, way: str) -> None:
    """A run that is killed, or asked to stop, somewhere on its way."""
    if way == "kill":
        with pytest.raises(Killed):
            world.sync(stop)
        end_sessions(world.state_url)
    else:
        assert world.sync(stop).report.status == Status.INTERRUPTED


@pytest.mark.parametrize(
    ("held_out", "contacts", "users"),
    [("", CONTACTS, USERS), (f'[[audiences]]\nname = "{VIP}"\nholdout = 1.0', 21, {VIP: 0, CHURN: 20})],
)
def test_slices_count_whom_one_plan_counts(sliced: World, held_out: str, contacts: int, users: dict[str, int]) -> None:
    sliced.extra = held_out
    result = sliced.sync()

    assert counts(sliced) == (contacts, users)
    assert {each.name: each.members for each in result.report.audiences} == users
    with sliced.state() as state:
        state.execute("DROP SCHEMA syncer CASCADE")
    migrate(State(sliced.state_url, "syncer"))
    sliced.slice_rows = 1_000
    sliced.sync()
    assert counts(sliced) == (contacts, users)


def test_the_first_call_leaves_before_anybody_is_counted(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then nobody says a number, and all rows may be contacts that wait."""
    points = Points(monkeypatch)
    waiting: list[int] = []

    def heard() -> None:
        assert sliced.receiver.wait_for(lambda: len(sliced.receiver.events) > 0)
        assert counts(sliced) == (None, {VIP: None, CHURN: None})
        assert [each["members"] for each in sliced.json("history", "1")["audiences"]] == [None, None]
        assert sliced.command("history", "1").returncode == sliced.command("status").returncode == 0
        with sliced.state() as state:
            running = status.now(state).running
        waiting.append(running.planned if running else 0)

    points.watch("before count_users_put_aside", heard)
    assert sliced.sync().report.status == Status.SUCCEEDED
    points.rest()

    assert [CONTACTS < each <= len(ROWS) for each in waiting] == [True]
    assert counts(sliced) == (CONTACTS, USERS)


def test_where_only_some_rows_are_told_everybody_is_counted_before(
    sliced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sliced.destination_extra = f'audiences = ["{VIP}"]'
    points = Points(monkeypatch)
    found: list[object] = []

    def look() -> None:
        assert sliced.receiver.events == []
        found.extend(sliced.query("SELECT contacts FROM sync_runs"))
        found.append(dict(sliced.query("SELECT name, members FROM run_audience")))

    points.watch("before pin_audiences", look)
    assert sliced.sync().report.status == Status.SUCCEEDED
    points.rest()

    assert found == [(CONTACTS,), USERS]


@pytest.mark.parametrize("point", ["before count_contacts_put_aside", "before add_headcount"])
@pytest.mark.parametrize("way", ["kill", "stop"])
def test_a_run_that_ends_before_it_has_counted_says_no_number(
    sliced: World, point: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runs after it say theirs, and whoever compares runs leaves it out."""
    points, stop = Points(monkeypatch), Stop()
    points.watch(point, points.kill if way == "kill" else stop.ask)
    sync_to_its_end(sliced, stop, way)
    points.rest()

    assert counts(sliced) == (None, {VIP: None, CHURN: None})
    assert sliced.sync().report.status == Status.SUCCEEDED

    assert sliced.believed() == truth(row for row in ROWS if row[0] and row[1] and row[2])
    assert sliced.query("SELECT DISTINCT members FROM run_audience WHERE run_id = 1") == [(None,)]
    assert sliced.query("SELECT contacts FROM sync_runs WHERE run_id = 2") == [(CONTACTS,)]
    assert dict(sliced.query("SELECT audience, members FROM sync_run_counts WHERE run_id = 2")) == USERS
    assert sliced.query("SELECT contacts FROM contact_count") == sliced.query(
        "SELECT count(DISTINCT contact) FROM synced_member"
    )
    assert sliced.verify().differences == 0


@pytest.mark.parametrize("way", ["kill", "stop"])
def test_a_destination_that_was_told_before_keeps_its_counts(
    sliced: World, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a new one is told in slices."""
    sliced.warehouse.replace(members(19, VIP, CHURN))
    sliced.sync()
    sliced.warehouse.replace(members(20, VIP, CHURN))
    points, stop = Points(monkeypatch), Stop()

    def end() -> None:
        until(lambda: sliced.query("SELECT count(*) FROM synced_member WHERE destination_id = 1") == [(40,)])
        (points.kill if way == "kill" else stop.ask)()

    with SegmentReceiver("second-key") as second:
        sliced.destination_extra = f'''
[[destinations]]
name = "second"
type = "segment"
write_key = "second-key"
endpoint = "{second.url}"
'''
        points.watch("before add_headcount", end)
        sync_to_its_end(sliced, stop, way)
        points.rest()

        assert sliced.sync().report.status == Status.SUCCEEDED
    assert sliced.query("SELECT destination_id, contacts FROM contact_count ORDER BY 1") == [(1, 20), (2, 20)]
    assert sliced.verify().differences == 0


def test_who_lost_the_lead_counts_nobody(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    points = Points(monkeypatch)

    def take_the_lead() -> None:
        with sliced.state() as connection:
            connection.execute("UPDATE leader SET token = gen_random_uuid()")

    points.watch("before add_headcount", take_the_lead)
    sliced.sync()
    points.rest()

    assert counts(sliced) == (None, {VIP: None, CHURN: None})
