"""Audiences whose rows have not changed are not compared, and whatever changed or is due is."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from syncer.planning import checksums, targets
from syncer.receivers.loopback import Answer
from syncer.state import execute
from tests.forgetting import forget
from tests.world import SAME_HASH, Row, World, told, truth

pytestmark = pytest.mark.usefixtures("unguarded")

VIP, CHURN, QUARTER = NAMES = ("VIP Buyers", "Churn Risk", "Q4")
ALL = set(NAMES)
ROWS: list[Row] = [(name, f"u{n}", f"u{n}@x.io") for name in NAMES for n in range(10)]


@dataclass
class Watched:
    """What the last runs did: which audiences each compared (None: it read neither side), and how many added up.
    `in_part`: of which the last one that did so read only some groups of users."""

    compared: list[set[str] | None] = field(default_factory=list)
    in_part: set[str] = field(default_factory=set)
    added_up: int = 0

    def next(self) -> "set[str] | None":
        """The audiences that the one run since the last call compared."""
        [found] = self.compared
        self.compared.clear()
        return found


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    seen = Watched()
    execute = psycopg.Cursor.execute

    def watching(cursor: Any, query: Any, parameters: Any = None, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(cursor)
        if "syncer:diff_members " in text:
            seen.compared.append(set(parameters["names"]) if parameters["anything"] else None)
            parts = zip(parameters["names"], parameters["moved"], strict=True)
            seen.in_part = {name for name, moved in parts if moved is not None} or seen.in_part
        seen.added_up += "syncer:add_up_" in text
        return execute(cursor, query, parameters, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", watching)
    monkeypatch.setattr(checksums, "_JOINS_IN_PARALLEL", 99_00_00)  # groups of hardly a hundred are left everywhere
    return seen


@pytest.fixture(params=["staged", "in place"])
def anywhere(request: pytest.FixtureRequest) -> World:
    """A warehouse whose rows are staged, and one that is read where it is."""
    found: World = request.getfixturevalue("world" if request.param == "staged" else "world_in_one_database")
    return found


def after(world: World, watched: Watched, rows: list[Row]) -> set[str] | None:
    """Syncs these rows, checks that the destination believes them, and returns the audiences that were compared."""
    world.warehouse.replace(rows)
    world.sync()
    assert world.believed() == truth(rows)
    assert world.verify().differences == 0
    watched.compared.pop()  # verify compares everything
    return watched.next()


@pytest.fixture
def settled(world: World, watched: Watched) -> World:
    """A world in which the last run left a fingerprint of every audience."""
    return settle(world, watched)


def settle(world: World, watched: Watched) -> World:
    assert [after(world, watched, ROWS) for _ in range(2)] == [ALL, ALL]
    return world


def test_only_audiences_that_changed_are_compared(anywhere: World, watched: Watched) -> None:
    settle(anywhere, watched)
    assert after(anywhere, watched, ROWS) is None

    changed = [*ROWS[1:], (CHURN, "new", "new@x.io")]
    assert after(anywhere, watched, changed) == {VIP, CHURN}
    planned = anywhere.query(
        "SELECT audience, num_planned_add, num_planned_remove, members FROM sync_run_counts"
        " WHERE run_id = (SELECT max(run_id) FROM sync_runs) ORDER BY 1"
    )
    assert planned == [(CHURN, 1, 0, 11), (QUARTER, 0, 0, 10), (VIP, 0, 1, 9)]


@pytest.mark.parametrize(
    ("before", "now", "calls"),
    [
        pytest.param(
            [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")],
            [(VIP, "u1", "b@x.io"), (VIP, "u2", "a@x.io")],
            0,
            id="two users swap their emails",
        ),
        pytest.param([(VIP, "u1", "a@x.io")] * 2, [(VIP, "u2", "b@x.io")] * 2, 2, id="rows that are there twice"),
        pytest.param([(VIP, "ab", "c@x.io")], [(VIP, "a", "bc@x.io")], 2, id="a letter on the other side"),
        pytest.param([(VIP, "u1", "a@x.io")], [(VIP, "u1", "A@x.io")], 0, id="written in another way"),
    ],
)
def test_every_change_is_noticed(
    world: World, watched: Watched, before: list[Row], now: list[Row], calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "worthwhile", lambda *_: True)
    others = [row for row in ROWS if row[0] != VIP]
    for _ in range(2):
        after(world, watched, [*before, *others])
    sent = len(world.receiver.events)

    assert VIP in (after(world, watched, [*now, *others]) or ())

    assert len(world.receiver.events) - sent == calls
    users = {(contact, user) for contact, user in world.query("SELECT contact, user_id FROM synced_member")}
    assert {(str(email).lower(), user) for _, user, email in now if user and email} <= users


def test_nobody_can_choose_an_address_that_adds_up_to_the_same(settled: World, watched: Watched) -> None:
    one, other = SAME_HASH
    hashes = "SELECT count(DISTINCT hashtextextended(name, hashtextextended('u7', 0))) FROM unnest(%s::text[]) AS name"
    assert settled.query(hashes, [[one, other]]) == [(1,)]
    others = [row for row in ROWS if row[1] != "u7"]
    for email in (one, one, other):
        after(settled, watched, [*others, (VIP, "u7", email)])


def test_rows_that_differ_add_up_to_something_else(world: World) -> None:
    one, two = (VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")
    kinds: list[list[Row]] = [
        [one, two],
        [(VIP, "u1", "b@x.io"), (VIP, "u2", "a@x.io")],
        [one, one],
        [two, two],
        [(VIP, None, ""), two],
        [(VIP, "", None), two],
        [(VIP, None, None), two],
        [(VIP, "", ""), two],
        [(VIP, "u", "1a@x.io"), two],
    ]
    totals = []
    for rows in kinds:
        members = SQL("(SELECT *, false AS unsendable FROM (VALUES {}) AS m (audience, user_id, email))").format(
            SQL(", ").join(SQL("({}, {}, {})").format(*row) for row in rows)
        )
        with world.state() as connection, connection.transaction():
            execute(connection, "add_up_groups", {"key": 7, "only": None}, source=members, groups=SQL("1"))
            [(audience, count, total, places, sums)] = connection.execute("SELECT * FROM group_sum").fetchall()
            assert execute(connection, "add_up_audiences", {"key": 7}, source=members).fetchall() == [(VIP, 2, total)]
        assert (audience, count, places, sums) == (VIP, 2, [0], [int(total % (2**63 - 1))])
        totals.append(total)
    assert len(set(totals)) == len(kinds)


def test_nothing_is_added_up_where_most_audiences_changed_last_time(world: World, watched: Watched) -> None:
    after(world, watched, ROWS)
    for number in range(3):
        rows = [*ROWS, *((name, f"new{number}", f"new{number}@x.io") for name in (VIP, CHURN))]
        assert after(world, watched, rows) == ALL
    assert watched.added_up == 1  # after the first sync: it could have been the last that changed much

    assert after(world, watched, rows) == ALL
    assert watched.added_up == 2  # after the comparison, because most did not change
    assert after(world, watched, rows[:-1]) == {CHURN}
    assert watched.added_up == 3


# --- groups of users ---------------------------------------------------------------------------------------------

MANY: list[Row] = [(name, f"u{n}", f"u{n}@x.io") for name in NAMES for n in range(600)]


@pytest.fixture
def grouped(anywhere: World, watched: Watched) -> World:
    """A world with audiences of several groups, of which the last run left the sums."""
    assert [after(anywhere, watched, MANY) for _ in range(2)] == [ALL, ALL]
    assert anywhere.query("SELECT DISTINCT cardinality(sums), fingerprint IS NULL FROM member_sum") == [(8, False)]
    return anywhere


def test_a_first_sync_adds_up_nothing_and_the_run_after_it_everything_once(anywhere: World, watched: Watched) -> None:
    after(anywhere, watched, MANY)
    assert watched.added_up == 0
    known = "SELECT DISTINCT fingerprint, cardinality(sums), cardinality(array_remove(sums, NULL)) FROM member_sum"
    assert anywhere.query(known) == [(None, 8, 0)]

    assert after(anywhere, watched, MANY) == ALL
    assert watched.added_up == 1
    assert after(anywhere, watched, MANY[1:]) == {VIP}
    assert watched.in_part == {VIP}
    assert watched.added_up == 2  # by group at once: each is a good share of all


EIGHT: list[Row] = [(f"Audience {place}", f"u{n}", f"u{n}@x.io") for place in range(8) for n in range(100)]


def without(user: str, audiences: int) -> list[Row]:
    """These rows without this user in the first audiences."""
    gone = {f"Audience {place}" for place in range(audiences)}
    return [row for row in EIGHT if row[1] != user or row[0] not in gone]


def how_divided(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT cardinality(sums), count(*) FROM member_sum GROUP BY 1 ORDER BY 1")


def test_an_audience_that_is_little_of_all_is_compared_whole(world: World, watched: Watched) -> None:
    for _ in range(2):
        after(world, watched, EIGHT)
    assert after(world, watched, without("u7", 1)) == {"Audience 0"}
    assert (watched.in_part, watched.added_up) == (set(), 2)  # in the second run and in the third, by audience
    assert how_divided(world) == [(0, 7)]


def test_audiences_are_added_up_by_group_once_a_little_of_many_changed(world: World, watched: Watched) -> None:
    for _ in range(2):
        after(world, watched, EIGHT)
    changed = {f"Audience {place}" for place in range(4)}
    assert after(world, watched, without("u7", 4)) == changed
    assert watched.in_part == set()
    assert how_divided(world) == [(0, 4), (8, 4)]

    added_up = watched.added_up
    assert after(world, watched, without("u8", 4)) == changed
    assert (watched.in_part, watched.added_up) == (changed, added_up + 1)


def test_of_a_small_audience_only_the_total_is_kept(settled: World, watched: Watched) -> None:
    assert settled.query("SELECT DISTINCT cardinality(sums), fingerprint IS NULL FROM member_sum") == [(0, False)]
    assert after(settled, watched, ROWS[1:]) == {VIP}
    assert settled.query("SELECT name FROM member_sum JOIN audience USING (audience_id) ORDER BY 1") == [
        (CHURN,),
        (QUARTER,),
    ]
    assert [after(settled, watched, ROWS[1:]) for _ in range(2)] == [{VIP}, None]


def sums(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT xmin::text, fingerprint, sums FROM member_sum ORDER BY audience_id")


def test_only_groups_of_users_that_changed_are_read(grouped: World, watched: Watched) -> None:
    unchanged = sums(grouped)
    assert after(grouped, watched, MANY) is None
    assert sums(grouped) == unchanged  # nothing was written again

    changed = [*MANY[1:], (CHURN, "new", "new@x.io")]
    assert after(grouped, watched, changed) == {VIP, CHURN}
    assert watched.in_part == {VIP, CHURN}
    # What was found is compared once more, in case not all of it was accepted.
    assert [after(grouped, watched, changed) for _ in range(2)] == [{VIP, CHURN}, None]


def test_a_group_of_which_anything_is_left_is_compared_again_and_no_other(grouped: World, watched: Watched) -> None:
    rows: list[Row] = [*MANY, (VIP, "mute", None)]
    for _ in range(3):
        watched.in_part = set()
        assert after(grouped, watched, rows) == {VIP}
        assert watched.in_part == {VIP}
        assert grouped.query("SELECT sum(cardinality(array_positions(sums, NULL))) FROM member_sum") == [(1,)]
    assert [after(grouped, watched, MANY) for _ in range(2)] == [{VIP}, None]


def test_what_was_refused_is_compared_again_and_no_other_group(grouped: World, watched: Watched) -> None:
    grouped.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"no"}')
        if "refused@x.io" in {event["traits"]["email"] for event in request.events}
        else None
    )
    rows: list[Row] = [*MANY, (VIP, "refused", "refused@x.io"), (CHURN, "new", "new@x.io")]
    grouped.warehouse.replace(rows)
    grouped.sync()
    assert watched.next() == {VIP, CHURN}

    grouped.receiver.script = lambda _: None
    grouped.sync()
    assert watched.next() == {VIP, CHURN}
    assert watched.in_part == {VIP, CHURN}
    assert [after(grouped, watched, rows) for _ in range(2)] == [{VIP}, None]


def test_an_audience_that_grew_out_of_its_groups_gets_others(world: World, watched: Watched) -> None:
    for _ in range(2):
        after(world, watched, [*ROWS, *MANY[600:]])
    grown = [*MANY[600:], *((VIP, f"v{n}", f"v{n}@x.io") for n in range(600))]
    for _ in range(4):
        after(world, watched, grown)
    assert world.query("SELECT DISTINCT cardinality(sums) FROM member_sum") == [(8,)]
    assert after(world, watched, grown) is None


def test_rows_that_name_no_audience_are_read_all_the_same(world: World, watched: Watched) -> None:
    nameless: list[Row] = [(None, "stray", "stray@x.io"), (" ", "blank", "blank@x.io")]
    for compared in (ALL, ALL, set(), set()):
        world.warehouse.replace([*ROWS, *nameless])
        [destination] = world.sync().report.destinations
        assert watched.next() == compared
        assert destination.skipped == {"no_audience": 2}

    assert after(world, watched, ROWS) is None
    assert world.query("SELECT count(*) FROM skipped_members") == [(0,)]


def test_skipped_and_refused_members_are_compared_and_reported_in_every_run(world: World, watched: Watched) -> None:
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"no"}')
        if "refused@x.io" in {event["traits"]["email"] for event in request.events}
        else None
    )
    world.warehouse.replace([*ROWS, (CHURN, "mute", None), (CHURN, "refused", "refused@x.io")])

    for compared in (ALL, ALL, {CHURN}, {CHURN}):
        world.sync()
        assert watched.next() == compared
        assert world.query("SELECT count(*) FROM skipped_members") == [(1,)]
        assert world.query("SELECT count(*) FROM refused_contacts") == [(1,)]


# --- what is compared although nothing changed -------------------------------------------------------------------


def test_a_full_resync_compares_and_tells_everything(settled: World, watched: Watched) -> None:
    sent = len(settled.receiver.events)

    settled.resync()

    assert watched.next() == ALL
    assert len(settled.receiver.events) - sent == 10
    assert [after(settled, watched, ROWS) for _ in range(2)] == [ALL, None]


def test_a_full_resync_compares_all_groups_also_of_an_audience_that_changed(grouped: World, watched: Watched) -> None:
    before = grouped.receiver.event_count
    grouped.warehouse.replace(MANY[1:])

    grouped.resync()

    assert (watched.next(), watched.in_part) == (ALL, set())
    assert {(contact, value) for contact, key, value in told(grouped, before) if key == "vip_buyers"} == {
        (email, email != "u0@x.io") for name, _, email in MANY if name == VIP
    }


def test_a_full_resync_of_one_audience_compares_only_that(settled: World, watched: Watched) -> None:
    settled.resync(audiences=[VIP])
    assert watched.next() == {VIP}
    assert after(settled, watched, ROWS) == ALL  # the last run says nothing about the others


def test_other_settings_and_another_version_compare_everything(
    settled: World, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.destination_extra += '\ncontacts = ["u1@x.io"]'
    settled.sync()
    assert watched.next() == ALL

    settled.destination_extra = "max_events_per_second = 0"
    assert [after(settled, watched, ROWS) for _ in range(2)] == [ALL, None]

    monkeypatch.setattr(targets, "__version__", "9.9.9")
    assert [after(settled, watched, ROWS) for _ in range(2)] == [ALL, None]


def test_everything_is_compared_after_forgetting(settled: World, watched: Watched) -> None:
    forget(settled, "u1@x.io")

    settled.sync()

    assert watched.next() == ALL
    assert settled.query("SELECT reason, count(*) FROM skipped_members GROUP BY 1") == [("forgotten", 3)]


def test_what_a_destination_did_not_take_is_told_by_the_next_run(settled: World, watched: Watched) -> None:
    rows: list[Row] = [*ROWS, (VIP, "new", "new@x.io")]
    settled.receiver.script = lambda _: Answer(503)
    settled.warehouse.replace(rows)
    settled.sync()
    assert watched.next() == {VIP}

    settled.receiver.script = lambda _: None
    assert after(settled, watched, rows) == {VIP}
    assert after(settled, watched, rows) == {VIP}
    assert after(settled, watched, rows) is None


def test_a_preview_compares_everything(settled: World, watched: Watched) -> None:
    settled.preview()
    assert watched.next() == ALL
