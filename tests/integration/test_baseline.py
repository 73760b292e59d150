"""Numbers that are far from those of the last runs: said once, ended once, and nothing else is different."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from syncer.daemon.baseline import Baseline, Number, compare
from syncer.models import Trigger
from tests.integration.test_alerts import Phone
from tests.integration.test_alerts import phone as phone
from tests.world import CHURN, VIP, World, members

DAYS = (100, 102, 104, 107)


@pytest.fixture
def days(world: World) -> Callable[..., None]:
    """Runs, each with so many members."""

    def live(*counts: int, trigger: Trigger = "manual") -> None:
        for count in counts:
            world.warehouse.replace(members(count))
            assert world.sync(None, trigger).report.status == "succeeded"

    return live


@contextmanager
def alerting(world: World, phone: Phone, more: str = "unusual_after_runs = 3") -> Iterator[None]:
    world.extra = f"[alerts]\n{phone.urls}{more}\n"
    yield
    world.extra = ""


def numbers(world: World, run_id: int, runs: int) -> list[Number]:
    with world.state() as connection:
        return list(compare(connection, run_id, Baseline(runs, 5)))


def test_a_number_is_told_with_the_median_of_the_last_runs_and_of_their_distances(
    world: World, days: Callable[..., None]
) -> None:
    days(*DAYS)
    assert numbers(world, 4, 4) == [], "there are not so many runs before it"
    assert numbers(world, 4, 3) == [Number("members", VIP, "", 107, 102.0, 2.0)], "the first sync has no changes"
    days(110)
    assert numbers(world, 5, 3) == [
        Number("members", VIP, "", 110, 104.0, 2.0),
        Number("changes", VIP, "segment", 3, 2.0, 0.0),
    ]


def test_runs_about_other_audiences_do_not_count(world: World, days: Callable[..., None]) -> None:
    days(*DAYS)
    world.warehouse.replace([*members(200), *members(1, CHURN)])
    for _ in range(3):
        world.sync(audiences=[CHURN])
    world.sync(audiences=[VIP])
    assert numbers(world, 8, 3)[0] == Number("members", VIP, "", 200, 104.0, 2.0)


def test_what_is_far_from_usual_is_said_once_and_ends_once_it_is_usual(
    world: World, phone: Phone, days: Callable[..., None]
) -> None:
    days(*DAYS)
    heard = []
    with alerting(world, phone):
        for count in (40, 40, 40, 40):
            world.warehouse.replace(members(count))
            assert world.command("sync").returncode == 0
            heard.append(phone.heard())

    begun, changes_ended, members_ended, quiet = heard
    [(title, text)] = begun
    assert title == "unusual numbers"
    assert text.splitlines() == [
        "run 5: 40 members of VIP Buyers, in the last 3 runs 104, give or take 2; what is held is up to [guard]."
        " syncer history 5 has more",
        "run 5: 67 changes of VIP Buyers at segment, in the last 3 runs 2, give or take 0; what is held is up to"
        " [guard]. syncer history 5 has more",
    ]
    assert changes_ended == [("recovered", "no longer unusual: changes of VIP Buyers at segment")]
    assert members_ended == [("recovered", "no longer unusual: members of VIP Buyers")]
    assert quiet == []
    assert phone.beats == 4


def test_by_default_nothing_is_unusual(world: World, phone: Phone, days: Callable[..., None]) -> None:
    days(*DAYS)
    world.warehouse.replace(members(40))
    with alerting(world, phone, more=""):
        assert world.command("sync").returncode == 0
    assert phone.heard() == []
