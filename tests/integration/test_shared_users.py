"""User ids that many contacts share: an account of many addresses is followed once, a placeholder is no identity."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from syncer.state import MAX_CONTACTS_OF_USER
from tests.webhook_receiver import WebhookReceiver
from tests.world import VIP, Row, World, calls, truth

pytestmark = pytest.mark.usefixtures("unguarded")

TOKEN = "shared-users-token"

FOLLOWING = (
    "find_followers put_off_moves add_follow_edges put_off_cycles follow_moves follow_chains gather_followers"
    " name_callers name_moved_users mark_followers_uncertain"
).split()
"""The statements that let calls follow others, and what they bring with them."""


def account(name: str, addresses: range) -> list[Row]:
    """A user who has these of their addresses in the audience."""
    return [(VIP, name, f"{name}-{number}@x.io") for number in addresses]


@pytest.fixture
def followed_rows(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many rows the statements in `FOLLOWING` have gone through, by their names: their work, whatever the clock."""
    work: Counter[str] = Counter()
    execute = psycopg.Cursor.execute

    def analyze_first(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(cursor)
        name = text.partition("/* syncer:")[2].partition(" ")[0]
        if name in FOLLOWING:
            trying = cursor.connection.cursor(row_factory=tuple_row)
            execute(trying, "SAVEPOINT trying")
            execute(trying, f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) {text}", params)
            work[name] += sum(rows_of(node) for node in nodes(trying.fetchall()[0][0][0]["Plan"]))
            execute(trying, "ROLLBACK TO SAVEPOINT trying")
        return execute(cursor, query, params, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", analyze_first)
    return work


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def rows_of(node: Mapping[str, Any]) -> int:
    """The rows that a step of a plan has looked at."""
    looked_at = (
        "Actual Rows",
        "Rows Removed by Filter",
        "Rows Removed by Join Filter",
        "Rows Removed by Index Recheck",
    )
    return int(node["Actual Loops"] * sum(node.get(kind, 0) for kind in looked_at))


def test_accounts_of_many_addresses_are_followed_once_in_linear_time(world: World, followed_rows: Counter[str]) -> None:
    work = []
    for accounts in (60, 240):
        names = [f"account{number}" for number in range(accounts)]
        world.warehouse.replace([row for name in names for row in account(name, range(40))])
        world.sync()
        rows = [row for name in names for row in account(name, range(1, 40))]
        world.warehouse.replace(rows)
        followed_rows.clear()
        since = world.receiver.event_count

        report = world.sync().report.destinations[0]

        assert (report.planned, report.succeeded, report.skipped) == (2 * accounts, 2 * accounts, {})
        told = [(user, traits["vip_buyers"]) for user, traits in calls(world, since)]
        assert told[:accounts] == [(user, False) for user, _ in told[:accounts]]
        assert sorted(told[accounts:]) == sorted((name, True) for name in names)
        assert world.believed() == truth(rows)
        assert set(followed_rows) == set(FOLLOWING)
        work.append(dict(followed_rows))
    few, many = work
    assert {name: count for name, count in many.items() if count > 5 * few[name]} == {}
    assert world.sync().report.destinations[0].planned == 0


@pytest.mark.parametrize("left", [MAX_CONTACTS_OF_USER, MAX_CONTACTS_OF_USER + 1])
def test_an_id_of_more_contacts_than_anybody_has_is_listed_and_not_followed(world: World, left: int) -> None:
    """What counts are the contacts that the user is at once the others have left."""
    shared = left > MAX_CONTACTS_OF_USER
    rows = account("agency", range(40 + left))
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.replace(rows[40:])

    report = world.sync().report.destinations[0]

    assert (report.planned, report.skipped) == ((40, {"shared_user_id": 1}) if shared else (41, {}))
    assert world.receiver.belief_by_user["agency"] == {"vip_buyers": not shared}
    assert world.sync().report.destinations[0].planned == 0


def test_a_placeholder_of_thousands_costs_only_those_who_leave(world: World, followed_rows: Counter[str]) -> None:
    rows = account("guest", range(4000))
    world.warehouse.replace(rows)
    world.sync()
    followed_rows.clear()
    world.warehouse.replace(rows[40:])

    report = world.sync().report.destinations[0]

    assert (report.planned, report.skipped) == (40, {"shared_user_id": 1})
    assert world.query("SELECT user_id, reason FROM skipped_members") == [("guest", "shared_user_id")]
    assert world.believed() == truth(rows[40:])
    assert followed_rows.total() < 20 * len(rows)
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


def test_who_leaves_an_audience_and_stays_in_another_is_not_looked_for_in_the_first(world: World) -> None:
    """Every run would look for them from then on."""
    ada: Row = ("Churn Risk", "ada", "ada@x.io")
    world.warehouse.replace([ada, *account("ada", range(1)), *account("bo", range(1))])
    world.sync()
    world.warehouse.replace([ada, *account("bo", range(1))])
    assert world.sync().report.destinations[0].succeeded == 1

    assert world.query("SELECT user_id, is_back FROM user_told_false") == [("ada", False)]


def test_only_a_destination_that_keeps_users_gets_calls_that_follow(world: World) -> None:
    with WebhookReceiver(arrays=True, token=TOKEN) as receiver:
        world.destination_extra += f"""
[[destinations]]
name = "hook"
type = "webhook"
url = "{receiver.url}"
batch = 100
headers = {{ Authorization = "Bearer {TOKEN}" }}
"""
        rows = [row for name in ("one", "two", "three") for row in account(name, range(4))]
        world.warehouse.replace(rows)
        world.sync()
        rows = [row for row in rows if not str(row[2]).endswith(("-0@x.io", "-1@x.io"))]
        world.warehouse.replace(rows)

        report = world.sync().report

        assert {each.name: each.planned for each in report.destinations} == {"segment": 9, "hook": 6}
        assert {(email, "vip_buyers") for email, belief in receiver.belief.items() if belief["vip_buyers"]} == truth(
            rows
        )
        assert [each.planned for each in world.sync().report.destinations] == [0, 0]
        assert receiver.violations == []
