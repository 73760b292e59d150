"""A webhook that says what it believes: runs in between, kills, hostile answers, its pace, its silence."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from syncer import app, errors, opening
from syncer.console.views import destinations
from syncer.daemon import health
from syncer.daemon.lateness import Lookout
from syncer.daemon.reconciler import Reconciler
from syncer.delivery.pacing import Clock
from syncer.receivers.loopback import Answer, Ending, Hang, Reset, Truncate
from syncer.reconciling import asking
from syncer.reconciling.judging import Accepted
from syncer.reconciling.reconcile import Question, Reconciling, Report
from syncer.reconciling.record import Reconciliation
from syncer.schedule import Cadence
from syncer.state import State
from syncer.stopping import Stop
from tests.list_receiver import ListReceiver
from tests.points import Killed, Points
from tests.world import CHURN, IMPATIENT, VIP, World, members, until

TOKEN = "t0ken-of-the-lists"

READ = """[destinations.templates.read]
path = "/people/{{ email }}"
values = "/person/properties"
changed_at = "/person/changed"
"""


@pytest.fixture
def lists(world: World) -> Iterator[ListReceiver]:
    """A second destination, which was told of ten people."""
    with ListReceiver(TOKEN) as receiver:
        world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "lists"
type = "webhook"
url = "{receiver.url}"
headers = {{ Authorization = "Bearer {TOKEN}" }}
batch = 10
[destinations.templates.changed]
path = "/people"
body = '''{{{{ {{"id": message_id, "email": email}} | merge(properties) }}}}'''
envelope = '''{{"key": "k3y-of-the-lists", "people": {{{{ items }}}}}}'''
{READ}
"""
        world.warehouse.replace([*members(10), *members(2, CHURN)])
        assert world.command("sync").returncode == 0
        yield receiver
        assert receiver.violations == []


class Heard:
    """Learns how far it is."""

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self.is_new: list[bool] = []

    def begun(self, standing: Reconciliation, *, is_new: bool) -> None:
        self.is_new.append(is_new)

    def waits(self) -> None:
        self.waiting.set()

    def asked(self, contacts: int) -> None: ...


def ask(world: World, heard: Heard | None = None, stop: Stop | None = None, **options: Any) -> Report:
    """About everybody, in this thread, without patience."""
    with app.opened(opening.load(world.config, {})) as opened:
        target = opened.job((), ["lists"]).targets[0]
        question = Question(**{"sample": None, **options})
        return Reconciling(opened.state, target, question, stop or Stop(), heard or Heard(), patience=IMPATIENT).run(
            100
        )


def kinds(report: Report) -> set[tuple[str, str, str]]:
    return {(each.contact, each.property, each.kind) for each in report.differences}


def test_a_template_says_how_to_ask(world: World, lists: ListReceiver) -> None:
    del lists.belief["u0000@x.io"], lists.belief["u0001@x.io"]["churn_risk"]
    for who in ("u0002@x.io", "u0003@x.io"):
        lists.belief[who]["vip_buyers"] = False
    lists.changed["u0002@x.io"] = datetime.now(UTC).isoformat()
    lists.changed["u0003@x.io"] = "2020-01-01T00:00:00Z"

    done = world.command("reconcile", "lists", "--all")

    assert done.returncode == 9
    assert "6 contacts as accepted, 4 not" in done.stdout
    for line in ("3 missing", "1 stale", "1 changed", "missing (no such contact)"):
        assert line in done.stdout
    assert "made anew" in done.stderr
    assert kinds(ask(world)) == {
        ("u0000@x.io", "vip_buyers", "missing"),
        ("u0000@x.io", "churn_risk", "missing"),
        ("u0001@x.io", "churn_risk", "missing"),
        ("u0002@x.io", "vip_buyers", "changed"),
        ("u0003@x.io", "vip_buyers", "stale"),
    }
    with app.opened(opening.load(world.config, {})) as opened, world.state() as connection:
        shown = destinations.destinations(opened, connection).destinations
    assert [each.reconciled and each.reconciled.differing for each in shown] == [4, None]
    only = ask(world, audiences=["churn_risk"])
    assert kinds(only) == {("u0000@x.io", "churn_risk", "missing"), ("u0001@x.io", "churn_risk", "missing")}
    assert only.reconciliation.contacts == 2


