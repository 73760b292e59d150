"""What is left of somebody who was forgotten (rule 27): no word of theirs, anywhere."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from syncer import app, errors, opening, sync
from syncer.daemon import alerts, health
from syncer.daemon.health import Health
from syncer.daemon.lateness import Lookout
from syncer.receivers.loopback import Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.schedule import Cadence
from syncer.state import State, leadership, retention
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.commands import Done
from tests.forgetting import dump, forget, naming, samples
from tests.world import CHURN, VIP, Quiet, Row, World, keep_together, members

WORDS = ("ada-7", "ada@lovelace.example", "byron@lovelace.example", "augusta", "countess", "mathematician")
"""Her user id, her address and her old one, her first name and two values of a computed trait."""
USER, ADDRESS, OLD = "Ada-7", "ada@lovelace.example", "Byron@lovelace.example"
LEFT = "Left"
OTHERS = [*members(30, VIP), *members(6, CHURN), (LEFT, "u0004", "u0004@x.io")]

FEATURES = """
traits = { first_name = "firstName" }
[[computed_traits]]
name = "Rank"
query = "SELECT * FROM rank"
[guard]
min_removed = 3
"""
DESTINATION = """
[[destinations]]
name = "{name}"
type = "segment"
write_key = "test-write-key"
endpoint = "{endpoint}"
track = true
{more}
"""

NAMELESS = """
    alert.kind alert.subject audience.name audience.property audience.value_type base.missing base.readings
    base.scratch_table base.seal base.sources destination.account destination.name forgotten.hash held_change.reason
    initial_sync.reach_hashes leader.host leader.kind member_sum.fingerprint member_sum.reading
    operator_action.action operator_action.actor
    operator_action.database_user reconciled_difference.kind reconciliation.actor reconciliation.unreadable
    refused_contact.fingerprint request.actor request.database_user request.destinations
    request.kind rest_member.audience resync.reach_hashes run.host run.phase run.read run.read_because run.status
    run.syncer_version run.trigger run_audience.name run_audience.problem run_audience.property
    run_destination.reach_hashes run_destination.skipped run_destination.status schema_migration.checksum
    schema_migration.name scratch_table.name scratch_table.place scratch_table.scratch skipped_member.audience
    skipped_member.reason suppression.list uncertain.left_because
""".split()
"""The columns of texts that never name somebody. A new column is one of them, or `lived` has her in it."""

PLANTED = (
    "INSERT INTO owed_event"
    " (destination_id, run_id, audience_id, contact, user_id, email, value, at, refusal)"
    " SELECT destination_id, 2, 1, %(contact)s, %(user_id)s, %(email)s, true, now(), %(said)s",
    "INSERT INTO owed_event (destination_id, run_id, audience_id, contact, user_id, value, at, refusal)"
    " SELECT destination_id, 2, 1, 'other', 'any', true, now(), %(said)s",
    "INSERT INTO unanswered_contact (destination_id, contact, runs, others, alone)"
    " SELECT destination_id, %(contact)s, 1, 0, 0",
    "INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)"
    " SELECT destination_id, 1, 2, %(contact)s, %(user_id)s, %(email)s",
    "INSERT INTO rest_member (audience, user_id, email) SELECT 'VIP', %(user_id)s, %(email)s",
    "INSERT INTO user_told_false (destination_id, audience_id, user_id) SELECT destination_id, 2, %(user_id)s",
    "INSERT INTO held_out (audience_id, user_id, since, since_run_id) SELECT 2, %(user_id)s, now(), 2",
    "INSERT INTO reconciliation (destination_id, repairs, scheduled, actor) SELECT destination_id, true, false, 'me'",
    "INSERT INTO contact_to_ask (reconciliation_id, place, contact)"
    " SELECT (SELECT max(reconciliation_id) FROM reconciliation AS mine"
    " WHERE mine.destination_id = destination.destination_id), 1, %(contact)s",
    "INSERT INTO reconciled_difference"
    " (reconciliation_id, destination_id, audience_id, contact, kind, believed, accepted, knows_contact, repaired)"
    " SELECT (SELECT max(reconciliation_id) FROM reconciliation AS mine"
    " WHERE mine.destination_id = destination.destination_id),"
    " destination_id, 1, %(contact)s, 'stale', %(said)s, %(said)s, true, true",
)
"""Rows of hers, in tables that they leave within a run."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_together(monkeypatch, 1)


def fill(world: World, *rows: Row, rank: str | None = None) -> None:
    """Everybody else, and these rows of hers."""
    world.warehouse.run("ALTER TABLE members DROP COLUMN IF EXISTS first_name")
    world.warehouse.replace([*OTHERS, *rows])
    world.warehouse.run("ALTER TABLE members ADD first_name text")
    world.warehouse.run("UPDATE members SET first_name = CASE WHEN user_id = %s THEN 'Augusta' ELSE 'Eve' END", [USER])
    world.warehouse.run("TRUNCATE rank")
    world.warehouse.run("INSERT INTO rank SELECT DISTINCT user_id, email, 'clerk ' || user_id FROM members")
    world.warehouse.run("UPDATE rank SET value = %s WHERE user_id = %s", [rank, USER])


