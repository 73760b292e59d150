"""Whoever is suppressed is in no audience anywhere, whatever else a rule says; and the list of them is guarded."""

import pytest

from syncer import errors, sync
from syncer.models import Status
from syncer.receivers.loopback import Answer
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Row, World, calls, members, named_members, told, truth

LIST = '[suppress]\nquery = "SELECT email FROM unsubscribed"\n'
BY_USER = '[suppress]\nquery = "SELECT user_id FROM unsubscribed"\n'
BOTH = '[suppress]\ntable = "unsubscribed"\n'
PROPERTY = "vip_buyers"


@pytest.fixture(autouse=True)
def _list_of_nobody(world: World) -> None:
    world.warehouse.run("CREATE TABLE unsubscribed (user_id text, email text)")
    world.extra = LIST


def suppress(world: World, *emails: str | None, users: tuple[str, ...] = ()) -> None:
    """From now on the list says just this."""
    world.warehouse.run(
        "WITH gone AS (DELETE FROM unsubscribed)"
        " INSERT INTO unsubscribed SELECT NULL, unnest(%s::text[]) UNION ALL SELECT unnest(%s::text[]), NULL",
        [list(emails), list(users)],
    )


def skipped(world: World) -> set[tuple[str, str]]:
    return set(world.query("SELECT reason, user_id FROM skipped_members"))


def test_who_was_told_true_is_told_false_once_and_comes_back_once_off_the_list(world: World) -> None:
    rows = named_members("a", "b") + named_members("a", audience=CHURN)
    world.warehouse.replace(rows)
    world.sync()
    suppress(world, " A@X.io")
    seen = world.receiver.event_count

    result = world.sync()

    assert world.believed() == {("b@x.io", PROPERTY)}
    assert set(told(world, seen)) == {("a@x.io", PROPERTY, False), ("a@x.io", "churn_risk", False)}
    assert skipped(world) == {("suppressed", "u-a")}
    assert result.report.destinations[0].skipped == {"suppressed": 2}
    assert result.report.status == Status.SUCCEEDED
    assert world.verify().differences == 0
    seen = world.receiver.event_count
    assert world.sync().report.status == Status.SUCCEEDED
    assert told(world, seen) == []
    story = world.explain("a@x.io")
    assert [row["problem"] for row in story.warehouse] == ["suppressed", "suppressed"]
    assert all(row["since"] is not None and row["reason"] == "suppressed" for row in story.destinations[0]["skipped"])
    suppress(world, "somebody@else.io")

    world.sync()

    assert world.believed() == truth(rows)
    assert skipped(world) == set()


def test_who_was_never_told_is_told_nothing(world: World) -> None:
    suppress(world, "a@x.io")
    world.warehouse.replace(named_members("a", "b"))

    world.sync()

    assert told(world) == [("b@x.io", PROPERTY, True)]


@pytest.mark.parametrize("extra", [LIST, BY_USER, BOTH])
@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_all_rows_of_the_user_and_of_the_contact(world: World, extra: str, identity: str) -> None:
    """u has two addresses, and shares one of them with v."""
    rows: list[Row] = [(VIP, "u", "a@x.io"), (VIP, "u", "b@x.io"), (VIP, "v", "a@x.io"), (VIP, "w", "w@x.io")]
    world.destination_extra += f'\nidentity = "{identity}"'
    world.extra = extra
    world.warehouse.replace(rows)
    world.sync()
    suppress(world, *[] if extra == BY_USER else ["a@x.io"], users=() if extra == LIST else ("u",))

    world.sync()

    believed = {values["email"]: values[PROPERTY] for _, values in calls(world)}
    assert {email for email, value in believed.items() if value} == {"w@x.io"}
    assert world.verify().differences == 0


def test_a_skipped_row_keeps_nobody_who_is_suppressed(world: World) -> None:
    world.warehouse.replace(named_members("a", "b"))
    world.sync()
    world.warehouse.replace([(VIP, "u-a", None), (None, "x", "a@x.io"), *named_members("b")])
    world.sync()
    assert ("a@x.io", PROPERTY) in world.believed()
    suppress(world, "a@x.io")

    world.sync()

    assert world.believed() == {("b@x.io", PROPERTY)}


def test_a_row_without_consent_suppresses_its_person(world: World) -> None:
    world.extra = 'consent = "agrees"'
    world.warehouse.run("ALTER TABLE members ADD agrees text DEFAULT 'yes'")
    world.warehouse.run(
        "INSERT INTO members VALUES ('VIP Buyers', 'u', 'a@x.io'), ('Churn Risk', 'u', 'a@x.io'),"
        " ('VIP Buyers', 'v', 'b@x.io')"
    )
    world.sync()
    world.warehouse.run("UPDATE members SET agrees = NULL WHERE user_id = 'u' AND audience_name = 'Churn Risk'")

    world.sync()

    assert world.believed() == {("b@x.io", PROPERTY)}
    world.warehouse.run("UPDATE members SET agrees = 'maybe' WHERE user_id = 'v'")
    broken = world.sync()
    assert broken.report.status == Status.FAILED
    assert "the column agrees holds 'maybe', which is neither true nor false" in (broken.report.error or "")