def test_a_sample_estimates_the_whole(world: World, lists: ListReceiver) -> None:
    del lists.belief["u0000@x.io"]

    done = world.command("reconcile", "lists", "--sample", "4", "--json")

    found = json.loads(done.stdout)
    assert (found["reconciliation"]["asked"], found["reconciliation"]["contacts"], len(lists.asked)) == (4, 10, 4)
    assert found["share"]["low"] <= 10 <= found["share"]["high"]
    assert "%) of 10 contacts differ" in world.command("reconcile", "lists", "--sample", "4").stdout


POINTS = [
    "after choose_contacts",
    "before take_asked",
    "after take_asked",
    "after make_due",
    "after add_to_counts",
    "after finish_reconciliation",
]


def test_a_kill_anywhere_repeats_a_page_at_most(
    world: World, lists: ListReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.reconciling.reconcile._PAGE", 3)
    points = Points(monkeypatch)
    for killed_at in POINTS:
        for person in ("u0001@x.io", "u0008@x.io"):
            lists.belief.pop(person)
        lists.asked.clear()
        points.watch(killed_at, points.kill)
        with pytest.raises(Killed):
            ask(world, repairs=True)
        assert points.reached, killed_at
        points.rest()

        heard = Heard()
        report = ask(world, heard, repairs=True)

        standing = report.reconciliation
        is_done = killed_at == "after finish_reconciliation"
        assert heard.is_new == [killed_at == "after choose_contacts" or is_done]
        if not is_done:  # else another one has begun, which leaves alone what is due
            assert (standing.asked, standing.equal, standing.differing, standing.repaired) == (10, 8, 2, 3), killed_at
            assert len(lists.asked) <= 13
        assert world.in_doubt() == {"u0001@x.io", "u0008@x.io"}
        world.sync()
        assert ask(world).reconciliation.differing == 0
    assert world.query("SELECT count(*) FROM contact_to_ask") == [(0,)]


def test_whom_a_run_tells_meanwhile_is_not_judged(world: World, lists: ListReceiver) -> None:
    lists.belief["u0009@x.io"]["vip_buyers"] = False

    def run_in_between(email: str) -> Ending | None:
        if len(lists.asked) == 2:
            world.warehouse.replace([*members(8), *members(2, CHURN)])
            world.sync()
        return None

    lists.answers = run_in_between

    report = ask(world)

    assert kinds(report) == set()
    assert (report.reconciliation.moved, report.reconciliation.equal) == (2, 8)


def test_nor_whom_it_tells_between_looks(world: World, lists: ListReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell() -> None:
        world.sync()

    lists.belief["u0009@x.io"]["vip_buyers"] = False
    world.warehouse.replace([*members(8), *members(2, CHURN)])
    points = Points(monkeypatch)
    lists.answers = lambda email: points.watch("before list_moving", tell)

    assert kinds(ask(world)) == set()
    assert points.reached


def test_nobody_is_asked_while_a_run_is_under_way(world: World, lists: ListReceiver) -> None:
    heard, first = Heard(), [Hang()]
    lists.script = lambda _: first.pop() if first else None
    world.warehouse.replace([*members(11), *members(2, CHURN)])
    runs = threading.Thread(target=world.sync)
    runs.start()
    assert lists.http.wait_for(lambda: not first)
    asks = threading.Thread(target=ask, args=(world, heard))
    asks.start()

    assert heard.waiting.wait(30)
    assert lists.asked == []
    lists.http.release()
    runs.join(30)
    asks.join(30)
    assert len(lists.asked) == 10


def test_an_earlier_one_that_asks_there_goes_first(world: World, lists: ListReceiver) -> None:
    heard = Heard()
    [(destination_id,)] = world.query("SELECT destination_id FROM destination WHERE name = 'lists'")
    earlier = "INSERT INTO reconciliation (destination_id, repairs, scheduled, actor, moved_at) VALUES (%s, %s)"
    values = "false, true, 'me', now() - make_interval(secs => 61)"
    world.query(f"{earlier % (destination_id, values)} RETURNING 1")
    ask(world)
    assert len(lists.asked) == 10
    world.query("UPDATE reconciliation SET moved_at = now() WHERE finished_at IS NULL RETURNING 1")
    asks = threading.Thread(target=ask, args=(world, heard))
    asks.start()

    assert heard.waiting.wait(30)
    assert len(lists.asked) == 10
    world.query("UPDATE reconciliation SET finished_at = now() WHERE scheduled RETURNING 1")
    asks.join(30)
    assert len(lists.asked) == 20


DEEP = b'{"person": {"properties": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}"


HOSTILE: list[tuple[Ending, str]] = [
    (Answer(200, body=b"<!doctype html><html><body>Log in</body></html>"), "answered 200 with a web page"),
    (Answer(404, body=b"<!doctype html><html><body>Not found</body></html>"), "answered 404 with a web page"),
    (Answer(404, {"Content-Encoding": "gzip"}, b"x"), "answered 404 in an encoding that it was not asked for"),
    (Answer(200, body=b"not json"), "answered 200, and no JSON"),
    (Answer(200, body=b""), "answered 200, and no JSON"),
    (Answer(200, body=b"\xff\xfe\x00"), "answered 200, and no JSON"),
    (Answer(200, body=DEEP), "answered 200, and no JSON"),
    (Answer(200, body=b"[]"), "answered without anything at '/person/properties'"),
    (Answer(200, body=b'{"person": 7}'), "answered without anything at '/person/properties'"),
    (
        Answer(200, body=b'{"person": {"properties": [1]}}'),
        "answered with something else than a map at '/person/properties'",
    ),
    (Answer(200, {"Content-Encoding": "gzip"}, b"x"), "answered 200 in an encoding that it was not asked for"),
    (Answer(418, body=b"u0003@x.io is a teapot"), "answered 418"),
    (Answer(410), "answered 410"),
    (Answer(200, body=b"x" * (1 << 21)), "did not answer, also when asked again"),
    (Truncate(200), "did not answer, also when asked again"),
    (Reset(), "did not answer, also when asked again"),
    (Answer(503, body=b"u0003@x.io"), "answered 503, also when asked again"),
]


def test_what_cannot_be_read_is_counted_with_its_reason(world: World, lists: ListReceiver) -> None:
    for answer, reason in HOSTILE:
        by_contact = {"u0003@x.io": answer}
        lists.answers = by_contact.get

        report = ask(world)

        assert report.reconciliation.unreadable == {reason: 1}
        assert (report.reconciliation.asked, report.reconciliation.equal, report.differences) == (10, 9, [])


def test_values_of_any_kind_are_no_trouble(world: World, lists: ListReceiver) -> None:
    strange = b'{"person": {"changed": [1], "properties": {"vip_buyers": %s, "": 1, "churn_risk": true}}}'
    values = [b'"\\u0000\\u202e"', b"1e400", b"123456789012345678901234567890", b"{}", b"null", b'"%s"' % (b"x" * 9999)]
    lists.answers = lambda email: Answer(200, body=strange % values[(len(lists.asked) - 1) % len(values)])

    report = ask(world)

    assert report.reconciliation.unreadable in ({}, {"answered 200, and no JSON": 2})
    assert {each.kind for each in report.differences} == {"stale", "untold"}


def test_a_destination_that_is_silent_or_refuses_us_is_asked_later(world: World, lists: ListReceiver) -> None:
    lists.answers = lambda email: Answer(503) if len(lists.asked) > 4 else None
    with pytest.raises(errors.DestinationUnavailableError):
        ask(world)
    lists.answers = lambda email: Answer(401)
    with pytest.raises(errors.DestinationStoppedError):
        ask(world)
    lists.answers, heard = None, Heard()

    assert ask(world, heard).reconciliation.equal == 10
    assert heard.is_new == [False]


def test_a_stop_is_heeded_and_the_same_question_goes_on(world: World, lists: ListReceiver) -> None:
    stop = Stop()

    def stopping(email: str) -> Ending | None:
        stop.asked.set()
        return None

    lists.answers = stopping
    assert ask(world, stop=stop).reconciliation.finished_at is None
    lists.answers = None
    assert ask(world).reconciliation.reconciliation_id == 1


def test_it_asks_at_the_pace_of_the_destination(world: World, lists: ListReceiver) -> None:
    now = [0.0]

    def pause(_: threading.Event, seconds: float) -> bool:
        now[0] += seconds
        return False

    with app.opened(opening.load(world.config, {})) as opened, opened.state.connect("test") as connection:
        destination: Any = opened.job((), ["lists"]).targets[0].destination
        destination.rate = replace(destination.rate, per_second=5.0)
        asker = asking.Interview(destination, connection, 1, Stop(), clock=Clock(lambda: now[0], pause))
        who = Accepted("u0001@x.io", 1, "u0001", None, True, 1, None)
        for _ in range(21):
            asker.ask(who)
    assert 3.8 <= now[0] <= 4.1


@pytest.mark.parametrize(
    ("destination", "says"),
    [("segment", "it takes calls, and says nothing"), ("lists", "add [destinations.templates.read]")],
)
def test_who_cannot_be_asked_is_said(world: World, lists: ListReceiver, destination: str, says: str) -> None:
    world.destination_extra = world.destination_extra.replace(READ, "")

    done = world.command("reconcile", destination)

    assert done.returncode == 2
    assert says in done.stderr


def test_the_daemon_asks_now_and_then_while_it_leads(
    world: World, lists: ListReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.daemon.reconciler._LOOK_SECONDS", 0.01)
    world.destination_extra = world.destination_extra.replace(
        "batch = 10", 'batch = 10\nreconcile_every = "1d"\nreconcile_sample = 4'
    )
    del lists.belief["u0003@x.io"]
    finished = "SELECT count(*) FROM reconciliations WHERE scheduled AND finished_at IS NOT NULL AND asked = 4"
    with app.opened(opening.load(world.config, {})) as opened:
        reconciler = Reconciler(opened.state, opened.appointments)
        reconciler.look()
        assert world.query(finished) == [(1,)]
        reconciler.look()
        assert len(lists.asked) == 4
        world.query("UPDATE reconciliation SET started_at = started_at - interval '25 hours' RETURNING 1")
        with reconciler.watching():
            assert len(lists.asked) == 4
            reconciler.leads(True)
            until(lambda: world.query(finished) == [(2,)])
    assert len(lists.asked) == 8
    assert world.query("SELECT count(*) FROM operator_actions WHERE action = 'reconcile'") == [(0,)]
    state = State(world.state_url, "syncer")
    with health.serving("127.0.0.1:0", state, health.Health(60, Lookout(state, Cadence(), 60))) as server:
        numbers = httpx.get(f"http://{server.address}/metrics").text
    assert 'syncer_reconciled_differences{destination="lists",kind="stale"} 0.0' in numbers


def test_what_is_due_is_told_by_the_rules_of_any_plan(world: World, lists: ListReceiver) -> None:
    """u0000 lost a true of a paused audience; u0001 has one of a retired one back; u0005 has one, and unsubscribed."""
    world.extra = '[suppress]\nquery = "SELECT \'u0005@x.io\' AS email"\nemail = "email"\n'
    assert world.command("retire", CHURN, "--yes").returncode == 0
    world.sync()
    assert lists.belief["u0005@x.io"]["vip_buyers"] is lists.belief["u0001@x.io"]["churn_risk"] is False
    lists.belief["u0005@x.io"]["vip_buyers"] = lists.belief["u0001@x.io"]["churn_risk"] = True
    lists.belief["u0000@x.io"]["vip_buyers"] = False
    assert ask(world, repairs=True).reconciliation.repaired == 3
    world.pause(VIP)

    world.sync()

    assert lists.belief["u0001@x.io"]["churn_risk"] is False
    assert lists.belief["u0000@x.io"]["vip_buyers"] is False
    assert world.in_doubt() == {"u0000@x.io", "u0005@x.io"}
    world.resume(VIP)
    world.sync()
    assert lists.belief["u0000@x.io"]["vip_buyers"] is True
    assert lists.belief["u0005@x.io"]["vip_buyers"] is False
    assert ask(world).reconciliation.differing == 0


def test_who_asks_too_much_stops(world: World, lists: ListReceiver) -> None:
    lists.answers = lambda email: Answer(429) if email == "u0003@x.io" else None
    with pytest.raises(errors.DestinationUnavailableError):
        ask(world)