def sample_all(world: World) -> None:
    """What autovacuum does from time to time."""
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def naming_her(request: ReceivedRequest) -> Answer | None:
    """Refuses her and one other, in words that name her."""
    named = {event.get("userId") for event in request.events}
    body = f'{{"message":"{USER} <{ADDRESS.upper()}> is bad"}}'.encode()
    return Answer(400, body=body) if named & {USER, "u0003"} else None


@pytest.fixture
def lived(world: World) -> World:
    """A state that knows her from everything that can happen."""
    world.warehouse.run("CREATE TABLE rank (user_id text, email text, value text)")
    reach = f'contacts = ["{ADDRESS}", "u0001@x.io"]\nrollout = 0.5'
    world.extra = FEATURES + "".join(
        DESTINATION.format(name=name, endpoint=world.receiver.url, more=more)
        for name, more in (("by user", 'identity = "user_id"\ncalls = "per_audience"'), ("few", reach))
    )
    world.destination_extra += "\ntrack = true"
    world.receiver.allowed_traits = frozenset({"firstName"})
    fill(world, (VIP, USER, OLD), (LEFT, USER, OLD), rank="countess")
    world.sync()
    fill(world, (VIP, USER, ADDRESS), (CHURN, USER, ADDRESS), rank="mathematician")
    world.sync()
    world.sync()
    with world.state() as connection:
        connection.execute("UPDATE run SET finished_at = finished_at - interval '2 days' WHERE run_id < 2")
        assert retention.drop_old(connection, 86_400) > 0
    world.receiver.script = lambda _: Reset(apply=0)
    unsendable: list[Row] = [("Newer", USER, "nowhere"), (VIP, None, f"Ada <{ADDRESS}>")]
    fill(world, (VIP, USER, ADDRESS), (CHURN, USER, ADDRESS), ("Newer", USER, ADDRESS), *unsendable)
    world.sync()
    world.receiver.script = None
    world.warehouse.run("DELETE FROM members WHERE audience_name = %s AND user_id <> 'u0000'", [CHURN])
    assert world.sync().report.status == "held"
    world.resync()
    world.receiver.script = naming_her
    world.warehouse.run(
        "INSERT INTO members (audience_name, user_id, email) VALUES ('New', %s, %s), ('New', 'u0003', 'u0003@x.io')",
        [USER, ADDRESS],
    )
    world.sync()
    assert world.command("retry", USER).returncode == 5, "held comes before refused"
    world.receiver.script = None
    plant(world)
    sample_all(world)
    return world


def plant(world: World) -> None:
    """What takes longer to happen, or needs another process."""
    said = f"{USER} <{ADDRESS}> is bad"
    with world.state() as connection:
        connection.execute("UPDATE run SET error = %s WHERE run_id = 2", [said])
        connection.execute("UPDATE run_destination SET error = %s WHERE run_id = 3", [said])
        connection.execute("UPDATE sync_change SET told_as = user_id WHERE contact = %s AND run_id = 2", [ADDRESS])
        for identity, contact, email in (("email", ADDRESS, None), ("user_id", USER, ADDRESS)):
            named = {"identity": identity, "contact": contact, "user_id": USER, "email": email, "said": said}
            where = "WHERE account ->> 'identity' = %(identity)s ON CONFLICT DO NOTHING"
            for statement in PLANTED:
                connection.execute(f"{statement} FROM destination {where}", named)
        connection.execute(
            "INSERT INTO operator_action (actor, uid, database_user, action, arguments)"
            " VALUES ('me', 1, 'me', 'retry', %s)",
            [Jsonb({"who": ["bob", ADDRESS.title(), USER]})],
        )
        connection.execute(
            "INSERT INTO request (kind, audiences, destinations, actor, uid, database_user, ended_at, problems)"
            " VALUES ('sync', %s, '{}', 'me', 1, 'me', now(), %s)",
            [[VIP, ADDRESS.title()], Jsonb(["no", f"--audience: there is no audience '{ADDRESS}'"])],
        )


def metrics(world: World) -> str:
    state = State(world.state_url, "syncer")
    with health.serving("127.0.0.1:0", state, Health(60, Lookout(state, Cadence(), 60))) as server:
        return httpx.get(f"http://{server.address}/metrics").text.lower()


class Heard(list[str]):
    """What alerts say."""

    def send(self, title: str, body: str) -> bool:
        self.append(f"{title} {body}".lower())
        return True

    def beat(self) -> None: ...