def test_freeze_tells_nothing_to_them(world: World) -> None:
    world.destination_extra += '\nsuppress = "freeze"'
    world.warehouse.replace(named_members("a", "b", "c"))
    world.sync()
    suppress(world, "a@x.io")
    seen = world.receiver.event_count

    world.sync()
    world.warehouse.replace([])
    world.extra += "[guard]\nmin_removed = 0\nmax_removed_fraction = 1.0\n"
    world.warehouse.replace(named_members("b"))
    world.resync()

    assert {(contact, value) for contact, _, value in told(world, seen)} == {("b@x.io", True), ("c@x.io", False)}
    assert ("a@x.io", PROPERTY) in world.believed()
    assert skipped(world) == {("suppressed", "u-a")}
    assert world.verify().differences == 0
    world.warehouse.replace(named_members("a", "b"))
    suppress(world, "somebody@else.io")
    seen = world.receiver.event_count
    world.sync()
    assert told(world, seen) == [("a@x.io", PROPERTY, True)], "the resync that they missed"


def test_an_audience_that_only_they_are_in_is_there_all_the_same(world: World) -> None:
    """Their rows are listed, and whoever else leaves it leaves no audience that vanished."""
    suppress(world, "a@x.io")
    world.warehouse.replace([*named_members("a", "b"), *named_members("a", audience=CHURN)])
    world.sync()
    assert set(world.query("SELECT audience, user_id FROM skipped_members")) == {(VIP, "u-a"), (CHURN, "u-a")}
    world.warehouse.replace([*named_members("c", audience=CHURN), *named_members("a")])

    world.sync()

    assert world.held() == set()
    assert world.believed() == {("c@x.io", "churn_risk")}
    assert world.verify().differences == 0


@pytest.mark.parametrize("kept", ["value", "paused"])
@pytest.mark.parametrize("freezes", [False, True])
def test_what_the_state_keeps_of_them_makes_an_address_nobody_elses(world: World, kept: str, freezes: bool) -> None:
    """u's other address has a value that is kept, or is in an audience that is paused; no guard has a say."""
    world.warehouse.run("CREATE TABLE ltv AS SELECT 'u' AS user_id, 'b@x.io' AS email, 5 AS value")
    world.destination_extra += '\nsuppress = "freeze"' if freezes else ""
    world.extra = LIST + "[guard]\nmin_removed = 2\nmax_removed_fraction = 0\n"
    if kept == "value":
        world.extra += '[[computed_traits]]\nname = "LTV"\nquery = "SELECT * FROM ltv"\n'
    world.warehouse.replace(
        [(name, "u", email) for name in (VIP, "Q4") for email in ("a@x.io", "b@x.io")] + [(CHURN, "u", "b@x.io")]
    )
    suppress(world, "x@x.io")
    world.sync()
    if kept == "paused":
        world.pause(CHURN)
    suppress(world, "x@x.io", "a@x.io")
    seen = world.receiver.event_count

    world.sync()

    gone = {(email, name) for email in ("a@x.io", "b@x.io") for name in (PROPERTY, "q4")}
    gone |= {("b@x.io", "churn_risk")} if kept == "value" else set()
    assert set(told(world, seen)) == ({(*each, False) for each in gone} if not freezes else set())
    assert world.held() == set()
    if kept == "value":
        world.warehouse.run("UPDATE ltv SET value = 6")
    seen = world.receiver.event_count
    world.resync()
    assert {value for _, _, value in told(world, seen)} <= {False}


@pytest.mark.parametrize("names", [0, 4])
def test_a_list_that_is_empty_or_doubles_holds_the_run_until_it_is_approved(world: World, names: int) -> None:
    world.extra = LIST + GUARD_FROM_TWO
    world.warehouse.replace(members(9))
    suppress(world, "u0000@x.io", "u0001@x.io")
    world.sync()
    before = world.believed()
    suppress(world, *(f"u000{number}@x.io" for number in range(names)))
    seen = world.receiver.event_count

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.HELD, 5)
    assert f"syncer approve {result.report.run_id}" in (result.report.error or "")
    with pytest.raises(errors.HeldError, match="the list of"):
        world.preview()
    again = world.sync()
    assert again.report.status == Status.HELD
    assert (world.believed(), told(world, seen)) == (before, [])
    done = world.command("approve", str(result.report.run_id), "--yes")
    assert done.returncode == 0, done.stderr
    assert world.sync().report.status == Status.SUCCEEDED
    assert world.believed() == truth(members(9 - names, first=names))


@pytest.mark.parametrize("told_before", [True, False])
def test_a_long_first_list_holds_the_run_if_somebody_was_told_anything(world: World, told_before: bool) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(9))
    if told_before:
        world.sync()
    suppress(world, "u0000@x.io", "u0001@x.io")
    world.extra = LIST + GUARD_FROM_TWO

    result = world.sync()

    assert result.report.status == (Status.HELD if told_before else Status.SUCCEEDED)
    assert world.believed() == truth(members(9) if told_before else members(7, first=2))


