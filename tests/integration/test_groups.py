"""What is kept of groups of users is right, or it is not there: never is less compared than what can differ."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.planning import checksums, moved, writing
from syncer.planning.moved import Anywhere, Moved
from tests.forgetting import forget
from tests.integration.lives.grouped import Grouped
from tests.integration.lives.twice import Different
from tests.world import Row, World, truth

pytestmark = [
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("sums and states are spoiled on purpose"),
]

A, B = "VIP Buyers", "Churn Risk"
MANY: list[Row] = [(name, f"u{n}", f"u{n}@x.io") for name in (A, B) for n in range(40)]
OTHERS = [row for row in MANY if row != (A, "u7", "u7@x.io")]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of two users, of which some are read however many moved, and sums that are left whatever changed."""
    monkeypatch.setattr(checksums, "MEMBERS", 2)
    monkeypatch.setattr(checksums, "COARSE", 2)
    monkeypatch.setattr(checksums, "UNDIVIDED", 1)
    monkeypatch.setattr(checksums, "PART", 1)
    monkeypatch.setattr(checksums, "worthwhile", lambda *_: True)
    monkeypatch.setattr(moved, "_LITTLE", 1)


@pytest.fixture
def kept(world: World) -> World:
    """A world of which the last plan left all sums."""
    return learn(world, MANY)


def learn(world: World, rows: list[Row]) -> World:
    world.warehouse.replace(rows)
    for _ in range(3):
        world.sync()
    assert all_kept(world)
    return world


def all_kept(world: World) -> bool:
    return bool(world.query("SELECT count(*) > 0 AND bool_and(fingerprint IS NOT NULL) FROM member_sum") == [(True,)])


# --- every plan is a plan of everything --------------------------------------------------------------------------

NAMES = st.sampled_from([A, B, " ", "", None])
USERS = st.sampled_from(["u1", "U1", " u1", "u2", "u3", "u4", "ü", "x" * 600, "", " ", None])
EMAILS = st.sampled_from(["a@x.io", "A@X.io", " a@x.io", "a@x.io\xa0", "b@x.io", "c@x.io", "Ö@x.io", "bad", "", None])
ROWS = st.lists(st.tuples(NAMES, USERS, EMAILS), max_size=8)


@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_any_rows_after_any_others_are_compared_as_if_all_were(
    world_in_one_database: World, monkeypatch: pytest.MonkeyPatch, identity: str
) -> None:
    world = world_in_one_database
    world.destination_extra += f'\nidentity = "{identity}"'
    grouped = Grouped(monkeypatch)
    learn(world, MANY)

    @given(ROWS, st.lists(st.integers(0, len(MANY) - 1), max_size=3))
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def differ(rows: list[Row], gone: list[int]) -> None:
        stay = [row for place, row in enumerate(MANY) if place not in gone]
        world.warehouse.replace([*stay, *rows])
        world.sync()

    differ()
    assert grouped.moved >= {"email": 10, "user_id": 3}[identity]  # a new profile has its audiences compared whole


