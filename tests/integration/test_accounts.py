"""A destination remembers what it pointed at: another account is not told by accident (rule 25)."""

from collections.abc import Iterator

import pytest

from syncer import errors, sync
from syncer.models import Status
from syncer.receivers.segment import SegmentReceiver
from tests.world import World, members, truth


@pytest.fixture
def second() -> Iterator[SegmentReceiver]:
    with SegmentReceiver("second-key") as second:
        yield second
        assert second.violations == []


def point_second_at(world: World, url: str, key: str = "second-key") -> None:
    world.destination_extra = (
        'max_events_per_second = 0\n[[destinations]]\nname = "second"\ntype = "segment"\n'
        f'write_key = "{key}"\nendpoint = "{url}"\nmax_events_per_second = 0\n'
    )


def elsewhere(second: SegmentReceiver) -> str:
    """The same receiver behind another host."""
    return second.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def readdressed(world: World, second: SegmentReceiver) -> World:
    """Two destinations were told of two members; then one got another address, and one member more came."""
    point_second_at(world, second.url)
    world.warehouse.replace(members(2))
    assert sync.exit_code(world.sync()) == 0
    point_second_at(world, elsewhere(second))
    world.warehouse.replace(members(3))
    return world


def test_another_host_is_another_account_and_the_others_go_on(readdressed: World, second: SegmentReceiver) -> None:
    world = readdressed
    requests = len(second.requests)

    result = world.sync()

    assert sync.exit_code(result) == 2
    assert {each.name: each.status for each in result.report.destinations} == {
        "segment": Status.SUCCEEDED,
        "second": Status.FAILED,
    }
    assert world.believed() == truth(members(3))
    assert len(second.requests) == requests
    (failure,) = result.failures
    assert isinstance(failure, errors.ConfigError)
    message = str(failure)
    assert "second" in message
    assert "its endpoint was 127.0.0.1 and is localhost" in message
    assert "new `name`" in message
    assert "syncer resync --destination second" in message
    assert "second-key" not in message
    assert {each.name: each.error for each in result.report.destinations} == {"segment": None, "second": message}

    # It stays refused, also by the questions and by a full resync of everything.
    assert [str(failure) for failure in world.resync().failures] == [message]
    assert len(second.requests) == requests
    point_second_at(world, second.url)  # back where it was: nothing is due but what it missed
    before = second.event_count
    assert sync.exit_code(world.sync()) == 0
    assert second.event_count == before + 1


def test_a_resync_of_that_destination_accepts_it_and_tells_everything_again(
    readdressed: World, second: SegmentReceiver
) -> None:
    world = readdressed
    world.sync()
    first, before = world.receiver.event_count, second.event_count

    result = world.resync(destination_names=["second"], same_account=["second"])

    assert sync.exit_code(result) == 0
    assert (world.receiver.event_count, second.event_count) == (first, before + 3)
    assert sync.exit_code(world.sync()) == 0
    assert (world.receiver.event_count, second.event_count) == (first, before + 3)
    assert set(second.belief) == {f"u000{number}@x.io" for number in range(3)}
    assert world.verify().differences == 0
    point_second_at(world, second.url)
    assert sync.exit_code(world.sync()) == 2


def test_a_preview_leaves_it_out_and_says_so(readdressed: World) -> None:
    report = readdressed.preview()
    assert [each.name for each in report.destinations if each.status != "failed"] == ["segment"]
    assert [each.name for each in readdressed.verify().destinations] == ["segment"]
    assert readdressed.query("SELECT account ->> 'endpoint' FROM destination ORDER BY name") == [("127.0.0.1",)] * 2


def test_the_command_says_what_to_do_and_obeys(readdressed: World, second: SegmentReceiver) -> None:
    refused = readdressed.command("sync")
    assert refused.returncode == 2
    assert "syncer resync --destination second" in refused.stderr
    assert readdressed.command("resync").returncode == 2
    accepted = readdressed.command("resync", "--destination", "second")
    assert accepted.returncode == 0, accepted.stderr
    assert set(second.belief) == {f"u000{number}@x.io" for number in range(3)}
    assert readdressed.command("sync").returncode == 0


def test_another_port_is_the_same_account(world: World) -> None:
    world.warehouse.replace(members(1))
    with SegmentReceiver("second-key") as before:
        point_second_at(world, before.url)
        world.sync()
    with SegmentReceiver("second-key") as after:
        point_second_at(world, after.url)
        world.warehouse.replace(members(2))
        assert sync.exit_code(world.sync()) == 0
        assert set(after.belief) == {"u0001@x.io"}


def test_a_new_name_begins_anew_there(readdressed: World, second: SegmentReceiver) -> None:
    readdressed.destination_extra = readdressed.destination_extra.replace('"second"', '"third"')

    assert sync.exit_code(readdressed.sync()) == 0

    assert second.event_count == 2 + 3
    assert readdressed.verify().differences == 0


def test_a_changed_key_alone_is_a_rotation_and_is_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.warehouse.replace(members(1))
    with SegmentReceiver("second-key") as before:
        point_second_at(world, before.url)
        world.sync()
    with SegmentReceiver("rotated-key") as after:
        point_second_at(world, after.url, "rotated-key")
        world.warehouse.replace(members(2))
        caplog.clear()

        assert sync.exit_code(world.sync()) == 0
        said = caplog.text
        caplog.clear()
        assert sync.exit_code(world.sync()) == 0
        again = caplog.text

        assert set(after.belief) == {"u0001@x.io"}  # who was told stays told
    assert said.count("the key of a destination is another one") == 1
    assert "rotated-key" not in said
    assert "the key of a destination" not in again
    ((account,),) = world.query("SELECT account::text FROM destination WHERE name = 'second'")
    assert "rotated-key" not in account
