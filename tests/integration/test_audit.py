"""`verify` and `explain`: does everything add up, and what about this one person?"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from syncer import control, models, sync
from syncer.planning import staging
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.state import State
from tests.world import CHURN, VIP, Row, World, members, truth


def naming(contact: str, fault: Fault) -> Callable[[ReceivedRequest], Fault | None]:
    return lambda request: fault if contact in {event["traits"]["email"] for event in request.events} else None


def tamper(world: World, statement: str) -> None:
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        assert connection.execute(statement).rowcount == 1


def found(world: World) -> set[tuple[str, str | None]]:
    (destination,) = world.verify().destinations
    return {(each.why, each.contact) for each in destination.examples}


@pytest.fixture
def settled(world: World) -> World:
    """u0 and u1 are in both audiences, u2 in the first, and u3 left it."""
    world.warehouse.replace(members(4) + members(2, CHURN))
    world.sync()
    world.warehouse.replace(members(3) + members(2, CHURN))
    world.sync()
    assert world.verify().differences == 0
    return world


# --- verify ------------------------------------------------------------------------------------------------------


def test_a_contact_that_was_told_another_value_is_shown_as_outdated(world: World) -> None:
    world.destination_extra += '\nidentity = "user_id"'
    world.warehouse.replace([(VIP, "u1", "old@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "new@x.io")])

    shown = world.command("verify")

    assert found(world) == {("outdated", "u1")}
    assert shown.returncode == 9
    assert "told another value, email or trait" in " ".join(shown.stdout.split())


def test_what_the_warehouse_says_by_now_and_was_not_told_is_a_difference(settled: World) -> None:
    world = settled
    world.warehouse.replace(members(2) + members(2, CHURN, first=1))

    audit = world.verify()

    assert (audit.differences, len(audit.destinations)) == (3, 1)
    assert found(world) == {("lingering", "u0002@x.io"), ("lingering", "u0000@x.io"), ("missing", "u0002@x.io")}
    assert world.query("SELECT count(*) FROM run") == [(2,)]
    assert len(world.verify(limit=1).destinations[0].examples) == 1
    world.sync()
    assert world.verify().differences == 0


@pytest.mark.parametrize(
    ("statement", "differences"),
    [
        pytest.param(
            "DELETE FROM synced_member WHERE contact = 'u0002@x.io'",
            {("missing", "u0002@x.io"), ("not_in_state", "u0002@x.io"), ("count", None)},
            id="a member is gone",
        ),
        pytest.param(
            "INSERT INTO synced_member SELECT destination_id, audience_id, entered_run_id, told_run_id, entered_at,"
            " 'x@x.io', 'ux', NULL FROM synced_member WHERE contact = 'u0002@x.io'",
            {("lingering", "x@x.io"), ("not_in_history", "x@x.io"), ("count", None)},
            id="a member came from nowhere",
        ),
        pytest.param(
            "UPDATE synced_member SET user_id = 'other' WHERE contact = 'u0002@x.io'",
            {("not_in_state", "u0002@x.io"), ("not_in_history", "u0002@x.io")},
            id="a member has another user id",
        ),
        pytest.param(
            "UPDATE synced_member SET contact = 'x@x.io' WHERE contact = 'u0002@x.io'",
            {
                ("missing", "u0002@x.io"),
                ("not_in_state", "u0002@x.io"),
                ("lingering", "x@x.io"),
                ("not_in_history", "x@x.io"),
            },
            id="a member is another contact",
        ),
        pytest.param(
            "UPDATE told_false SET contact = 'u0002@x.io'",
            {("told_both", "u0002@x.io")},
            id="a contact that is true was also told false",
        ),
        pytest.param(
            "INSERT INTO synced_member SELECT destination_id, audience_id, 1, 1, told_at, contact, user_id, NULL"
            " FROM told_false",
            {
                ("lingering", "u0003@x.io"),
                ("not_in_history", "u0003@x.io"),
                ("told_both", "u0003@x.io"),
                ("count", None),
            },
            id="a contact that was told false is true as well",
        ),
        pytest.param(
            "DELETE FROM told_false",
            {("not_in_state", "u0003@x.io")},
            id="a contact that was told false is gone",
        ),
        pytest.param(
            "UPDATE told_false SET contact = 'stranger@x.io'",
            {("not_in_state", "u0003@x.io"), ("not_in_history", "stranger@x.io")},
            id="a contact that was told false is another one",
        ),
    ],
)
def test_a_state_that_was_tampered_with_is_found(
    settled: World, statement: str, differences: set[tuple[str, str | None]]
) -> None:
    tamper(settled, statement)

    assert settled.verify().differences > 0
    assert found(settled) >= differences


def test_the_command_exits_with_9_if_it_finds_a_difference(settled: World) -> None:
    assert settled.command("verify").returncode == 0
    tamper(settled, "DELETE FROM synced_member WHERE contact = 'u0002@x.io'")

    ended = settled.command("verify", "--json")

    assert ended.returncode == 9
    assert "u0002@x.io" in ended.stdout


def everything_at_once(world: World) -> None:
    """One of each: held, refused, uncertain, skipped, paused, out of reach."""
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace([*members(9), *members(1, CHURN), ("Paused", "u0000", "u0000@x.io")])
    world.sync()
    with world.state() as state:
        control.pause(state, ["Paused"], [], [])
    # u1 enters an audience and is refused; u2 has no address any more; all from u3 on have left and are held.
    rows: list[Row] = [*members(2), (VIP, "u0002", None), *members(2, CHURN), *members(1, CHURN, first=20)]
    world.warehouse.replace(rows)
    world.extra = "[guard]\nmin_removed = 3"
    world.receiver.script = naming("u0001@x.io", Answer(400, body=b'{"message":"no"}'))
    world.sync()
    world.sync()
    # u7 enters and the answer is lost.
    world.warehouse.replace([*rows, *members(1, CHURN, first=7)])
    world.receiver.script = naming("u0007@x.io", Reset(apply=EVERYTHING))
    world.sync()
    world.receiver.script = None


def test_everything_that_has_a_reason_is_listed_and_is_no_difference(world: World) -> None:
    everything_at_once(world)

    audit = world.verify()

    (destination,) = audit.destinations
    assert audit.differences == 0
    assert [row["audience"] for row in audit.paused] == ["Paused"]
    assert {why: count for why, count in destination.listed.items() if why != "covered"} == {
        "held": 6,
        "uncertain": 1,
        "refused": 1,
        "skipped: no_email": 1,
    }


# --- explain -----------------------------------------------------------------------------------------------------


def test_the_warehouse_is_asked_also_while_everything_is_paused(settled: World) -> None:
    with settled.state() as state:
        control.pause(state, [], [], [])

    story = settled.explain("u0000")

    assert [(row["audience"], row["contact"]) for row in story.warehouse] == [
        (CHURN, "u0000@x.io"),
        (VIP, "u0000@x.io"),
    ]


def here(world: World, who: str) -> dict[str, Any]:
    (destination,) = world.explain(who).destinations
    return destination


def test_explain_shows_where_a_person_is_and_what_was_told_of_them(settled: World) -> None:
    for who in ("u0000@x.io", " U0000@X.io ", "u0000"):
        story = settled.explain(who)

        users = sorted({"u0000", *([who] if who != "u0000" else [])})
        assert (story.contacts, story.users) == (["u0000@x.io"], users)
        assert sorted(row["audience"] for row in story.warehouse) == [CHURN, VIP], who
        (there,) = story.destinations
        assert [(row["property"], row["value"], row["uncertain"]) for row in there["told"]] == [
            ("churn_risk", True, False),
            ("vip_buyers", True, False),
        ], who
        history = [(row["run_id"], row["op"], row["status"]) for row in story.history]
        assert history == [(1, "added", "succeeded")] * 2, who
        assert there["pending"] == there["held"] == there["refused"] == [], who
    assert settled.query("SELECT count(*) FROM run") == [(2,)]


def test_explain_asks_the_warehouse_for_its_person_only(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settled.warehouse.replace(members(300) + members(300, CHURN))
    staged: list[int] = []
    real = staging._stage_piece

    def stage(*arguments: Any) -> staging.Travelled:
        travelled = real(*arguments)
        staged.append(travelled.rows)
        return travelled

    monkeypatch.setattr(staging, "_stage_piece", stage)
    story = settled.explain("u0299")
    assert [(row["audience"], row["user_id"]) for row in story.warehouse] == [(CHURN, "u0299"), (VIP, "u0299")]
    assert {row["op"] for row in story.destinations[0]["pending"]} == {"added"}
    assert staged
    assert max(staged) == 2 + 2  # and a row for each audience that there is


def test_explain_makes_one_plan_of_all_that_the_state_knows_in_one_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each plan asks the warehouse, and each session learns all the tables anew."""
    world.warehouse.replace([(VIP, user, f"{email}@x.io") for user, email in zip("aabbccd", "1223344", strict=True)])
    world.sync()
    plans: list[models.People | None] = []
    purposes: list[str] = []
    imagined, connect = sync.imagined, State.connect

    def imagine(job: sync.Job, *arguments: Any) -> Any:
        plans.append(job.sources[0].people)
        return imagined(job, *arguments)

    def begin(state: State, purpose: str, *arguments: Any) -> Any:
        purposes.append(purpose)
        return connect(state, purpose, *arguments)

    monkeypatch.setattr(sync, "imagined", imagine)
    monkeypatch.setattr(State, "connect", begin)
    told = world.explain("a").destinations[0]["told"]

    assert {row["contact"] for row in told} == {"1@x.io", "2@x.io"}
    assert [plan.users for plan in plans if plan] == [{"a", "b", "c", "d"}]
    assert len(plans) == len(purposes) == 1