def test_a_spelling_that_means_the_same_is_told_nobody(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Grouped(monkeypatch)
    told = kept.receiver.event_count
    kept.warehouse.replace([(A, "u7", " U7@X.io"), *OTHERS])
    kept.sync()
    assert kept.receiver.event_count == told
    assert not all_kept(kept) or kept.query("SELECT count(*) FROM skipped_members") == [(0,)]


def test_audiences_that_all_grew_out_of_their_groups_get_others(world: World) -> None:
    world.warehouse.replace(MANY)
    world.sync()
    learn(world, [(name, f"u{n}", f"u{n}@x.io") for name in (A, B) for n in range(300)])
    assert world.query("SELECT DISTINCT cardinality(sums) FROM member_sum") == [(128,)]


# --- a sum that is wrong, old or missing -------------------------------------------------------------------------

SPOILT = [
    "DELETE FROM member_sum",
    "UPDATE member_sum SET reading = 'other'",
    "UPDATE member_sum SET hashing = hashing + 1",
    "UPDATE member_sum SET fingerprint = '80 1'",
    "UPDATE member_sum SET fingerprint = NULL, sums = array_fill(NULL::bigint, ARRAY[cardinality(sums)])",
    "UPDATE member_sum SET fingerprint = NULL, sums = array_fill(7::bigint, ARRAY[cardinality(sums)])",
    "UPDATE member_sum SET fingerprint = NULL, sums = sums || 0::bigint",
    "UPDATE member_sum SET fingerprint = NULL, sums = '{}'",
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_with_a_wrong_sum_no_difference_is_missed(kept: World, monkeypatch: pytest.MonkeyPatch, spoil: str) -> None:
    with kept.state() as connection:
        connection.execute(spoil)
    Grouped(monkeypatch)
    kept.warehouse.replace(OTHERS)
    kept.sync()
    assert kept.believed() == truth(OTHERS)


@pytest.mark.parametrize("otherwise", ["hashing = hashing + 1", "reading = 'other'"])
def test_what_was_added_up_in_another_way_says_nothing(kept: World, otherwise: str) -> None:
    """It may happen to be what the rows add up to now."""
    learn(kept, OTHERS)
    sums = kept.query("SELECT fingerprint, sums, audience_id FROM member_sum")
    learn(kept, MANY)
    with kept.state() as connection:
        for each in sums:
            connection.execute("UPDATE member_sum SET fingerprint = %s, sums = %s WHERE audience_id = %s", each)
        connection.execute(f"UPDATE member_sum SET {otherwise}")
    kept.warehouse.replace(OTHERS)
    kept.sync()
    assert kept.believed() == truth(OTHERS)


def test_sums_are_kept_with_the_plan_that_found_them_or_not_at_all(
    kept: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.query("SELECT * FROM member_sum ORDER BY audience_id")
    kept.warehouse.replace(OTHERS)
    with monkeypatch.context() as patched:
        patched.setattr(writing, "_write_run", lambda *_: 1 / 0)
        assert kept.sync().failures
    assert kept.query("SELECT * FROM member_sum ORDER BY audience_id") == before

    Grouped(monkeypatch)
    kept.sync()
    assert kept.query("SELECT count(*) FROM synced_member") == [(len(OTHERS),)]


def test_a_plan_drops_the_sums_of_what_it_is_not_about(kept: World) -> None:
    kept.sync(audiences=[A])
    assert kept.query("SELECT name FROM member_sum JOIN audience USING (audience_id)") == [(A,)]


@pytest.mark.fresh_sessions
def test_a_state_that_is_older_has_the_sums_of_its_own_plans(
    kept: World, new_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = new_database(str(psycopg.conninfo.conninfo_to_dict(kept.state_url)["dbname"]))
    kept.warehouse.replace(OTHERS)
    for _ in range(3):
        kept.sync()
    kept.state_url = old
    Grouped(monkeypatch)
    kept.sync()
    assert kept.query("SELECT count(*) FROM synced_member") == [(len(OTHERS),)]


def test_where_nothing_is_known_any_more_no_older_sum_stays(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An initial sync that goes on may leave sums, and then find so much that it leaves none."""
    kept.warehouse.replace(OTHERS)
    kept.sync()
    monkeypatch.setattr(checksums, "worthwhile", lambda *_: False)
    monkeypatch.setattr(checksums.Memory, "is_first", lambda _: True)
    kept.warehouse.replace([row for row in OTHERS if row[1] != "u9"])
    kept.sync()

    kept.warehouse.replace(OTHERS)
    kept.sync()

    assert kept.believed() == truth(OTHERS)


def test_what_was_reviewed_as_a_whole_is_planned_by_groups(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.warehouse.replace(OTHERS)
    file = str(tmp_path / "plan.json")
    assert kept.command("plan", "--out", file).returncode == 0
    grouped = Grouped(monkeypatch)
    assert kept.command("sync", "--plan", file).returncode == 0
    assert (grouped.moved, kept.believed()) == (1, truth(OTHERS))


def test_an_audience_under_another_name_is_the_same(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grouped = Grouped(monkeypatch)
    told = kept.receiver.event_count
    kept.warehouse.replace([("VIP buyers" if name == A else name, user, email) for name, user, email in OTHERS])
    kept.sync()
    assert (grouped.in_part, kept.receiver.event_count - told) == (1, 1)


def test_nothing_is_kept_of_anybody_once_somebody_is_forgotten(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(kept, "u7@x.io")
    known = "SELECT count(*) FROM member_sum WHERE fingerprint IS NOT NULL OR array_remove(sums, NULL) <> '{}'"
    assert kept.query(known) == [(0,)]
    Grouped(monkeypatch)
    for _ in range(3):
        kept.sync()
    assert kept.query("SELECT sum(cardinality(array_positions(sums, NULL))) FROM member_sum") == [(2,)]


# --- broken on purpose -------------------------------------------------------------------------------------------


def what_differs_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of groups of which something differs are left like those of the others."""
    monkeypatch.setattr(checksums.Memory, "_note_changes", lambda *_: {})


def sums_of_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier plan left stays."""
    monkeypatch.setattr(checksums, "keep", lambda *_: None)


def groups_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are added up in the group beside that of the same row of the state."""
    real = psycopg.Cursor.execute

    def beside(cursor: Any, query: Any, *more: Any, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(cursor)
        if "syncer:add_up_groups " in text:
            query = text.replace("(hashed.user_hash &", "(hashed.user_hash + 1 &")
            assert query != text
        return real(cursor, query, *more, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", beside)


def groups_of_one_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are asked for the groups that moved in one audience, whatever theirs is."""
    real = Anywhere.of

    def of(parts: list[Moved | None]) -> Anywhere:
        return real(sorted((part for part in parts if part), key=lambda part: len(part.moved))[:1])

    monkeypatch.setattr(Anywhere, "of", of)


def counted_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audiences of as many rows are the same."""
    monkeypatch.setattr(checksums, "_fingerprint", lambda rows, _total: f"{rows}")


def somebody_is_skipped(world: World) -> None:
    world.warehouse.replace([*MANY, (A, "mute", None)])
    world.sync()


def somebody_moved_before(world: World) -> None:
    world.warehouse.replace([(A, "u7", "new@x.io"), *OTHERS])
    world.sync()
    world.warehouse.replace(MANY)


def somebody_takes_the_place_of_another(world: World) -> None:
    world.warehouse.replace([(A, "u99", "u99@x.io"), *OTHERS])


def somebody_has_another_address(world: World) -> None:
    world.warehouse.replace([(A, "u7", "new@x.io"), *OTHERS])


def some_have_another_address_in_the_second(world: World) -> None:
    moved_there = {(B, f"u{n}") for n in range(10, 16)}
    world.warehouse.replace([(*row[:2], "new@x.io") if row[:2] in moved_there else row for row in OTHERS])


def told_and_synced(world: World, story: Callable[[World], None]) -> None:
    story(world)
    world.sync()


@pytest.mark.parametrize(
    ("broken", "story"),
    [
        (what_differs_is_kept, somebody_is_skipped),
        (sums_of_another_run, somebody_moved_before),
        (groups_of_others, somebody_has_another_address),
        (groups_of_one_audience, some_have_another_address_in_the_second),
        (counted_rows, somebody_takes_the_place_of_another),
    ],
)
def test_what_is_broken_is_seen(
    kept: World, monkeypatch: pytest.MonkeyPatch, broken: Callable[[Any], None], story: Callable[[World], None]
) -> None:
    Grouped(monkeypatch)
    with monkeypatch.context() as patched:
        broken(patched)
        if broken is groups_of_others:
            kept.query("WITH gone AS (DELETE FROM member_sum RETURNING 1) SELECT count(*) FROM gone")
        for _ in range(2):
            kept.sync()
        with pytest.raises(Different):
            told_and_synced(kept, story)


@pytest.mark.parametrize(
    "story",
    [
        somebody_is_skipped,
        somebody_moved_before,
        somebody_has_another_address,
        some_have_another_address_in_the_second,
    ],
)
def test_what_is_not_broken_is_not(
    kept: World, monkeypatch: pytest.MonkeyPatch, story: Callable[[World], None]
) -> None:
    Grouped(monkeypatch)
    told_and_synced(kept, story)
