"""What is held stays in the state until it goes: it is extended, not rewritten, also where it is much."""

import time

import psycopg
import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from tests.world import CHURN, GUARD_FROM_TWO, VIP, World, assert_held, members, removals, truth


def test_holds_are_extended_and_not_rewritten(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(9))
    world.sync()
    world.warehouse.replace(members(5))
    first = world.sync()
    before = world.query("SELECT contact, since, since_run_id, xmin::text FROM held_change ORDER BY 1")
    assert len(before) == 4

    again = world.sync()
    assert_held(again)
    assert again.report.audiences[0].held == 4
    assert world.query("SELECT contact, since, since_run_id, xmin::text FROM held_change ORDER BY 1") == before

    world.warehouse.replace(members(3))
    world.sync()
    after = world.query("SELECT contact, since, since_run_id, xmin::text FROM held_change ORDER BY 1")
    assert [row for row in after if row in before] == before
    assert [(row[0], row[2]) for row in after if row not in before] == [("u0003@x.io", 4), ("u0004@x.io", 4)]
    assert world.query("SELECT DISTINCT last_run_id FROM held_changes") == [(4,)]

    world.warehouse.replace(members(8))  # all but one came back, one is too few to be held
    last = world.sync()
    assert sync.exit_code(last) == 0
    assert world.held() == set()
    assert world.believed() == truth(members(8))
    assert first.report.destinations[0].planned == 0


def test_a_quiet_run_is_held_while_something_waits_from_an_earlier_one(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4) + members(1, CHURN))
    world.sync()
    world.warehouse.replace(members(1) + members(1, CHURN))
    held_run = world.sync()

    assert_held(world.sync(audiences=[CHURN]))
    assert_held(world.sync())
    world.approve(held_run.report.run_id)
    # What was approved waits for the next run, not for a human.
    assert sync.exit_code(world.sync(audiences=[CHURN])) == 0
    assert world.believed() == truth(members(4) + members(1, CHURN))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1) + members(1, CHURN))
    assert world.held() == set()


def test_uncertain_contacts_count_and_stay_uncertain_while_they_are_held(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    stay = members(1, CHURN)
    world.warehouse.replace(stay)
    world.sync()
    world.warehouse.replace(members(4) + stay)
    world.receiver.script = lambda request: Reset(apply=EVERYTHING)
    world.sync()
    world.extra = f'{GUARD_FROM_TWO}\n[[audiences]]\nname = "{VIP}"'
    assert world.believed() == truth(members(4) + stay)

    world.receiver.script = None
    world.warehouse.replace(stay)  # nobody has a row in the state, yet everybody believes
    result = world.sync()

    assert_held(result)
    assert world.held() == removals(members(4))
    assert world.in_doubt() == {contact for contact, _ in truth(members(4))}
    audit = world.verify()
    assert (audit.differences, audit.destinations[0].listed) == (0, {"held": 4})
    world.approve(result.report.run_id)
    assert sync.exit_code(world.sync()) == 0
    assert (world.believed(), world.in_doubt()) == (truth(stay), set())


@pytest.mark.not_audited("its members are written into the state, and were never told")
def test_thousands_of_held_changes_cost_two_statements(world_in_one_database: World) -> None:
    """9,000 members, of whom 6,000 leave: held by sets, and not written again by the next run."""
    world = world_in_one_database
    world.extra = f'[[audiences]]\nname = "{VIP}"'
    world.warehouse.replace([(VIP, "u1", "c1@x.io")])
    world.sync()
    with psycopg.connect(world.state_url, autocommit=True, options="-c search_path=syncer,public") as connection:
        connection.execute(
            "INSERT INTO synced_member (destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact,"
            " user_id) SELECT destination_id, audience_id, 1, 1, now(), 'c' || n || '@x.io', 'u' || n"
            " FROM synced_member, generate_series(2, 9000) AS n"
        )
        connection.execute(
            "INSERT INTO members SELECT %s, 'u' || n, 'c' || n || '@x.io' FROM generate_series(2, 3000) AS n", [VIP]
        )
        connection.execute("ANALYZE")
    began = time.monotonic()

    assert_held(world.sync())

    assert time.monotonic() - began < 10
    written = "SELECT count(*), count(DISTINCT xmin::text), max(xmin::text), max(since_run_id) FROM held_change"
    before = world.query(written)
    assert before[0][:2] == (6_000, 1)
    assert_held(world.sync())
    assert world.query(written) == before
    assert world.approve(2) == 6_000
    assert world.preview().destinations[0].planned == 6_000
    assert len(world.receiver.requests) == 1


def test_a_run_beside_a_held_audience_a_parked_contact_and_a_skipped_member_writes_only_its_own_rows(
    world_in_one_database: World,
) -> None:
    world = world_in_one_database
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace([*members(9), *members(9, CHURN)])
    world.sync()
    parked = "u0009@x.io"
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"not this one"}')
        if parked in {event["traits"]["email"] for event in request.events}
        else None
    )
    world.warehouse.replace([*members(10), *members(9, CHURN)])
    world.sync()
    with world.state() as connection:
        connection.execute("UPDATE refused_contact SET next_try_run_id = NULL")
    world.warehouse.replace([*members(10), *members(3, CHURN), (VIP, "u9999", None)])
    assert_held(world.sync())
    before, requests = written_rows(world), len(world.receiver.requests)
    assert [len(before[table]) for table in ("held_change", "refused_contact", "skipped_member")] == [6, 1, 1]

    assert_held(world.sync())

    assert written_rows(world) == before
    assert len(world.receiver.requests) == requests


def written_rows(world: World) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table but those of runs themselves, with the transaction that wrote it."""
    own = ("run", "run_audience", "run_destination", "run_count", "leader")
    tables = world.query(
        "SELECT tablename FROM pg_tables"
        r" WHERE schemaname = 'syncer' AND regexp_replace(tablename, '_\d{10}$', '') <> ALL (%s)",
        [list(own)],
    )
    return {table: world.query(f"SELECT xmin::text, t::text FROM {table} AS t ORDER BY 2") for (table,) in tables}


@pytest.mark.parametrize(
    ("identity", "contacts"), [("email", {"u0001@x.io", "u0002@x.io"}), ("user_id", {"u0001", "u0002"})]
)
def test_what_is_held_is_listed_with_the_address(world: World, identity: str, contacts: set[str]) -> None:
    world.extra = GUARD_FROM_TWO
    world.destination_extra += f'\nidentity = "{identity}"'
    world.warehouse.replace([*members(3), *members(3, CHURN)])
    world.sync()
    world.warehouse.replace([*members(2), *members(1, CHURN)])
    world.sync()

    for view, where in (("held_changes", ""), ("sync_changelog", "WHERE status = 'held'")):
        listed = world.query(f"SELECT contact, email FROM {view} {where}")
        assert {contact for contact, _ in listed} == contacts, view
        assert {email for _, email in listed} == {"u0001@x.io", "u0002@x.io"}, view