def test_explain_asks_for_nobody_who_shares_only_a_placeholder_with_its_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [(VIP, user, f"{number}@x.io") for number in range(250) for user in ("guest", f"u{number}")]
    world.warehouse.replace([(VIP, "a", "0@x.io"), *many])
    world.sync()
    plans: list[models.People | None] = []
    imagined = sync.imagined

    def imagine(job: sync.Job, *arguments: Any) -> Any:
        plans.append(job.sources[0].people)
        return imagined(job, *arguments)

    monkeypatch.setattr(sync, "imagined", imagine)
    told = world.explain("a").destinations[0]["told"]

    assert {row["contact"] for row in told} == {"0@x.io"}
    assert plans == [models.People(frozenset({"0@x.io"}), frozenset({"a", "guest", "u0"}))]


def test_explain_knows_the_call_to_where_a_user_moved(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "old@x.io"), (VIP, "u2", "new@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "new@x.io"), (VIP, "u2", "new@x.io")])

    assert [row["op"] for row in here(world, "old@x.io")["pending"]] == ["removed"]
    planned = {(row["contact"], row["op"]) for row in here(world, "new@x.io")["pending"]}
    assert planned == {("new@x.io", "reasserted")}


def test_explain_knows_the_call_that_nothing_held_prevents(world: World) -> None:
    """A call names one user. As long as the change of the other one is held, it may name whoever came back."""
    there = [*members(2), *members(2, CHURN)]
    back: list[Row] = [(VIP, "u3", "b@x.io"), (CHURN, "u1", "b@x.io")]
    for rows in ([*there, (VIP, "u3", "a@x.io"), (CHURN, "u1", "b@x.io")], there):
        world.warehouse.replace(rows)
        world.sync()
    world.extra = f'[guard]\nmin_added = 1\n[[audiences]]\nname = "{CHURN}"\nmax_added_fraction = 0\n'
    world.warehouse.replace([*there, *back])
    world.sync()

    assert [(row["property"], row["op"], row["waits"]) for row in here(world, "u3")["pending"]] == [
        ("churn_risk", "added", "held"),
        ("vip_buyers", "reasserted", None),
    ]
    assert world.sync().report.destinations[0].succeeded == 1
    assert [row["property"] for row in here(world, "u3")["pending"]] == ["churn_risk"]


def test_explain_lists_who_waits_until_the_calls_to_their_contact_name_nobody_else(world: World) -> None:
    there: list[Row] = [*members(2), *members(2, CHURN), (CHURN, "u1", "b@x.io")]
    back: list[Row] = [*there, (VIP, "u2", "b@x.io"), (VIP, "u5", "b@x.io")]
    for rows in ([*there, (VIP, "u2", "a@x.io"), (VIP, "u5", "c@x.io")], there, back):
        world.warehouse.replace(rows)
        world.sync()
    world.warehouse.replace([*back, ("Q4", "u1", "b@x.io")])  # and so the next call names u1

    def pending() -> list[tuple[str, str, str | None]]:
        return [(row["property"], row["op"], row["waits"]) for row in here(world, "u5")["pending"]]

    assert pending() == [("q4", "added", None), ("vip_buyers", "reasserted", "deferred")]
    world.warehouse.replace([*(row for row in back if row[1] != "u5"), ("Q4", "u1", "b@x.io")])
    assert pending() == [("q4", "added", None)], "u5 has left meanwhile"
    world.warehouse.replace([*back, ("Q4", "u1", "b@x.io")])
    world.sync()
    assert pending() == [("vip_buyers", "reasserted", None)]
    world.sync()
    assert pending() == []


def test_explain_lists_the_value_of_a_trait_that_waits_likewise(world: World) -> None:
    world.receiver.allowed_nulls = frozenset({"score"})
    world.extra = '[[computed_traits]]\nname = "Score"\nquery = "SELECT * FROM scores"\non_missing = "null"'
    world.warehouse.run("CREATE TABLE scores (user_id text, email text, value int)")
    for vip, contact in (("a@x.io", "c@x.io"), ("x@x.io", "x@x.io"), ("b@x.io", "b@x.io")):
        world.warehouse.replace([(CHURN, "u1", "b@x.io"), (VIP, "u0" if vip == "x@x.io" else "u2", vip)])
        world.warehouse.run("DELETE FROM scores")
        user = "u0" if contact == "x@x.io" else "u5"
        world.warehouse.run("INSERT INTO scores VALUES ('zz', 'zz@x.io', 1), (%s, %s, 5)", [user, contact])
        world.sync()
    world.warehouse.replace([(CHURN, "u1", "b@x.io"), (VIP, "u2", "b@x.io"), ("Q4", "u1", "b@x.io")])

    waits = [(row["property"], row["value"]) for row in here(world, "u5")["pending"] if row["waits"] == "deferred"]

    assert waits == [("score", 5)]


def test_explain_holds_nothing_of_an_audience_that_was_retired_meanwhile(world: World) -> None:
    world.extra = "[guard]\nmin_removed = 2\n"
    world.warehouse.replace([*members(3), *members(3, CHURN)])
    world.sync()
    world.warehouse.replace([*members(3), *members(1, CHURN)])
    world.sync()
    assert [row["waits"] for row in here(world, "u0002")["pending"]] == ["held"]

    assert world.command("retire", CHURN, "--yes").returncode == 0

    assert [row["waits"] for row in here(world, "u0002")["pending"]] == [None]


def test_explain_tells_what_is_pending_and_what_was_told_false(settled: World) -> None:
    settled.warehouse.replace(members(2) + members(2, CHURN) + members(1, CHURN, first=3))

    left = here(settled, "u0003")

    assert [(row["property"], row["value"]) for row in left["told"]] == [("vip_buyers", False)]
    assert [(row["property"], row["op"], row["value"], row["waits"]) for row in left["pending"]] == [
        ("churn_risk", "added", True, None)
    ]
    assert [row["op"] for row in here(settled, "u0002@x.io")["pending"]] == ["removed"]


def test_explain_of_a_stranger_is_empty(settled: World) -> None:
    story = settled.explain("stranger@x.io")

    assert (story.warehouse, story.history, story.forgotten) == ([], [], False)
    assert here(settled, "stranger@x.io")["told"] == []


def test_explain_tells_what_is_held_refused_skipped_uncertain_and_out_of_reach(world: World) -> None:
    everything_at_once(world)

    held = here(world, "u0005")
    assert [(row["audience"], row["op"], row["since_run_id"]) for row in held["held"]] == [(VIP, "removed", 2)]
    assert [(row["op"], row["waits"]) for row in held["pending"]] == [("removed", "held")]
    assert [(row["value"], row["uncertain"]) for row in held["told"]] == [(True, False)]
    assert "held" in {row["status"] for row in world.explain("u0005").history}

    refused = here(world, "u0001@x.io")
    assert [(row["http_status"], row["tries"]) for row in refused["refused"]] == [(400, 2)]
    assert "no" in refused["refused"][0]["reason"]
    assert [(row["property"], row["value"]) for row in refused["pending"]] == [("churn_risk", True)]

    skipped = here(world, "u0002")
    assert [row["reason"] for row in skipped["skipped"]] == ["no_email"]
    assert [(row["property"], row["value"]) for row in skipped["told"]] == [("vip_buyers", True)]
    assert skipped["pending"] == []

    uncertain = here(world, "u0007@x.io")
    assert [(row["property"], row["value"], row["uncertain"]) for row in uncertain["told"]] == [
        ("churn_risk", None, True),
        ("vip_buyers", True, False),
    ]
    assert sorted((row["property"], row["waits"]) for row in uncertain["pending"]) == [
        ("churn_risk", None),
        ("vip_buyers", "held"),
    ]

    world.destination_extra += '\ncontacts = ["u0000@x.io"]'
    far = here(world, "u0005")
    assert (far["out_of_reach"], far["pending"]) == (["u0005@x.io"], [])
    assert [(row["property"], row["value"]) for row in far["told"]] == [("vip_buyers", True)]
    assert here(world, "u0000")["out_of_reach"] == []


def test_explain_knows_both_contacts_of_a_user_who_moved(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "old@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "new@x.io")])
    world.sync()

    story = world.explain("u1")

    assert story.contacts == ["new@x.io", "old@x.io"]
    assert [(row["contact"], row["value"]) for row in here(world, "u1")["told"]] == [
        ("new@x.io", True),
        ("old@x.io", False),
    ]
    assert world.believed() == truth([(VIP, "u1", "new@x.io")])
