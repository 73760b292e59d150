"""Everything that faulty runs print: no secret ever, and no address where people or machines read along."""

import json
import re
import signal
from collections.abc import Callable

import psycopg
import pytest

from syncer.receivers.loopback import Answer, Ending
from syncer.receivers.segment import ReceivedRequest
from tests.world import DEADLINE, World, until

PEOPLE = [(audience, f"u{n}", f"person{n}@private.example") for n in range(4) for audience in ("VIP Buyers", "Q4")]
PASSWORD = "the-pass-word"
KEY = "test-write-key"
SECRETS = (PASSWORD, KEY, "token-of-the-hook")

Cause = Callable[[World], None]


def answering(ending: Ending) -> Cause:
    def cause(world: World) -> None:
        world.receiver.script = lambda _: ending

    return cause


def one_is_refused(world: World) -> None:
    def refuse(request: ReceivedRequest) -> Answer | None:
        known = any(event["userId"] == "u1" for event in request.events)
        return Answer(400, {}, quoting("not this one")) if known else None

    world.receiver.script = refuse


def the_warehouse_quotes_a_row(world: World) -> None:
    world.warehouse.run(
        "CREATE FUNCTION broken() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
        " 'bad row of person1@private.example' USING DETAIL = 'person2@private.example'; END $$"
    )
    world.warehouse.run("ALTER TABLE members RENAME TO broken_members")
    world.warehouse.run("CREATE VIEW members AS SELECT broken() AS audience_name, user_id, email FROM broken_members")


def the_state_quotes_a_row(world: World) -> None:
    with psycopg.connect(world.state_url) as connection:
        connection.execute("ALTER TABLE syncer.synced_member ADD CHECK (contact NOT LIKE 'person3%') NOT VALID")


def a_hold(world: World) -> None:
    world.extra = world.extra.replace("min_removed = 100", "min_removed = 1")
    world.receiver.script = None
    assert world.command("sync").returncode == 0
    world.warehouse.replace(PEOPLE[:2])


def quoting(words: str) -> bytes:
    return json.dumps({"message": f"{words}: person1@private.example sent the key {KEY}"}).encode()


CAUSES = {
    "credentials": answering(Answer(401, {}, quoting("no such key"))),
    "gone": answering(Answer(404, {"Location": f"https://x.example/{KEY}"}, quoting("moved"))),
    "redirect": answering(Answer(302, {"Location": f"https://x.example/?k={KEY}"}, b"")),
    "every batch refused": answering(Answer(400, {}, quoting("bad batch"))),
    "one refused": one_is_refused,
    "overloaded": answering(Answer(429, {"Retry-After": "2000"}, quoting("slow down"))),  # no run waits that long
    "warehouse": the_warehouse_quotes_a_row,
    "state": the_state_quotes_a_row,
    "held": a_hold,
}


@pytest.fixture
def faulty(world: World) -> World:
    separator = "&" if "?" in world.state_url else "?"
    world.state_url += f"{separator}password={PASSWORD}"  # trust asks for none
    world.warehouse.replace(PEOPLE)
    world.extra = (
        "[guard]\nmin_removed = 100\n[health]\nlisten = ''\n"
        '[alerts]\nurls = ["json://127.0.0.1:9/token-of-the-hook"]\nheartbeat_url = "http://127.0.0.1:9/token-of-the-hook"\n'
    )
    return world


def assert_discreet(*texts: str) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret not in text, text
        plain = re.sub(r"\s*\n\s*", "", text)  # a terminal's width cuts no address in two
        assert "private.example" not in plain, text


@pytest.mark.parametrize("cause", CAUSES)
def test_commands_of_a_faulty_run_print_no_person_and_no_secret(faulty: World, cause: str) -> None:
    CAUSES[cause](faulty)
    for arguments in (["-v", "sync"], ["sync", "--json"], ["status", "--json"], ["history"]):
        done = faulty.command(*arguments)
        assert_discreet(done.stdout, done.stderr)
    assert_discreet(faulty.command("-v", "verify").stderr)
    kept = faulty.query("SELECT error FROM sync_runs UNION ALL SELECT error FROM sync_run_destinations")
    assert_discreet(*(error for (error,) in kept if error))


@pytest.mark.parametrize(
    ("cause", "form"), [("credentials", "json"), ("one refused", "human"), ("warehouse", "json"), ("state", "human")]
)
def test_a_daemon_in_trouble_logs_no_person_and_no_secret(faulty: World, cause: str, form: str) -> None:
    CAUSES[cause](faulty)
    faulty.extra += f'[log]\nformat = "{form}"\n[schedule]\nevery = "1s"\njitter = "0s"\n'
    with faulty.start("daemon") as process:
        until(lambda: len(faulty.query("SELECT FROM run WHERE phase = 'closed'")) > 1)
        process.send_signal(signal.SIGTERM)
        out, talk = process.communicate(timeout=DEADLINE)

    assert_discreet(out, talk)
    assert process.returncode == 0, talk
    if form == "json":
        lines = [json.loads(line) for line in talk.splitlines() if line.startswith("{")]
        assert any("run_id" in line for line in lines)
