"""Alerts on a real loopback receiver: one message when something begins to be wrong, one when it is well again."""

import json
import random
import string
import threading
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from syncer import control
from syncer.daemon import alerts, channels, lateness
from syncer.receivers.loopback import Answer, Call, Ending, Loopback
from syncer.receivers.segment import ReceivedRequest
from syncer.state import State
from syncer.stopping import Stop
from syncer.sync import Result
from tests.world import VIP, World, members

NEW = "New Customers"
TOKEN = "t0ken-of-the-phone"


class Phone:
    """Takes messages as Apprise sends them to `json://`, and heartbeats at /heart."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.beats = 0
        self.broken = False
        self.http = Loopback(self._take)

    def _take(self, call: Call) -> Ending:
        with self.http.changed:
            if self.broken:
                return Answer(500)
            if call.path == "/heart":
                self.beats += 1
            else:
                said = json.loads(call.body)
                self.messages.append((said["title"].removeprefix("syncer: "), said["message"]))
            return Answer(200)

    @property
    def place(self) -> str:
        return self.http.url.removeprefix("http://")

    @property
    def urls(self) -> str:
        return f'urls = ["json://{self.place}/{TOKEN}"]\nheartbeat_url = "{self.http.url}/heart"\n'

    def heard(self) -> list[tuple[str, str]]:
        """The messages since the last time."""
        with self.http.changed:
            messages, self.messages = self.messages, []
            return messages

    def titles(self) -> list[str]:
        return [title for title, _ in self.heard()]


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    with phone.http:
        yield phone
    assert phone.http.violations == []


@pytest.fixture
def run(world: World, phone: Phone) -> Callable[..., Result]:
    """A run whose result is told by a new process, so to say: it knows what the state knows."""

    def sync(stop: Stop | None = None) -> Result:
        result = world.sync(stop)
        book(world, phone).review_run(result)
        return result

    return sync


def channel(phone: Phone) -> channels.Apprise:
    return channels.Apprise([SecretStr(f"json://{phone.place}/{TOKEN}")], SecretStr(f"{phone.http.url}/heart"))


def book(world: World, phone: Phone) -> alerts.AlertLog:
    return alerts.AlertLog(State(world.state_url, "syncer"), channel(phone))


def test_a_quiet_week_is_quiet_but_for_its_heart(world: World, phone: Phone, run: Callable[..., Result]) -> None:
    for count in (3, 4, 2):
        world.warehouse.replace(members(count))
        run()

    assert (phone.heard(), phone.beats) == ([], 3)


def test_a_hold_is_told_once_with_numbers_and_the_way_out(
    world: World, phone: Phone, run: Callable[..., Result]
) -> None:
    world.extra = "[guard]\nmin_removed = 2\n"
    world.warehouse.replace([*members(10), *members(8, NEW)])
    run()
    world.warehouse.replace([*members(1), *members(1, NEW)])
    run()
    [(title, text)] = phone.heard()
    assert title == "held for approval"
    assert "VIP Buyers at segment: 9 contacts wait to be told false: 9 of 10 contacts would be told false" in text
    assert "New Customers at segment: 7 contacts" in text
    assert "syncer approve 2" in text

    run()
    assert phone.heard() == []
    with world.state() as state:
        control.approve(state, 2, [VIP], [])
    run()
    [(title, text)] = phone.heard()
    assert (title, text) == ("recovered", "no longer held: VIP Buyers at segment, to be told false")
    world.warehouse.replace([*members(1), *members(8, NEW)])
    run()

    assert [title for title, _ in phone.heard()] == ["recovered"]
    assert phone.beats == 2  # not while anything was held


def test_a_destination_that_fails_and_then_refuses_and_then_is_well(
    world: World, phone: Phone, run: Callable[..., Result]
) -> None:
    world.warehouse.replace(members(3))
    for answer, expected in (
        (Answer(503), ["failed", "incomplete"]),
        (Answer(503), []),
        (Answer(401), ["a destination refuses the account"]),
        (Answer(401), []),
        (None, ["recovered"]),
        (None, []),
    ):
        world.receiver.script = (lambda _, answer=answer: answer) if answer else None
        run()
        assert phone.titles() == expected, answer


def test_refused_contacts_are_told_once_however_long_they_wait(
    world: World, phone: Phone, run: Callable[..., Result]
) -> None:
    def refuse(request: ReceivedRequest) -> Answer | None:
        words = json.dumps({"message": "u0001@x.io has the key test-write-key"}).encode()
        known = any(event["userId"] == "u0001" for event in request.events)
        return Answer(400, {}, words) if known else None

    world.warehouse.replace(members(3))
    world.receiver.script = refuse
    run()
    [(title, text)] = phone.heard()
    assert title == "incomplete"
    assert "segment: 1 contacts were refused" in text
    assert "syncer history 1" in text
    for _ in range(3):  # tried again, waits, tried again
        run()
    assert phone.heard() == []

    world.receiver.script = None
    for _ in range(3):
        run()
    assert phone.heard() == []
    run()  # the next one in which it is tried
    assert phone.heard() == [("recovered", "no longer incomplete: segment")]


def test_an_audience_that_is_set_aside(world: World, phone: Phone, run: Callable[..., Result]) -> None:
    world.warehouse.replace([*members(2), ("???", "u9", "u9@x.io")])
    run()
    [(title, text)] = phone.heard()
    assert title == "incomplete"
    assert "??? is set aside: " in text
    run()
    assert phone.heard() == []


def test_a_warehouse_that_is_gone_says_nothing_of_the_rest(
    world: World, phone: Phone, run: Callable[..., Result]
) -> None:
    world.extra = "[guard]\nmin_removed = 2\n"
    world.warehouse.replace(members(10))
    run()
    world.warehouse.replace(members(1))
    run()
    assert phone.titles() == ["held for approval"]
    world.warehouse.run("ALTER TABLE members RENAME TO moved")
    run()
    [(title, text)] = phone.heard()
    assert title == "failed"
    assert "run 3: " in text
    run()
    assert phone.heard() == []
    world.warehouse.run("ALTER TABLE moved RENAME TO members")
    run()

    assert phone.heard() == [("recovered", "no longer failed: the run")]


def test_what_was_interrupted_says_nothing(world: World, phone: Phone, run: Callable[..., Result]) -> None:
    world.warehouse.replace(members(3))
    stop = Stop()
    stop.asked.set()
    assert run(stop).report.status == "interrupted"

    assert (phone.heard(), phone.beats) == ([], 0)


def test_a_message_that_nobody_took_is_told_by_the_next_run(
    world: World, phone: Phone, run: Callable[..., Result]
) -> None:
    world.warehouse.replace(members(3))
    world.receiver.script = lambda _: Answer(401)
    phone.broken = True
    run()
    phone.broken = False
    run()
    assert phone.titles() == ["a destination refuses the account"]

    world.receiver.script = None
    phone.broken = True
    run()
    phone.broken = False
    run()
    assert phone.titles() == ["recovered"]


def test_one_who_cannot_be_reached_does_not_have_the_others_hear_twice(
    world: World, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    world.warehouse.replace(members(3))
    world.receiver.script = lambda _: Answer(401)
    urls = [SecretStr(f"json://127.0.0.1:9/{TOKEN}"), SecretStr(f"json://{phone.place}/{TOKEN}")]
    for _ in range(2):
        alerts.AlertLog(State(world.state_url, "syncer"), channels.Apprise(urls, None)).review_run(world.sync())

    assert phone.titles() == ["a destination refuses the account"]


def test_a_state_that_is_lost_is_told_once_and_known_afterwards(world: World, phone: Phone) -> None:
    world.warehouse.replace(members(3))
    good = world.sync()
    lost = alerts.AlertLog(State("postgresql://nobody@127.0.0.1:9/x", "syncer"), channel(phone))
    trouble = {alerts.Condition("late", "the daemon"): "no run did its work"}
    lost.review(trouble)
    lost.review(trouble)
    assert phone.titles() == ["late"]

    lost._state = State(world.state_url, "syncer")
    lost.review_run(good)
    assert phone.heard() == [("recovered", "no longer late: the daemon")]
    assert world.query("SELECT kind FROM alert") == []


def test_late_is_told_once_by_whichever_daemon_sees_it_first_and_ended_once(world: World, phone: Phone) -> None:
    world.warehouse.replace(members(3))
    state = State(world.state_url, "syncer")
    daemons = [alerts.AlertWatcher(state, channel(phone)) for _ in range(3)]

    for why in ("no run did its work", "no run did its work", None, None):
        for each in daemons:
            each.stands(lateness.LATE, why)
        for each in daemons:
            each._thread.submit(lambda: None).result()
    for each in daemons:
        each.close()

    assert phone.heard() == [("late", "no run did its work"), ("recovered", "no longer late: the daemon")]
    assert world.query("SELECT count(*) FROM alert_turn") == [(0,)]


def test_late_is_told_again_until_somebody_takes_it(
    world: World, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "_AGAIN_SECONDS", 0.0)
    watch = alerts.AlertWatcher(State(world.state_url, "syncer"), channel(phone))
    for broken in (True, False, False):
        phone.broken = broken
        watch.stands(lateness.LATE, "no run did its work")
        watch._thread.submit(lambda: None).result()
    watch.close()
    assert phone.heard() == [("late", "no run did its work")]


def test_the_turn_of_a_process_that_was_killed_ends_by_itself(
    world: World, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.query(
        "INSERT INTO alert_turn (token, ends_at)"
        " VALUES (gen_random_uuid(), clock_timestamp() + interval '300 milliseconds') RETURNING ends_at"
    )
    book(world, phone).review({alerts.Condition("late", "the daemon"): "no run did its work"})
    assert phone.titles() == ["late"]


def test_messages_leave_while_the_next_run_is_under_way(world: World, phone: Phone) -> None:
    """A phone that does not answer holds nobody up."""
    answered = threading.Event()
    phone.http._respond = lambda call: Answer(200 if answered.wait(10) else 500)
    watch = alerts.AlertWatcher(State(world.state_url, "syncer"), channel(phone))
    world.warehouse.replace(members(3))
    world.receiver.script = lambda _: Answer(401)
    watch.ran(world.sync())
    assert phone.http.wait_for(lambda: phone.http.in_progress == 1)
    world.receiver.script = None
    assert world.sync().report.status == "succeeded"
    answered.set()
    watch.close()


def test_the_command_tells_too_and_prints_no_secret(world: World, phone: Phone) -> None:
    world.warehouse.replace(members(3))
    world.extra = f"[alerts]\n{phone.urls}"
    world.receiver.script = lambda _: Answer(401, {}, b"the key test-write-key of u0001@x.io")
    done = world.command("-v", "sync")
    assert done.returncode == 7
    [(title, text)] = phone.heard()
    assert title == "a destination refuses the account"
    for secret in ("test-write-key", "u0001@x.io"):
        assert secret not in text
    phone.broken = True
    world.receiver.script = None
    done = world.command("-v", "sync")
    assert done.returncode == 0
    for told in (done.stdout, done.stderr):
        assert TOKEN not in told
        assert "/heart" not in told
    assert "alerts.urls[0]" in done.stderr


def test_a_disk_is_full_until_the_lookout_says_otherwise(world: World, phone: Phone) -> None:
    world.warehouse.replace(members(3))
    log, full = book(world, phone), alerts.Condition(*lateness.FULL)
    log.review({full: "499 MB left"})
    log.review_run(world.sync(trigger="schedule"))
    assert phone.titles() == ["a disk fills up"]
    log.review({}, ended=[full])
    assert phone.titles() == ["recovered"]


def test_a_plan_alerts_nobody(world: World, phone: Phone) -> None:
    world.warehouse.replace([*members(3), ("!!!", "u9", "x@x.io")])
    world.extra = f"[alerts]\n{phone.urls}"
    done = world.command("plan")
    assert done.returncode == 0
    assert "!!!" in done.stdout
    assert (phone.heard(), phone.beats) == ([], 0)
    assert world.query("SELECT count(*) FROM alert") == [(0,)]


def test_a_daemon_tells_of_many_failed_runs_once_and_of_being_late(world: World, phone: Phone) -> None:
    world.warehouse.replace(members(3))
    world.extra = f'[health]\nlisten = ""\n[schedule]\nevery = "1s"\njitter = "0s"\n[alerts]\n{phone.urls}'
    world.receiver.script = lambda _: Answer(401)
    with world.start("daemon") as process:
        try:
            assert phone.http.wait_for(lambda: len(phone.messages) == 2, 60)
            failed = world.query("SELECT count(*) FROM sync_runs WHERE status = 'failed'")
            assert sorted(phone.titles()) == ["a destination refuses the account", "late"]
            assert failed[0][0] >= 2
            world.receiver.script = None
            assert phone.http.wait_for(lambda: phone.beats >= 2, 60)
        finally:
            process.terminate()
            _, talk = process.communicate(timeout=60)

    heard = phone.heard()  # one message, or two where the lookout looks between a run's end and its review
    assert {title for title, _ in heard} == {"recovered"}
    assert sorted(line for _, text in heard for line in text.splitlines()) == [
        "no longer late: the daemon",
        "no longer refused: segment",
    ]
    assert TOKEN not in talk
    assert process.returncode == 0


def test_an_audience_whose_name_is_too_long_for_an_index_is_said_once(
    world: World, run: Callable[..., Result], phone: Phone
) -> None:
    name = "".join(random.Random(3).choices(string.ascii_letters, k=9000))
    world.warehouse.replace([*members(1), *members(1, name)])

    result = run()
    assert run().report.status == "incomplete"

    assert phone.titles() == ["incomplete"]
    assert {len(each.name) for each in result.report.audiences} == {len(VIP), 501}
    assert [len(each["audience"]) for each in world.verify().problems] == [501]
    assert {len(each.name) for each in world.preview().audiences} == {len(VIP), 501}
