"""How many users and contacts a run reports, and when it counts them in the snapshot."""

import re
from typing import Any

import psycopg
import pytest

from syncer.planning import counts
from syncer.receivers.loopback import Answer
from syncer.sync import Result
from tests.forgetting import forget
from tests.world import Row, World

VIP, CHURN = "VIP Buyers", "Churn Risk"
ROWS: list[Row] = [
    *((VIP, f"u{n}", f"u{n}@x.io") for n in range(30)),
    *((CHURN, f"u{n}", f"U{n}@X.io ") for n in range(20, 40)),
    (VIP, "u0", "second@x.io"),  # a user with two addresses
    (VIP, "twin", "u1@x.io"),  # an address with two users
    (VIP, "u2", "u2@x.io"),  # a row that is there twice
    (VIP, "mute", None),
    (VIP, None, "nobody@x.io"),
    (None, "stray", "stray@x.io"),
    (" ", "blank", "blank@x.io"),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that count the snapshot or the state, as they are run."""
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def watched(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(cursor)
        seen.extend(re.findall(r"syncer:(count_members|count_contacts|begin_counts) ", text))
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", watched)
    return seen


def reported(world: World, result: Result) -> tuple[dict[str, int | None], int]:
    """What the run reports: users by audience, contacts."""
    with world.state() as connection:
        row = connection.execute("SELECT contacts FROM sync_runs WHERE run_id = %s", [result.report.run_id]).fetchone()
    assert row
    return {audience.name: audience.members for audience in result.report.audiences}, row[0]


def counted(rows: list[Row]) -> tuple[dict[str, int], int]:
    """What a run about these rows should report."""
    users = {(name, user) for name, user, _ in rows if user is not None}
    contacts = {(email or "").strip().lower() for _, _, email in rows} - {""}
    return {name: sum(there == name for there, _ in users) for name in (VIP, CHURN)}, len(contacts)


def changed(rows: list[Row]) -> list[Row]:
    """The rows after a change of each kind: someone leaves, enters, moves, gets an address, loses one of two rows."""
    gone = [(VIP, "u5", "u5@x.io"), (VIP, "u0", "second@x.io"), (VIP, "twin", "u1@x.io"), (VIP, "mute", None)]
    rows = [row for row in rows if row not in gone and row[1] != "u7"]
    return [*rows, (CHURN, "u1", "u1@x.io"), (VIP, "mute", "mute@x.io"), (VIP, "u7", "other@x.io"), (VIP, "u3", None)]


def test_the_snapshot_is_counted_once_and_later_runs_count_only_differences(world: World, asked: list[str]) -> None:
    world.warehouse.replace(ROWS)
    assert reported(world, world.sync()) == counted(ROWS)
    assert sorted(asked) == ["begin_counts", "count_contacts", "count_members"]

    rows = ROWS
    for rows in (ROWS, changed(ROWS), changed(ROWS), ROWS):
        asked.clear()
        world.warehouse.replace(rows)
        assert reported(world, world.sync()) == counted(rows)
        assert asked == []


def test_the_kept_counts_are_those_of_the_state(world: World) -> None:
    def sound(rows: list[Row]) -> list[Row]:
        return [(name, user, email) for name, user, email in rows if name and name.strip() and user and email]

    refusing: set[str] = set()
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"not this one"}')
        if refusing & {event["traits"]["email"] for event in request.events}
        else None
    )
    # Of the last run but one not all is accepted, and in the last one a refused contact still waits.
    for rows, refused in ((ROWS, ""), (changed(ROWS), ""), (ROWS, ""), (changed(ROWS), "u5@x.io"), (ROWS, "u5@x.io")):
        refusing.clear()
        refusing.add(refused)
        world.warehouse.replace(sound(rows))
        assert reported(world, world.sync()) == counted(sound(rows))
        with world.state() as connection:
            (kept,) = connection.execute(
                """
                SELECT (SELECT contacts FROM contact_count) AS contacts_kept,
                    (SELECT array_agg(users ORDER BY audience_id) FROM user_count) AS users_kept,
                    count(DISTINCT m.contact) AS contacts,
                    (
                        SELECT array_agg(there.users ORDER BY there.audience_id)
                        FROM (
                            SELECT audience_id, count(DISTINCT user_id) AS users FROM synced_member GROUP BY audience_id
                        ) AS there
                    ) AS users
                FROM synced_member AS m
                """
            ).fetchall()
        assert kept[:2] == kept[2:]


def test_where_contacts_are_users_the_kept_count_is_of_users(world: World) -> None:
    world.destination_extra += '\nidentity = "user_id"'
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")])
    world.sync()

    assert world.query("SELECT contacts FROM contact_count") == [(2,)]


def test_a_preview_reports_the_same(world: World, asked: list[str]) -> None:
    world.warehouse.replace(ROWS)
    world.sync()
    world.warehouse.replace(changed(ROWS))
    asked.clear()

    report = world.preview()

    assert {audience.name: audience.members for audience in report.audiences} == counted(changed(ROWS))[0]
    assert asked == []


def test_many_differences_make_a_run_count_in_the_snapshot(
    world: World, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "_FEW", 5)
    world.warehouse.replace(ROWS[:10])
    world.sync()
    asked.clear()
    world.warehouse.replace(ROWS)

    assert reported(world, world.sync()) == counted(ROWS)
    assert sorted(asked) == ["count_contacts", "count_members"]


def test_a_run_counts_in_the_snapshot_after_forgetting(world: World, asked: list[str]) -> None:
    world.warehouse.replace(ROWS)
    world.sync()
    forget(world, "u9@x.io", "u1@x.io")
    asked.clear()

    assert reported(world, world.sync()) == counted(ROWS)
    assert sorted(asked) == ["begin_counts", "count_contacts", "count_members"]
    asked.clear()
    rows = [row for row in changed(ROWS) if row[1] != "u9"]
    world.warehouse.replace(rows)
    assert reported(world, world.sync()) == counted(rows)
    assert asked == []


def test_audiences_that_were_not_compared_are_counted_in_the_snapshot(world: World, asked: list[str]) -> None:
    world.warehouse.replace(ROWS)
    world.sync()
    world.warehouse.replace(changed(ROWS))

    asked.clear()
    members, contacts = reported(world, world.sync(audiences=[VIP]))
    assert (members, contacts) == ({VIP: counted(changed(ROWS))[0][VIP]}, counted(changed(ROWS))[1])
    assert asked == ["count_contacts"]  # those of other audiences are contacts too

    world.destination_extra = 'rollout = 0.5\ncontacts = ["u1@x.io"]'
    asked.clear()
    assert reported(world, world.sync()) == counted(changed(ROWS))
    assert sorted(asked) == ["count_contacts", "count_members"]


def test_contacts_of_a_trait_that_is_no_longer_configured_are_not_counted(world: World, asked: list[str]) -> None:
    world.warehouse.replace(ROWS)
    world.warehouse.run("CREATE TABLE ltv AS SELECT 'u99' AS user_id, 'u99@x.io' AS email, 5 AS value")
    world.extra = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"'
    world.sync()
    world.extra = ""
    asked.clear()

    assert reported(world, world.sync()) == counted(ROWS)
    assert asked == ["count_contacts"]


def test_a_refused_contact_is_counted_as_the_snapshot_has_it(world: World, asked: list[str]) -> None:
    world.warehouse.replace(ROWS)
    world.sync()
    refusing = "u1@x.io"
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"not this one"}')
        if refusing in {event["traits"]["email"] for event in request.events}
        else None
    )
    for rows in (changed(ROWS), ROWS, changed(ROWS)):
        world.warehouse.replace(rows)
        asked.clear()
        assert reported(world, world.sync()) == counted(rows)
        assert asked == []
