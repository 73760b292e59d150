"""What people do on pages: what they reviewed, or nothing; and the history says who they are."""

import re
import threading

import httpx
import psycopg
import pytest

from tests.integration.console.conftest import GUARDED, TOKEN, Served, confirmed, reviewed, sent
from tests.integration.test_suppression import LIST, suppress
from tests.world import GUARD_FROM_TWO, VIP, World, members

ALL = (
    "approve?run=2",
    "pause",
    "pause?audiences=VIP+Buyers&destinations=segment",
    "resume",
    "retire?audience=vip_buyers",
    "retry",
    "sync",
    "resync",
)


@pytest.fixture
def held(world: World) -> World:
    """Run 2 held four removals."""
    world.extra = GUARD_FROM_TWO + GUARDED
    world.warehouse.replace(members(6))
    world.sync()
    world.warehouse.replace(members(2))
    world.sync()
    return world


def asked(world: World) -> list[tuple[str, str, int | None]]:
    return world.query("SELECT action, actor, uid FROM operator_actions ORDER BY at")


def approved(world: World) -> int:
    return int(world.query("SELECT count(*) FROM held_change WHERE approved_at IS NOT NULL")[0][0])


def test_what_was_reviewed_is_approved_and_who_did_it_is_known(held: World, served: Served) -> None:
    console = served(held)

    review = console.get("/actions/approve.json?run=2").json()
    done = confirmed(console, "/actions/approve?run=2")

    assert [(row["property"], row["op"], row["contacts"]) for row in review["rows"]] == [("vip_buyers", "removed", 4)]
    assert review["command"] == "syncer approve 2"
    assert done.status_code == 200
    assert "approved 4 changes; they go out with the next run" in done.text
    assert asked(held) == [("approve", "ops@127.0.0.1", None)]
    held.sync()
    assert held.held() == set()


def test_other_contacts_than_those_that_were_reviewed_are_not_approved(held: World, served: Served) -> None:
    """As many as before, but other people: one came back, and another left."""
    console = served(held)
    seen = reviewed(console, "/actions/approve?run=2")
    with psycopg.connect(held.state_url) as connection:
        connection.execute("SET search_path = syncer")
        connection.execute("UPDATE held_change SET contact = 'other@x.io' WHERE contact = 'u0003@x.io'")

    moved = sent(console, "/actions/approve?run=2", token=TOKEN, **seen)

    assert moved.status_code == 409
    assert "what was reviewed moved meanwhile; nothing was done" in moved.text
    assert "What you saw" in moved.text
    assert "How it is now" in moved.text
    assert (approved(held), asked(held)) == (0, [])
    with psycopg.connect(held.state_url) as connection:
        connection.execute("SET search_path = syncer")
        connection.execute("UPDATE held_change SET contact = 'u0003@x.io' WHERE contact = 'other@x.io'")


