"""What becomes of rows: who is a contact, who is skipped, who is told what, and in which order (rules 3 to 11, 13)."""

import re
from collections import Counter
from typing import Any

import pytest

from syncer import control, sync
from syncer.receivers.loopback import EVERYTHING, Delay, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Row, World, members, truth

pytestmark = pytest.mark.usefixtures("unguarded")


def told(world: World, since: int = 0) -> list[tuple[str, str, dict[str, Any]]]:
    """(user id, contact, properties) of every call, in order of arrival."""
    calls = []
    for received in world.receiver.events[since:]:
        traits = dict(received.event["traits"])
        calls.append((received.event["userId"], traits.pop("email"), traits))
    return calls


def after(world: World, *snapshots: list[Row]) -> list[tuple[str, str, dict[str, Any]]]:
    """Syncs the snapshots one after the other and returns the calls of the last."""
    for snapshot in snapshots[:-1]:
        world.warehouse.replace(snapshot)
        world.sync()
    before = len(world.receiver.events)
    world.warehouse.replace(snapshots[-1])
    result = world.sync()
    assert result.report.status == "succeeded", result
    return told(world, before)


CHANGES: list[tuple[list[Row], list[Row], list[Any], str]] = [
    ([], [(VIP, "u1", "a@x.io")], [("u1", "a@x.io", {"vip_buyers": True})], "enters"),
    ([(VIP, "u1", "a@x.io")], [], [("u1", "a@x.io", {"vip_buyers": False})], "leaves"),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u1", "a@x.io")] * 3, [], "repeated"),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u1", " A@X.io\t\u00a0")], [], "written differently"),
    ([(VIP, "u1", "É@x.io")], [(VIP, "u1", "É@X.IO")], [], "only A to Z are lower-cased"),
    (
        [(VIP, "u1", "a@x.io")],
        [(VIP, "u1", "b@x.io")],
        [("u1", "a@x.io", {"vip_buyers": False}), ("u1", "b@x.io", {"vip_buyers": True})],
        "email changes: old contact first",
    ),
    ([(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")], [(VIP, "u2", "a@x.io")], [], "one of two users leaves"),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u2", "a@x.io")], [], "the contact goes to another user"),
    (
        [(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")],
        [],
        [("u1", "a@x.io", {"vip_buyers": False})],
        "both leave: the smallest user id",
    ),
    (
        [],
        [(VIP, "u10", "a@x.io"), (VIP, "u9", "a@x.io")],
        [("u10", "a@x.io", {"vip_buyers": True})],
        "smallest means bytewise",
    ),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u1", None)], [], "the email disappears"),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u1", "not an address")], [], "the email becomes none"),
    ([(VIP, "u1", "a@x.io")], [(VIP, None, "a@x.io")], [], "the user id disappears"),
    ([(VIP, "u1", "a@x.io")], [(None, "u1", "a@x.io")], [], "the audience disappears"),
    (
        [(VIP, "u1", "a@x.io")],
        [(CHURN, "u1", None)],
        [("u1", "a@x.io", {"vip_buyers": False})],
        "skipped elsewhere names nobody here",
    ),
    (
        [(VIP, "u1", "a@x.io")],
        [(VIP, "u1", "b@x.io"), (VIP, "u1", None)],
        [("u1", "a@x.io", {"vip_buyers": False}), ("u1", "b@x.io", {"vip_buyers": True})],
        "a skipped copy beside a new email",
    ),
    (
        [(VIP, "u1", "a@x.io")],
        [("New", "u1", "a@x.io")],
        [("u1", "a@x.io", {"vip_buyers": False, "new": True})],
        "several changes in one call, also of a new audience",
    ),
    (
        [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")],
        [(VIP, "u1", "b@x.io"), (VIP, "u2", "a@x.io")],
        [],
        "two swap their emails",
    ),
    (
        [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")],
        [(VIP, "u1", "b@x.io"), (VIP, "u2", "b@x.io")],
        [("u1", "a@x.io", {"vip_buyers": False}), ("u1", "b@x.io", {"vip_buyers": True})],
        "moves to a contact that has it already: followed by its value",
    ),
    (
        [(VIP, "u1", "a@x.io"), (VIP, "u1", "b@x.io")],
        [(VIP, "u1", "b@x.io")],
        [("u1", "a@x.io", {"vip_buyers": False}), ("u1", "b@x.io", {"vip_buyers": True})],
        "one of two emails of a user goes: the other is told again",
    ),
    (
        [(VIP, "u1", "a@x.io"), (CHURN, "u2", "b@x.io")],
        [(VIP, "u1", "b@x.io")],
        [("u1", "a@x.io", {"vip_buyers": False}), ("u1", "b@x.io", {"vip_buyers": True, "churn_risk": False})],
        "a contact that loses and inherits goes after the old one",
    ),
]
"""What the warehouse said, what it says then, what is told of it, and what is shown by that."""


@pytest.mark.parametrize("kind", ["world", "world_in_one_database"])
def test_a_change_is_told_as_the_contract_says(request: pytest.FixtureRequest, kind: str) -> None:
    """All at once, each with people of its own."""
    world = request.getfixturevalue(kind)
    first = [row for n, case in enumerate(CHANGES) for row in apart(n, case[0])]
    second = [row for n, case in enumerate(CHANGES) for row in apart(n, case[1])]

    calls = after(world, first, second)

    found = {case[3]: [call for call in calls if call[0].startswith(f"{n:02d}.")] for n, case in enumerate(CHANGES)}
    assert found == {
        case[3]: [(f"{n:02d}.{user}", address(n, email), values) for user, email, values in case[2]]
        for n, case in enumerate(CHANGES)
    }
    assert after(world, second) == []


def apart(number: int, rows: list[Row]) -> list[Row]:
    """The rows of a case, whose people are nobody else's."""
    return [
        (audience, None if user is None else f"{number:02d}.{user}", None if email is None else address(number, email))
        for audience, user, email in rows
    ]


def address(number: int, email: str) -> str:
    return re.sub(r"(?i)@(x)\.", rf"@\g<1>{number:02d}.", email)


UNSENDABLE: list[tuple[Row, str]] = [
    ((VIP, "u1", None), "no_email"),
    ((VIP, "u2", " \t\r\n\u00a0"), "no_email"),
    ((VIP, "u3", "nobody"), "invalid_email"),
    ((VIP, "u4", "a@b@c"), "invalid_email"),
    ((VIP, "u5", "a b@x.io"), "invalid_email"),
    ((VIP, "u6", "a" * 250 + "@x.io"), "invalid_email"),
    ((VIP, None, "a7@x.io"), "no_user_id"),
    ((VIP, "", "a8@x.io"), "no_user_id"),
    ((VIP, "u" * 513, "a9@x.io"), "user_id_too_long"),
    ((VIP, "é" * 257, "a10@x.io"), "user_id_too_long"),
    ((VIP, "v" * 10_000, "a11@x.io"), "user_id_too_long"),
    ((None, "u12", "a12@x.io"), "no_audience"),
    (("  ", "u13", "a13@x.io"), "no_audience"),
]


def test_rows_that_cannot_be_sent_are_listed_and_their_neighbour_is_told(world: World) -> None:
    world.warehouse.replace([*(row for row, _ in UNSENDABLE for _ in range(2)), (VIP, "neighbour", "n@x.io")])

    report = world.sync().report

    assert report.status == "succeeded"
    assert report.destinations[0].skipped == Counter(reason for _, reason in UNSENDABLE)
    assert told(world) == [("neighbour", "n@x.io", {"vip_buyers": True})]
    listed = world.query("SELECT reason, coalesce(user_id, ''), coalesce(email, '') FROM skipped_members")
    assert sorted(listed) == sorted((why, (user or "")[:512], email or "") for (_, user, email), why in UNSENDABLE)


ODD: list[Row] = [
    (VIP, "u" * 512, "a1@x.io"),
    (VIP, "  u1 ", "a2@x.io"),
    (VIP, "u3", "a" * 249 + "@x.io"),
    (VIP, "😀'\"\\; DROP TABLE members; --", "o'brien+tag@x.io"),
    (VIP, "%s %(x)s {}", "%41@x.io"),
    (VIP, "\x01\x1f", "ünïcode@exämple.io"),
]


def test_odd_rows_are_sent_as_they_are_and_leave_again(world: World) -> None:
    entered = after(world, ODD)
    left = after(world, [])

    assert sorted(entered) == sorted((str(user), str(email), {"vip_buyers": True}) for _, user, email in ODD)
    assert sorted(left) == sorted((str(user), str(email), {"vip_buyers": False}) for _, user, email in ODD)
    assert world.query("SELECT count(*) FROM synced_member") == [(0,)]


def test_a_skipped_member_goes_out_by_itself_once_it_can(world: World) -> None:
    calls = after(world, [(VIP, "u1", None)], [(VIP, "u1", "a@x.io")])

    assert calls == [("u1", "a@x.io", {"vip_buyers": True})]
    assert world.query("SELECT * FROM skipped_members") == []


def test_more_than_250_properties_of_a_contact_go_out_in_parts(world: World) -> None:
    rows: list[Row] = [(f"Audience {number}", "u1", "a@x.io") for number in range(600)]
    world.warehouse.replace(rows)

    report = world.sync().report

    assert [len(properties) for _, _, properties in told(world)] == [250, 250, 100]
    assert (report.destinations[0].planned, report.calls_saved) == (3, 597)
    assert world.believed() == truth(rows)


def test_long_properties_go_out_in_parts_below_the_limit_of_an_event(world: World) -> None:
    rows: list[Row] = [(f"{'long name ' * 24}{number:03d}", "u1", "a@x.io") for number in range(240)]
    world.warehouse.replace(rows)

    report = world.sync().report

    assert report.status == "succeeded"
    assert report.destinations[0].planned == 4
    assert world.believed() == truth(rows)


def test_additions_wait_until_every_removal_is_answered(world: World) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 8"
    leaving: list[Row] = [(VIP, f"old{number}", f"old{number}@x.io") for number in range(1200)]
    coming: list[Row] = [(VIP, f"new{number}", f"new{number}@x.io") for number in range(1200)]
    world.warehouse.replace(leaving)
    world.sync()
    first_of_second_run = len(world.receiver.requests)

    def slow_removals(request: ReceivedRequest) -> Delay | None:
        return Delay(0.3) if False in request.events[0]["traits"].values() else None

    world.receiver.script = slow_removals
    world.warehouse.replace(coming)
    world.sync()

    values = [properties["vip_buyers"] for _, _, properties in told(world, 1200)]
    assert values == [False] * 1200 + [True] * 1200
    assert len(world.receiver.requests) - first_of_second_run == 6


def test_a_new_audience_waits_behind_the_changes_of_the_others(world: World) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    before: list[Row] = [(VIP, "u1", "z1@x.io")]
    new: list[Row] = [(CHURN, f"n{number}", f"a{number}@x.io") for number in range(600)]

    calls = after(world, before, [(VIP, "u2", "z2@x.io"), *new])

    assert calls[0] == ("u1", "z1@x.io", {"vip_buyers": False})
    assert calls[1] == ("u2", "z2@x.io", {"vip_buyers": True})
    assert {tuple(properties) for _, _, properties in calls[2:]} == {("churn_risk",)}


def test_a_renamed_audience_keeps_its_state(world: World) -> None:
    assert after(world, [("VIP Buyers", "u1", "a@x.io")], [("vip-buyers", "u1", "a@x.io")]) == []
    assert world.query("SELECT name, property FROM audience") == [("vip-buyers", "vip_buyers")]


def test_a_name_that_collides_is_set_aside_and_the_owner_goes_on(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u2", "b@x.io"), ("vip buyers", "u3", "c@x.io"), ("!!!", "u4", "d@x.io")])

    result = world.sync()

    assert result.report.status == "incomplete"
    assert sync.exit_code(result) == 8
    problems = {audience.name: audience.problem for audience in result.report.audiences}
    assert problems[VIP] is None
    assert "belongs to 'VIP Buyers'" in str(problems["vip buyers"])
    assert "property" in str(problems["!!!"])
    assert world.believed() == {("a@x.io", "vip_buyers"), ("b@x.io", "vip_buyers")}


@pytest.mark.parametrize(
    ("spelling", "configured"),
    [("VIP Buyers ", ""), ("VIP buyers", f'[[audiences]]\nname = "{VIP}"'), ("vip-buyers", "")],
)
def test_nobody_leaves_a_property_as_long_as_two_names_claim_it(world: World, spelling: str, configured: str) -> None:
    world.extra = configured
    rows = members(61)
    world.warehouse.replace(rows + members(2, CHURN))
    world.sync()
    churn = members(1, CHURN)
    world.warehouse.replace(rows[:1] + [(spelling, user_id, email) for _, user_id, email in rows[1:]] + churn)

    result = world.sync()

    assert result.report.status == "incomplete"
    assert {each.name: (each.removed, each.held) for each in result.report.audiences if each.property} == {
        VIP: (0, 0),
        CHURN: (1, 0),
    }
    assert f"nobody leaves '{VIP}'" in next(str(each.problem) for each in result.report.audiences if each.problem)
    assert world.believed() == truth(rows + churn)
    audited = world.verify()
    assert (audited.differences, audited.destinations[0].listed) == (0, {"contested": 60})
    assert world.explain("u0005@x.io").destinations[0]["pending"][0]["waits"] == "contested"

    # Once one name is left, whoever is not under it leaves.
    world.warehouse.replace([(spelling, user_id, email) for _, user_id, email in rows[1:]] + churn)
    world.extra = ""
    assert world.sync().report.status == "succeeded"
    assert world.believed() == truth(rows[1:] + churn)
    assert world.verify().differences == 0


def test_a_contested_property_is_neither_held_nor_left_by_those_who_are_uncertain(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    rows = members(4)
    world.warehouse.replace(rows[:3])
    world.sync()
    world.warehouse.replace(rows)
    world.receiver.script = lambda request: Reset(apply=EVERYTHING)
    world.sync()
    world.receiver.script = None
    world.warehouse.replace([("vip buyers", user_id, email) for _, user_id, email in rows[1:]] + rows[:1])

    assert world.sync().report.status == "incomplete"

    assert world.held() == set()
    assert world.believed() == truth(rows)
    world.warehouse.replace(rows)
    world.sync()
    assert world.believed() == truth(rows)
    assert world.in_doubt() == set()


def test_a_retired_audience_is_left_by_everybody_whoever_claims_its_property(world: World) -> None:
    world.warehouse.replace(members(3))
    world.sync()
    with world.state() as state:
        control.retire(state, VIP)
    world.warehouse.replace(members(3) + members(3, "vip buyers"))

    world.sync()

    assert world.believed() == set()


def test_two_new_names_with_one_property_are_both_set_aside(world: World) -> None:
    world.warehouse.replace([("VIP Buyers", "u1", "a@x.io"), ("vip buyers", "u2", "b@x.io"), (CHURN, "u3", "c@x.io")])

    report = world.sync().report

    assert [audience.name for audience in report.audiences if audience.problem] == ["VIP Buyers", "vip buyers"]
    assert world.believed() == {("c@x.io", "churn_risk")}


@pytest.mark.fresh_sessions  # what was written is counted when a session ends
@pytest.mark.parametrize("skipped", [[], [(VIP, "nobody", None), (None, "u1", "u1@x.io")]])
def test_a_run_that_changes_nothing_writes_only_its_own_rows(world: World, skipped: list[Row]) -> None:
    rows: list[Row] = [(VIP, f"u{number}", f"u{number}@x.io") for number in range(50)]
    world.warehouse.replace([*rows, *skipped])
    world.sync()
    world.sync()  # leaves what the rows add up to
    before = written(world)

    world.sync()

    changed = {table for table, count in written(world).items() if count != before.get(table, 0)}
    assert changed == {"run", "run_audience", "run_destination", "run_count", "leader"}
    assert len(world.receiver.events) == 50


def written(world: World) -> dict[str, int]:
    """How many rows were ever written to each table, partitions together; sessions report that at the latest when they
    end."""
    counts = world.query(
        "SELECT regexp_replace(relname, '_[0-9]{10}$', '') AS whole, sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint"
        " FROM pg_stat_user_tables WHERE schemaname = 'syncer' GROUP BY whole"
    )
    return {table: count for table, count in counts if count}


def test_a_preview_sends_and_changes_nothing_and_agrees_with_the_run(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io"), (VIP, "u2", None)])

    preview = world.preview()
    assert world.receiver.requests == []
    assert world.query("SELECT count(*) FROM audience") == [(0,)]
    report = world.sync().report

    def counts(of: Any) -> Any:
        return [(a.name, a.property, a.members, a.added, a.removed, a.initial) for a in of.audiences]

    assert counts(preview) == counts(report)
    assert preview.calls_saved == report.calls_saved == 1
    assert preview.destinations[0].planned == report.destinations[0].planned == 1
    assert preview.destinations[0].skipped == report.destinations[0].skipped == {"no_email": 1}