@pytest.fixture
def server_log(world: World, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Asks what the state's server has logged since now; nothing, if it is not ours."""
    if request.config.getoption("--postgres") != "embedded":
        return lambda: ""
    ((folder,),) = world.query("SHOW data_directory")
    log = Path(folder).parent / "postgres.log"
    before = log.stat().st_size
    return lambda: log.read_bytes()[before:].decode(errors="replace").lower()


def notes() -> str:
    """What runs leave outside of the state."""
    folder = Path(os.environ["XDG_STATE_HOME"]) / "syncer"
    return "".join(note.read_text() for note in folder.iterdir()).lower()


def assert_no_word(world: World, *said: Done, heard: Sequence[str] = ()) -> None:
    everything = {
        "notes": notes(),
        "alerts": "".join(heard),
        "state": dump(world),
        "samples": samples(world),
        "metrics": metrics(world),
        "said": "".join(done.stdout + done.stderr for done in said).lower(),
    }
    left = {(word, place) for place, text in everything.items() for word in WORDS if word in text}
    assert left == set(), [line for line in everything["state"].splitlines() if any(word in line for word in WORDS)]


def test_no_word_is_left(server_log: Callable[[], str], lived: World) -> None:
    before = dump(lived)
    assert [word for word in WORDS if word not in before] == []
    assert naming(lived, WORDS)[1] == set(NAMELESS)
    assert ADDRESS in samples(lived)
    for table in ("synced_member", "told_false", "synced_profile", "sync_change", "past_contact", "initial_sync"):
        assert table in samples(lived)

    done = lived.command("forget", USER, "--yes")

    assert done.returncode == 0
    printed = [f"{name}\t{contact}" for name, contacts in (
        ("by user", [USER]), ("few", [ADDRESS, OLD.lower()]), ("segment", [ADDRESS, OLD.lower()])
    ) for contact in contacts]  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line not in printed] == []
    assert f"segment\t{OLD.lower()}" in done.stdout
    assert_no_word(lived)
    assert lived.query("SELECT audiences[1], problems[0] FROM request") == [(VIP, "no")]

    # Nothing brings them back while the warehouse has her, nor when it has her no more.
    lived.warehouse.run("DELETE FROM members WHERE user_id IS NULL")
    heard = Heard()
    said = [lived.command("sync", "--json"), lived.command("verify", "--json"), lived.command("history")]
    assert said[1].returncode == 0
    alerts.AlertLog(State(lived.state_url, "syncer"), heard).review_run(lived.sync())
    sample_all(lived)
    assert_no_word(lived, *said, heard=heard)
    fill(lived)
    said = [lived.command("-v", "sync"), lived.command("sync"), lived.command("status"), lived.command("plan")]
    said += [lived.command("history", str(run_id), "--json") for (run_id,) in lived.query("SELECT run_id FROM run")]
    said += [lived.command("explain", "u0003"), lived.command("retry")]
    sample_all(lived)
    assert_no_word(lived, *said)
    assert lived.command("verify").returncode == 0
    assert [word for word in WORDS if word in server_log()] == []


@pytest.mark.usefixtures("unguarded")
def test_samples_of_a_table_that_became_empty_are_taken_anew(world: World) -> None:
    """Two people go in and out: of the tables that were sampled in between none has a row any more."""
    world.destination_extra += "\ntrack = true"
    both: list[Row] = [(VIP, USER, ADDRESS), (VIP, "zoe", "zoe@x.io")]
    for rows in (both, []):
        world.warehouse.replace(rows)
        world.sync()
        sample_all(world)
    assert ADDRESS in samples(world)
    world.warehouse.replace(both)
    world.sync()
    assert world.query("SELECT * FROM told_false") == []
    forget(world, USER, "zoe")
    assert ADDRESS not in samples(world)
    assert world.query("SELECT count(*) FROM synced_member") == [(2,)], "the rows of nobody are gone"
    assert world.query("SELECT * FROM told_false") == []
    assert world.query("SELECT * FROM synced_profile") == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_daemons_session_keeps_nothing_of_what_it_read(
    world: World, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It outlives the run, and what lies in its private tables is no table of the state."""
    world.warehouse.replace([(VIP, USER, ADDRESS), (VIP, "zoe", "zoe@x.io")])
    sampled: list[int] = []

    def sampled_privately() -> int:
        ((columns,),) = world.query(
            "SELECT count(*) FROM pg_statistic JOIN pg_class ON pg_class.oid = starelid WHERE relpersistence = 't'"
        )
        return int(columns)

    def summed_up(*_: object) -> None:
        sampled.append(sampled_privately())
        raise errors.StateError("no more room")

    if fails:
        monkeypatch.setattr("syncer.planning.plan.Planning.summed_up", summed_up)
    state = State(world.state_url, "syncer")
    with (
        app.opened(opening.load(world.config, {})) as opened,
        world.state() as connection,
        leadership.lead(state, connection) as leading,
    ):
        result = sync.run(opened.job(), leading, RunStart("manual"), Stop(), Quiet())
        assert result.report.status == ("failed" if fails else "succeeded")
        assert [columns > 0 for columns in sampled] == [True] * fails
        assert sampled_privately() == 0