def test_of_two_who_approve_at_once_one_does(held: World, served: Served) -> None:
    console = served(held)
    seen = reviewed(console, "/actions/approve?run=2")
    together = threading.Barrier(2)
    answers: list[httpx.Response] = []

    def approve() -> None:
        together.wait(30)
        answers.append(sent(console, "/actions/approve?run=2", token=TOKEN, **seen))

    both = [threading.Thread(target=approve) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (approved(held), asked(held)) == (4, [("approve", "ops@127.0.0.1", None)])


def test_every_action_needs_the_token_and_a_form_of_ours(held: World, served: Served) -> None:
    console = served(held)
    mine = str(console.base_url).rstrip("/")
    for address in (f"/actions/{path}" for path in ALL):
        seen = reviewed(console, address)

        def status(token: str = TOKEN, **headers: str) -> int:
            return console.post(address, data={**seen, "token": token}, headers=headers).status_code  # noqa: B023

        assert sent(console, address, **seen).status_code == 401
        assert status(token="wrong", Origin=mine) == 401
        assert status(Origin="https://evil.example") == 403
        assert status(Origin="null") == 403
        assert status(**{"Origin": mine, "Sec-Fetch-Site": "cross-site"}) == 403
        assert status(**{"Origin": mine, "Sec-Fetch-Site": "same-site"}) == 403
        assert status() == 401
        assert sent(console, address, token=TOKEN, seen="").status_code == 400
    assert asked(held) == []
    assert held.query("SELECT count(*) FROM sync_runs") == [(2,)]


def test_pause_resume_and_retire(held: World, served: Served) -> None:
    console = served(held)

    paused = confirmed(console, "/actions/pause?audiences=VIP+Buyers")
    pauses = console.get("/actions/resume.json?audiences=vip_buyers").json()["rows"]
    resumed = confirmed(console, "/actions/resume?audiences=vip_buyers")
    retired = confirmed(console, "/actions/retire?audience=vip_buyers")

    assert "paused &#39;VIP Buyers&#39; at every destination" in paused.text
    assert [(each["audience"], each["destination"]) for each in pauses] == [(VIP, "all")]
    assert "resumed &#39;vip_buyers&#39;" in resumed.text
    assert "the next run tells false to 6 contacts" in retired.text
    assert asked(held) == [(name, "ops@127.0.0.1", None) for name in ("pause", "resume", "retire")]
    held.sync()
    assert held.believed() == set()


def test_a_pause_that_moved_meanwhile(held: World, served: Served) -> None:
    console = served(held)
    seen = reviewed(console, "/actions/pause")
    held.command("pause", VIP)

    assert sent(console, "/actions/pause", token=TOKEN, **seen).status_code == 409
    assert held.query("SELECT count(*) FROM pause") == [(1,)]


NO_REVIEW = (
    ("approve", 400, "missing required field `run`"),
    ("approve?run=x", 400, "the address is not what is asked for"),
    ("approve?run=1&other=2", 400, "unknown field `other`"),
    ("pause?audiences=", 400, "the address is not what is asked for"),  # it is not every audience
    ("retry?who=", 400, "the address is not what is asked for"),
    ("approve?run=99", 422, "there is no run 99"),
    ("retire?audience=nobody", 422, "no audience &#39;nobody&#39; was ever synced"),
    ("pause?destinations=nowhere", 422, "nowhere"),
    ("pause?audiences=nobody", 422, "no audience &#39;nobody&#39; was ever synced"),
    ("resync?audiences=nobody", 422, "no audience &#39;nobody&#39; was ever synced"),
    ("forget", 404, "there is no such page"),
)


def test_what_cannot_be_reviewed(held: World, served: Served) -> None:
    console = served(held)
    for path, status, words in NO_REVIEW:
        answer = console.get(f"/actions/{path}")
        assert (answer.status_code, words in answer.text) == (status, True), (path, answer.text)


def test_without_a_token_the_command_is_shown_and_nothing_is_done(held: World, served: Served) -> None:
    held.extra = GUARD_FROM_TWO
    console = served(held)
    for path in ALL:
        page = console.get(f"/actions/{path}").text
        assert "<form" not in page
        assert f"<code>syncer {path.split('?')[0]}" in page
        given = sent(console, f"/actions/{path}", token=TOKEN, digest="0")
        assert (given.status_code, "there is no `console.token`" in given.text) == (403, True)
    assert console.get("/runs/1.json", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 403
    assert asked(held) == []


def test_addresses_are_shown_to_who_gives_the_token(held: World, served: Served) -> None:
    console = served(held)
    path = "/person?who=u0001"
    assert "u0001@x.io" not in console.get(path).text
    assert sent(console, "/runs/2").status_code == 401
    shown = sent(console, path, token=TOKEN)
    assert "u0001@x.io" in shown.text
    assert TOKEN not in shown.text
    assert "u0001@x.io" not in console.get(path).text  # nothing is kept
    assert "set-cookie" not in shown.headers
    as_json = console.get("/person.json?who=u0001", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "u0001@x.io" in as_json.text
    assert console.post("/person.json?who=u0001", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_hostile_names_are_text_on_a_confirmation_and_are_what_they_name(world: World, served: Served) -> None:
    hostile = "<script>alert(1)</script>'\"&amp; \x1b]0;x\x07\u202e" + "x" * 200
    world.extra = GUARD_FROM_TWO + GUARDED
    world.warehouse.replace([*members(3, hostile), *members(3)])
    world.sync()
    console = served(world)
    for name in ("pause", "resume", "retire"):
        named = {"audience" if name == "retire" else "audiences": hostile}
        page = console.get(f"/actions/{name}", params=named)
        assert page.status_code == 200
        assert "<script" not in page.text.partition("<main")[2]
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", page.text)
        path = str(page.request.url).removeprefix(str(console.base_url))
        done = confirmed(console, f"/{path.lstrip('/')}")
        assert (done.status_code, "<script" in done.text.partition("<main")[2]) == (200, False)
        seen = {"digest": "0", "seen": '[{"a": "<script>", "b": null, "c": 1.5}]'}
        moved = sent(console, f"/{path.lstrip('/')}", token=TOKEN, **seen)
        assert (moved.status_code, "<script" in moved.text.partition("<main")[2]) == (409, False)
        for nonsense in ("{", '[{"a": {}}]', "[" * 9000, '{"a": 1}', "\ufffe"):
            sorry = sent(console, f"/{path.lstrip('/')}", token=TOKEN, digest="0", seen=nonsense)
            assert (sorry.status_code, "What you saw" in sorry.text) == (409, False)
    recorded = world.query("SELECT arguments FROM operator_actions WHERE action = 'retire'")
    assert recorded == [({"audience": hostile},)]
    assert console.get("/actions/retire", params={"audience": "x" * 10_000}).status_code == 431
    assert console.get("/actions/retire", params={"audience": "x" * 1_000}).status_code == 400


def test_a_list_of_the_suppressed_is_approved_as_such(world: World, served: Served) -> None:
    world.extra = LIST + GUARD_FROM_TWO + GUARDED
    world.warehouse.replace(members(9))
    world.warehouse.run("CREATE TABLE unsubscribed (user_id text, email text)")
    suppress(world, "u0000@x.io", "u0001@x.io")
    world.sync()
    suppress(world, *(f"u000{number}@x.io" for number in range(4)))
    world.sync()
    console = served(world)

    review = console.get("/actions/approve.json?run=2").json()

    assert (
        review["question"] == "Let 0 changes and one list of the suppressed pass with the next run, which run 2 held?"
    )
    assert [(row["op"], row["contacts"]) for row in review["rows"]] == [("suppress", 4)]
    held = console.get("/runs/2").text
    assert "the list had 2 names before" in held
    leads_to = set(re.findall(r'href="(/(?:audiences|lists)[^"]*)"', held))
    assert leads_to == set(), "it is about no audience, and holds nobody who could be listed"
    assert confirmed(console, "/actions/approve?run=2").status_code == 200
    assert world.sync().report.status == "succeeded"