@pytest.mark.parametrize(("without", "held"), [(range(1), False), (range(4), True)])
def test_many_without_consent_at_once_hold_the_run(world: World, without: range, held: bool) -> None:
    world.extra = 'consent = "agrees"\n' + GUARD_FROM_TWO
    world.warehouse.run("ALTER TABLE members ADD agrees boolean DEFAULT true")
    world.warehouse.run(
        "INSERT INTO members SELECT 'VIP Buyers', 'u' || i, 'u' || i || '@x.io' FROM generate_series(0, 8) AS i"
    )
    world.sync()
    names = [f"u{number}" for number in without]
    world.warehouse.run("UPDATE members SET agrees = false WHERE user_id = ANY (%s)", [names])

    assert (world.sync().report.status == Status.HELD) == held
    assert len(world.believed()) == (9 if held else 8)
    world.warehouse.run("UPDATE members SET agrees = true")
    assert world.sync().report.status == Status.SUCCEEDED, "one who consents again holds nothing"
    assert len(world.believed()) == 9


def test_a_list_that_is_not_configured_any_more_holds_the_run(world: World) -> None:
    world.warehouse.replace(named_members("a", "b"))
    suppress(world, "a@x.io")
    world.sync()
    world.extra = ""

    held = world.sync()

    assert "not configured any more" in (held.report.error or "")
    assert world.approve(held.report.run_id) == 1
    world.sync()
    assert world.believed() == truth(named_members("a", "b"))


def test_a_list_that_cannot_be_read_fails_the_run(world: World) -> None:
    world.warehouse.replace(named_members("a"))
    world.extra = LIST.replace("unsubscribed", "no_such_table")

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.FAILED, 6)
    assert (result.report.error or "").startswith("suppress.query: ")
    assert told(world) == []


def test_the_guard_of_audiences_does_not_keep_the_suppressed(world: World) -> None:
    world.extra = LIST + "[guard]\nmin_removed = 2\n"
    world.warehouse.replace(members(4))
    suppress(world, "u0000@x.io", "x@x.io")
    world.sync()
    suppress(world, *(f"u000{number}@x.io" for number in range(3)))

    result = world.sync()

    assert result.report.status == Status.SUCCEEDED
    assert world.believed() == truth(members(1, first=3))


def test_it_wins_over_a_hold_that_was_approved_a_narrower_reach_and_a_refusal(world: World) -> None:
    world.extra = LIST + "[guard]\nmin_added = 1\nmax_added_fraction = 0.1\n"
    world.warehouse.replace(named_members("a", "b"))
    world.sync()
    world.warehouse.replace(named_members("a", "b", "held"))
    assert world.approve(world.sync().report.run_id) == 1
    world.destination_extra += '\ncontacts = ["b@x.io", "held@x.io"]'
    suppress(world, "a@x.io", "held@x.io")
    seen = world.receiver.event_count

    world.sync()

    assert told(world, seen) == [("a@x.io", PROPERTY, False)]
    assert world.held() == set()
    seen = world.receiver.event_count
    world.resync()
    assert {value for contact, _, value in told(world, seen) if contact != "b@x.io"} <= {False}


def test_an_event_that_is_owed_is_not_sent_to_them(world: World) -> None:
    world.destination_extra += "\ntrack = { initial = true }"
    world.warehouse.replace(named_members("a", "b"))
    world.receiver.script = lambda request: (
        Answer(503) if any(event["type"] == "track" for event in request.events) else None
    )
    world.sync()
    world.receiver.script = None
    suppress(world, "a@x.io")
    seen = world.receiver.event_count

    world.sync()

    events = [
        (each.event["event"], each.event["userId"])
        for each in world.receiver.events[seen:]
        if each.event["type"] == "track"
    ]
    assert ("Audience Entered", "u-a") not in events
    assert ("Audience Entered", "u-b") in events


def test_somebody_forgotten_is_remembered_as_long_as_a_row_or_the_list_names_them(world: World) -> None:
    """A row of the suppressed is a row all the same, and it is listed without names."""
    world.warehouse.replace(named_members("a", "b"))
    suppress(world, "a@x.io", "other@x.io")
    world.sync()
    assert world.command("forget", "u-a", "--yes").returncode == 0
    world.sync()
    assert {reason for reason, _ in skipped(world)} == {"forgotten"}
    suppress(world, "other@x.io")
    seen = world.receiver.event_count

    world.sync()

    assert told(world, seen) == []
    assert {reason for reason, _ in skipped(world)} == {"forgotten"}


def test_check_says_how_long_the_lists_are_and_which_columns_are_missing(world: World) -> None:
    suppress(world, "a@x.io", "b@x.io")

    said = world.command("check")

    assert "suppress.query: 2 rows name whoever is suppressed" in said.stdout + said.stderr
    world.extra = LIST.replace("email", "1 AS other")
    said = world.command("check")
    assert said.returncode == 2
    assert 'suppress.query: the query\'s result has no column "user_id"' in said.stdout + said.stderr
