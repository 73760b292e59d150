"""A plan that somebody reviewed: a run sends exactly that, or nothing, and says what moved."""

import json
import re
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncer import app, opening, sql, state, sync
from syncer.cli import runs
from syncer.planning import forecast
from syncer.planning.changes import TargetPlan
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.state import Connection, State
from syncer.state.leadership import lead
from syncer.stopping import Stop
from tests.commands import Done
from tests.points import Killed, Points, end_sessions
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Quiet, Row, World, members, truth


def save(world: World, *arguments: str) -> Path:
    file = world.folder / "plan.json"
    done = world.command("plan", "--out", str(file), *arguments)
    assert done.returncode == 0, done.stderr
    return file


def send(world: World, file: Path) -> Done:
    return world.command("sync", "--plan", str(file))


def refused(world: World, file: Path) -> list[str]:
    """The differences for which a run of this plan sent nothing and changed nothing."""
    before, requests = kept(world), len(world.receiver.requests)
    done = send(world, file)
    assert done.returncode == 10, done.stderr
    assert (kept(world), len(world.receiver.requests)) == (before, requests)
    said = [line.removeprefix("error: ") for line in done.stderr.splitlines()]
    first, *differences = said[next(at for at, line in enumerate(said) if line.startswith("nothing was sent")) :]
    ((status, error),) = world.query("SELECT status, error FROM sync_runs ORDER BY run_id DESC LIMIT 1")
    assert (status, error) == ("failed", "; ".join([first, *differences]))
    return differences


