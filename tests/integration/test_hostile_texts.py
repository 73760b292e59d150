"""Names, ids and words that would steer a terminal: no command prints them raw, and none of them begins a line."""

import json
from collections.abc import Iterator

import pytest

from syncer.daemon import alerts
from syncer.receivers.loopback import Answer
from syncer.receivers.segment import ReceivedRequest
from syncer.state import State
from tests.world import VIP, World, members

EVIL = "\x1b]0;title\x07\x1b]52;c;Y2xpcA==\x07\x9b2J\u202e\u2066\nsegment\tforged\r"
AUDIENCE = f"Gold {EVIL}"
USER = f"user {EVIL}"


@pytest.fixture
def hostile(world: World) -> Iterator[World]:
    def refuse(request: ReceivedRequest) -> Answer | None:
        words = json.dumps({"message": f"no {EVIL}"}).encode()
        return Answer(400, {}, words) if any(event["userId"] == "u0001" for event in request.events) else None

    world.receiver.script = refuse
    world.warehouse.replace([*members(3), (AUDIENCE, USER, "gold@x.io"), (AUDIENCE, "u9", f"{EVIL}@x.io")])
    yield world
    world.receiver.script = None


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_no_command_prints_them_raw(hostile: World, as_json: tuple[str, ...]) -> None:
    said = [hostile.command("plan", *as_json), hostile.command("sync", *as_json)]
    for command in (["history"], ["history", "1"], ["status"], ["verify"], ["explain", USER]):
        said.append(hostile.command(*command, *as_json))
    said.append(hostile.command("sync", "--audience", EVIL))
    said.append(hostile.command("retire", EVIL))
    said.append(hostile.command("history", EVIL))
    said.append(hostile.command("forget", USER, "gold@x.io", "--yes", *as_json))

    for done in said:
        for line in [*done.stdout.split("\n"), *done.stderr.split("\n")]:
            assert line.isprintable() or line.replace("\t", "").isprintable(), (done.args, line)
            assert not line.startswith(("segment\tforged", "forged")), done.args
    assert "Gold" in said[0].stdout


def test_what_a_user_forgets_is_a_line_for_each_contact(hostile: World) -> None:
    hostile.destination_extra += '\nidentity = "user_id"'
    hostile.sync()

    done = hostile.command("forget", USER, "--yes")

    [line] = done.stdout.splitlines()
    assert line.split("\t")[0] == "segment"
    assert line.count("\t") == 1
    assert line.endswith(r"\nsegment\tforged\r")


class Phone:
    """Hears alerts."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def send(self, title: str, body: str) -> bool:
        self.heard.append((title, body))
        return True

    def beat(self) -> None: ...


def alerts_of(world: World) -> list[tuple[str, str]]:
    phone = Phone()
    alerts.AlertLog(State(world.state_url, "syncer"), phone).review_run(world.sync())
    return phone.heard


PERSON = "Ada +49 170 1234567"


@pytest.mark.parametrize(
    "extra",
    ['[[audiences]]\nname = "A"\nquery = "SELECT * FROM members WHERE user_id::integer > 0"', 'member = "user_id"'],
    ids=["cast", "member"],
)
def test_an_alert_says_nothing_of_the_row_that_reading_fails_at(world: World, extra: str) -> None:
    world.warehouse.replace([(VIP, PERSON, "ada@x.io")])
    world.extra = extra

    [(title, body)] = alerts_of(world)

    assert title == "syncer: failed"
    assert body.endswith("(in full: syncer history 1)")
    assert "Ada" not in body


def test_an_alert_repeats_no_words_of_a_receiver(world: World) -> None:
    world.warehouse.replace(members(3))
    world.receiver.script = lambda _: Answer(401, {}, f"{PERSON} may not".encode())

    [(title, body)] = alerts_of(world)

    assert title == "syncer: a destination refuses the account"
    assert "answered 401" in body
    assert "Ada" not in body


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "\udcff"],
        ["retry", "\udcff"],
        ["retire", "\udcff"],
        ["sync", "--audience", "\udcff"],
        ["approve", "1", "--destination", "\udcff"],
        ["history", "--limit", "99999999999999999999"],
    ],
)
def test_bytes_of_the_shell_that_are_no_text_are_a_wrong_use(world: World, arguments: list[str]) -> None:
    done = world.command(*arguments)
    assert done.returncode == 2
    assert "Error: Invalid value for " in done.stderr
