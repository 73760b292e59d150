"""Names of audiences that are people: a wrong column makes no properties of them."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from syncer import sync
from syncer.daemon import health
from syncer.models import Status
from syncer.planning.newcomers import looks_like_a_person
from syncer.state import State
from tests.world import CHURN, VIP, Row, World, members, truth

WRONG_COLUMN = {
    "email": [(f"u{n}@x.example", f"u{n}", f"u{n}@x.example") for n in range(20)],
    "user_id": [(f"u{n}", f"u{n}", f"u{n}@x.example") for n in range(20)],
    "order": [(f"{n:08x}-0000-4000-8000-000000000000", f"u{n}", f"u{n}@x.example") for n in range(20)],
    "name": [(f"Person {n}", f"u{n}", f"u{n}@x.example") for n in range(31)],
}


@pytest.mark.parametrize("rows", WRONG_COLUMN.values(), ids=WRONG_COLUMN)
@pytest.mark.parametrize("before", [0, 3], ids=["at first", "later"])
def test_a_wrong_column_holds_the_run(world: World, rows: list[Row], before: int) -> None:
    world.extra = "[guard]\nmax_new_audiences = 30\n"
    if before:
        world.warehouse.replace(members(before))
        world.sync()
    requests = len(world.receiver.requests)
    world.warehouse.replace(rows)

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.HELD, 5)
    assert "is `warehouse.membership.audience` the column" in (result.report.error or "").replace("Is", "is")
    assert "@" not in (result.report.error or "")
    assert len(world.receiver.requests) == requests
    assert world.believed() == truth(members(before))
    for table in ("audience", "run_audience"):
        assert world.query(f"SELECT name FROM {table} WHERE name <> '{VIP}'") == []
    assert world.command("plan").returncode == 5


def test_the_limit_lets_many_audiences_pass(world: World) -> None:
    world.warehouse.replace(WRONG_COLUMN["name"])
    world.extra = "[guard]\nmax_new_audiences = 31\n"

    assert sync.exit_code(world.sync()) == 0
    world.extra = "[guard]\nmax_new_audiences = 0\n"
    assert sync.exit_code(world.sync()) == 0, "none of them is new"
    world.warehouse.replace([*WRONG_COLUMN["name"][:-1], ("person  30", "u30", "u30@x.example")])
    assert sync.exit_code(world.sync()) == 0, "it is only spelled otherwise"


@pytest.mark.parametrize("name", ["u0@x.example", "about ada@x.example", "cus_NffrFeUfNV2Hib", "+491701234567"])
def test_a_name_that_is_a_person_is_set_aside_and_shown_masked(world: World, name: str) -> None:
    world.warehouse.replace(
        [*members(2), *members(1, CHURN), (name, "u0", "u0@x.example"), (name, "u1", "u1@x.example")]
    )

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.INCOMPLETE, 8)
    [(shown, problem)] = [(each.name, each.problem or "") for each in result.report.audiences if each.problem]
    assert shown != name
    assert problem.startswith("2 rows name it, and it looks like an address or an id")
    assert world.believed() == truth(members(2) + members(1, CHURN))
    assert name not in world.command("history", "1", "--json").stdout
    for table in ("audience", "run_audience", "skipped_member"):
        assert name not in str(world.query(f"SELECT * FROM {table}"))

    world.extra = f"[[audiences]]\nname = '{name}'\nproperty = 'named'"
    assert sync.exit_code(world.sync()) == 0
    assert ("u1@x.example", "named") in world.believed()


def test_no_metric_names_a_person(world: World) -> None:
    world.warehouse.replace([*members(2), ("ada@x.example", "u0", "u0@x.example")])
    world.sync()
    world.warehouse.replace(WRONG_COLUMN["email"])
    world.sync()
    registry = CollectorRegistry()
    registry.register(health._Metrics(State(world.state_url, "syncer")))
    scraped = generate_latest(registry).decode()

    assert 'property="vip_buyers"' in scraped
    assert "example" not in scraped


@pytest.mark.parametrize(
    "name",
    ["VIP", "Q4 2025", "2025-11-01", "20251101", "Sales @ HQ", "a@b", "deadbeef", "order_completed_30d", "cafe1234"],
)
def test_names_of_audiences_are_no_people(name: str) -> None:
    assert not looks_like_a_person(name)