def kept(world: World) -> list[Any]:
    """What the state has of people, and of audiences."""
    tables = ("synced_member", "told_false", "uncertain", "sync_change", "sync_page", "held_change", "audience")
    return [world.query(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]


AWAY = """
[[audiences]]
name = "Away"
query = "SELECT 'u' AS user_id, 'u@x.io' AS email"
"""
OTHERS = "as many people as were reviewed, but not the same ones, or not told the same"
BEGUN = [*members(8), *members(3, first=20)]
NEXT = [*members(6), *members(4, first=20), *members(2, CHURN)]


@pytest.fixture
def reviewed(world: World) -> tuple[World, Path]:
    """A state with some members, and the saved plan of what came next: one enters, two leave, two are in a new one."""
    world.warehouse.replace(BEGUN)
    world.sync()
    world.warehouse.replace(NEXT)
    return world, save(world)


def but(*gone: Row, plus: tuple[Row, ...] = ()) -> list[Row]:
    return [row for row in NEXT if row not in gone] + list(plus)


def test_what_was_reviewed_is_sent_and_stays_known(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    assert send(world, file).returncode == 0
    assert world.believed() == truth(NEXT)
    [(arguments,)] = world.query("SELECT arguments FROM operator_actions WHERE action = 'sync'")
    assert len(arguments["plan_sha256"][0]) == 64
    assert any("added 1 reviewed, 0 now" in line for line in refused(world, file)), "it was sent, once"


def test_whatever_moved_by_one_row_is_refused_with_the_difference(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    entering: Row = (VIP, "u0023", "u0023@x.io")
    moves: list[tuple[list[Row], str]] = [
        (but(plus=((VIP, "new", "new@x.io"),)), f"segment, {VIP}: added 1 reviewed, 2 now"),
        (but(entering), f"segment, {VIP}: added 1 reviewed, 0 now"),
        (but((VIP, "u0001", "u0001@x.io")), f"segment, {VIP}: removed 2 reviewed, 3 now"),
        (but(plus=((VIP, "u0006", "u0006@x.io"),)), f"segment, {VIP}: removed 2 reviewed, 1 now"),
        (but(entering, plus=((VIP, "u0023", "other@x.io"),)), f"segment, {VIP}: as many people as were reviewed, but"),
        (but(entering, plus=((VIP, "other", "u0023@x.io"),)), f"segment, {VIP}: as many people as were reviewed, but"),
        (but(plus=((VIP, "second", "u0023@x.io"),)), f"segment, {VIP}: as many people as were reviewed, but"),
        (but(plus=((VIP, "z", "u0001@x.io"),)), f"segment, {VIP}: covered 0 reviewed, 1 now"),
        (but(plus=((CHURN, "u0005", "u0005@x.io"),)), f"segment, {CHURN}: added 2 reviewed, 3 now"),
        (but(plus=(("Third", "u0005", "u0005@x.io"),)), "segment, Third: was not reviewed; now 1 added"),
        (but(plus=((VIP, "nobody", None),)), "segment: skipped rows: no_email 0 reviewed, 1 now"),
    ]
    for rows, difference in moves:
        world.warehouse.replace(rows)
        assert [said[: len(difference)] for said in refused(world, file)] == [difference]
    world.warehouse.replace(reversed(NEXT))
    assert send(world, file).returncode == 0, "what went and came back is what was reviewed"
    assert world.believed() == truth(NEXT)


def test_what_goes_along_with_a_call_is_a_part_of_the_plan(world: World) -> None:
    world.destination_extra += '\nidentity = "user_id"'
    world.extra = 'traits = { first_name = "firstName" }'
    world.receiver.allowed_traits = frozenset({"firstName"})
    world.warehouse.run("ALTER TABLE members ADD first_name text")
    world.warehouse.run("INSERT INTO members VALUES (%s, 'u1', 'ada@x.io', 'Ada')", [VIP])
    file = save(world)
    for column, value in (("first_name", "Eve"), ("email", "eve@x.io")):
        world.warehouse.run(f"UPDATE members SET {column} = %s", [value])
        assert refused(world, file) == [f"segment, {VIP}: {OTHERS}"]
        world.warehouse.run("UPDATE members SET first_name = 'Ada', email = 'ada@x.io'")
    assert send(world, file).returncode == 0


def test_another_configuration_is_another_plan(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    usual = world.destination_extra
    for extra, difference in (
        ("track = true", "segment: its configuration was another one"),
        (
            f'[[destinations]]\nname = "hook"\ntype = "webhook"\nurl = "{world.receiver.url}"\n',
            "hook: would be told now, and was not reviewed",
        ),
    ):
        world.destination_extra = f"{usual}\n{extra}"
        assert refused(world, file) == [difference]
    world.destination_extra = usual
    world.extra = AWAY
    assert any(line.startswith("segment, Away: was not reviewed") for line in refused(world, file))
    world.extra = ""
    world.pause(destinations=["segment"])
    assert refused(world, file) == [
        "segment: was reviewed, and would be told nothing now: it is paused, or not configured"
    ]
    world.resume(destinations=["segment"])
    assert send(world, file).returncode == 0


def test_a_run_that_got_no_answer_leaves_the_plan_as_it_was(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    world.receiver.script = lambda _: Reset(apply=EVERYTHING)
    world.sync()
    world.receiver.script = None
    assert len(world.in_doubt()) == 2
    assert send(world, file).returncode == 0, "the same people are told the same once more"
    assert world.believed() == truth(NEXT)


def test_who_waits_is_in_the_plan_until_their_turn_comes(world: World) -> None:
    world.receiver.script = lambda _: Answer(400, body=b'{"message":"not this one"}')
    world.warehouse.replace(members(1))
    world.sync()
    world.sync()
    world.receiver.script = None
    file = save(world)
    [audience] = json.loads(file.read_bytes())["destinations"][0]["audiences"]
    assert (audience["added"], audience["waiting"]) == (0, 1)
    assert send(world, file).returncode == 0, "of run 3, for which they wait as they did"
    assert refused(world, file) == [f"segment, {VIP}: added 0 reviewed, 1 now, waiting 1 reviewed, 0 now"]


def test_what_is_held_stays_held_and_is_another_plan_once_it_is_approved(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(8))
    world.sync()
    rows = [*members(2), *members(1, CHURN)]
    world.warehouse.replace(rows)
    file = save(world)
    assert send(world, file).returncode == 5
    assert (len(world.held()), world.believed()) == (6, truth([*members(8), *members(1, CHURN)]))
    file = save(world)
    assert world.approve(2) == 6
    assert refused(world, file) == [f"segment, {VIP}: removed 0 reviewed, 6 now, held 6 reviewed, 0 now"]
    assert send(world, save(world)).returncode == 0
    assert world.believed() == truth(rows)


def test_a_plan_is_about_what_it_was_limited_to(reviewed: tuple[World, Path]) -> None:
    world, _ = reviewed
    file = save(world, "--audience", CHURN, "--destination", "segment")
    assert send(world, file).returncode == 0
    assert world.believed() == truth([*BEGUN, *members(2, CHURN)])
    assert world.command("sync", "--plan", str(file), "--audience", CHURN).returncode == 2


def test_a_plan_from_a_warehouse_that_finds_what_changed_is_the_same(world: World) -> None:
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = 'scratch = "scratch"'
    moves: list[Row] = [(VIP, "u8", "old@x.io"), (VIP, "u9", "left@x.io"), (VIP, "u9", "kept@x.io")]
    stay = members(50, VIP, CHURN, first=100)
    world.warehouse.replace([*BEGUN, *stay, *moves])
    world.sync()
    world.sync()
    after: list[Row] = [*NEXT, *stay, (VIP, "u8", "new@x.io"), (VIP, "u9", "kept@x.io"), (VIP, "second", "u0001@x.io")]
    world.warehouse.replace(after)
    file = save(world)
    done = world.command("sync", "--plan", str(file), "--json")
    assert (done.returncode, json.loads(done.stdout)["read"]) == (0, "changes"), done.stdout
    assert world.believed() == truth(after)


def test_a_plan_of_another_state_is_refused_before_a_run_is_open(
    reviewed: tuple[World, Path], new_database: Callable[..., str], template: str
) -> None:
    world, file = reviewed
    world.state_url = State(new_database(template), "syncer").url
    done = send(world, file)
    assert (done.returncode, done.stdout) == (2, "")
    assert "made with another state" in done.stderr
    assert world.query("SELECT count(*) FROM run") == [(0,)]


def test_a_daemon_that_leads_reviews_nothing(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    with world.state() as connection, lead(State(world.state_url, "syncer"), connection, kind="daemon"):
        done = send(world, file)
    assert (done.returncode, "a daemon leads" in done.stderr) == (4, True)


@pytest.mark.parametrize("point", ["after digest_plan", "before mark_planned", "after mark_planned"])
def test_a_process_that_is_killed_while_it_compares_has_sent_nothing(
    reviewed: tuple[World, Path], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    world, file = reviewed
    requests = len(world.receiver.requests)
    points = Points(monkeypatch)
    points.watch(point, points.kill)
    with pytest.raises(Killed):
        send(world, file)
    points.rest()
    end_sessions(world.state_url)
    assert (points.reached, len(world.receiver.requests)) == (True, requests)
    world.warehouse.replace(but(plus=((VIP, "new", "new@x.io"),)))
    assert refused(world, file) == [f"segment, {VIP}: added 1 reviewed, 2 now"]
    world.warehouse.replace(NEXT)
    assert send(world, file).returncode == 0, "what never left is planned as it was"
    assert world.believed() == truth(NEXT)


def test_nothing_more_is_read_to_save_a_plan_or_to_compare_it(
    reviewed: tuple[World, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, file = reviewed
    points = Points(monkeypatch)

    def run(*arguments: str) -> Counter[str]:
        points.watch(None, lambda: None)
        world.command(*arguments)
        points.rest()
        return Counter(points.seen)

    plain, saving, sending = run("plan"), run("plan", "--out", str(file)), run("sync", "--plan", str(file))
    assert saving - plain == {"digest_text": 2, "digest_plan": 1}
    assert (sending["digest_text"], sending["digest_plan"], sending["diff_members"]) == (2, 1, 1)
    text = sql.query("digest_plan")
    assert set(re.findall(r"(?:FROM|JOIN) (\w+)", text)) == {
        "installation", "contact_change", "caller", "member_delta", "plan_audience", "own", "news", "row_of", "summed",
    }  # fmt: skip


def test_whatever_is_told_is_in_the_digest() -> None:
    """Whoever adds a column to these tables decides whether it is; these say only when something goes, and for what
    something waits that is known to wait."""
    columns = {
        column
        for table in ("create_contact_change", "create_caller")
        for column in re.findall(r"^    (\w+) ", sql.query(table), re.MULTILINE)
    }
    left_out = {each for each in columns if each not in sql.query("digest_plan")}
    assert left_out == {"earliest_urgency", "part", "yields"}


def test_a_saved_plan_names_nobody_and_is_its_owners(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    text = file.read_text()
    assert "x.io" not in text
    assert "u00" not in text
    assert world.destination_extra not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [before] = world.query("SELECT installation_id, forget_key FROM installation")
    assert not any(str(secret) in text for secret in before)
    assert json.loads(text)["forecast"] == [
        {"destination": "segment", "calls": 5, "events": 0, "requests": 3, "seconds": None, "strangers": 1}
    ]


def test_nobody_can_try_by_a_saved_plan_who_is_in_it(reviewed: tuple[World, Path]) -> None:
    """They would have to know what only the state knows."""
    world, file = reviewed
    before = digests(file)
    assert digests(save(world)) == before
    world.query("UPDATE installation SET forget_key = gen_random_uuid() RETURNING 1")
    assert len(before) == 4
    assert not digests(save(world)) & before


def digests(file: Path) -> set[str]:
    return set(re.findall(r"[0-9a-f]{64}", file.read_text()))


def test_a_file_that_somebody_changed_sends_nothing(reviewed: tuple[World, Path]) -> None:
    world, _ = reviewed
    file = save(world, "--audience", CHURN)
    document = json.loads(file.read_bytes())
    [audience] = document["destinations"][0]["audiences"]
    for changed, difference in (
        ({"digest": "0" * 64}, f"segment, {CHURN}: {OTHERS}"),
        ({"added": 1}, f"segment, {CHURN}: added 1 reviewed, 2 now"),
    ):
        destination = {**document["destinations"][0], "audiences": [{**audience, **changed}]}
        file.write_text(json.dumps({**document, "destinations": [destination]}))
        assert refused(world, file) == [difference]
    file.write_text(json.dumps({**document, "only_audiences": []}))
    assert refused(world, file) == [f"segment, {VIP}: was not reviewed; now 1 added, 2 removed"]


def test_a_plan_is_saved_in_the_place_of_an_earlier_one_and_of_nothing_else(
    reviewed: tuple[World, Path], tmp_path: Path
) -> None:
    world, file = reviewed
    assert save(world) == file
    link, elsewhere = tmp_path / "link", tmp_path / "elsewhere"
    elsewhere.write_text("somebody's")
    link.symlink_to(elsewhere)
    for place in (link, Path("/dev/null"), tmp_path / "no" / "folder", file / "below"):
        done = world.command("plan", "--out", str(place))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(place) in done.stderr
    assert elsewhere.read_text() == "somebody's"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_plan_without_some_destination_is_not_saved(reviewed: tuple[World, Path]) -> None:
    world, file = reviewed
    file.unlink()
    world.pause()
    done = world.command("plan", "--out", str(file))
    assert (done.returncode, file.exists()) == (2, False)
    assert "every destination is paused" in done.stderr


def test_a_file_that_is_no_plan_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_MOST_BYTES", 1000)
    for file, why in (("/dev/zero", "is too large"), ("/nowhere", "cannot be read"), (str(world.config), "is no plan")):
        done = world.command("sync", "--plan", file)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{file}: {why}" in done.stderr


def test_people_are_read_as_they_are_printed(reviewed: tuple[World, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = reviewed
    monkeypatch.setattr(state, "_TOGETHER", 2)
    found: list[tuple[str, bool]] = []

    def look(connection: Connection, planned: TargetPlan) -> None:
        for person in forecast.people(connection, planned, None):
            open_cursors = connection.execute("SELECT count(*) FROM pg_cursors WHERE name = 'list_people'").fetchone()
            found.append((person.contact, open_cursors == (1,)))

    with app.opened(opening.load(world.config, {})) as opened:
        sync.preview(opened.job(), Stop(), Quiet(), look)
    assert len(found) == 5
    assert all(is_open for _, is_open in found)
    *people, plan = map(json.loads, world.command("plan", "--people", "0", "--json").stdout.splitlines())
    assert [person["contact"] for person in people] == [contact for contact, _ in found]
    assert (plan["run_id"], plan["status"], plan["forecast"][0]["calls"]) == (None, "planned", 5)
