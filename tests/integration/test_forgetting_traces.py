"""What is left of somebody who was forgotten (rule 27): no word of theirs, anywhere."""

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from syncer import app, errors, sync
from syncer.daemon import health
from syncer.daemon.health import Health
from syncer.daemon.lateness import Lookout
from syncer.receivers.loopback import Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.schedule import Cadence
from syncer.state import State, leadership, pages, retention
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.commands import Done
from tests.forgetting import dump, forget, samples
from tests.world import CHURN, VIP, Quiet, Row, World, members

WORDS = ("ada-7", "ada@lovelace.example", "byron@lovelace.example", "augusta", "countess", "mathematician")
"""Her user id, her address and her old one, her first name and two values of a computed trait."""
USER, ADDRESS, OLD = "Ada-7", "ada@lovelace.example", "Byron@lovelace.example"
OTHERS = [*members(30, VIP), *members(6, CHURN)]

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


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "RUNS_PER_PARTITION", 2)


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
    fill(world, (VIP, USER, OLD), rank="countess")
    world.sync()
    fill(world, (VIP, USER, ADDRESS), (CHURN, USER, ADDRESS), rank="mathematician")
    world.sync()
    world.sync()
    with world.state() as connection:
        connection.execute("UPDATE run SET finished_at = finished_at - interval '2 days' WHERE run_id < 2")
        assert retention.drop_old(connection, 86_400) > 0
    world.receiver.script = naming_her
    fill(world, (VIP, USER, ADDRESS), (CHURN, USER, ADDRESS), ("New", USER, ADDRESS), ("New", "u0003", "u0003@x.io"))
    world.sync()
    assert world.command("retry", USER).returncode == 8
    world.receiver.script = lambda _: Reset(apply=0)
    fill(world, (VIP, USER, ADDRESS), (CHURN, USER, ADDRESS), ("Newer", USER, ADDRESS), ("", USER, ADDRESS))
    world.sync()
    world.receiver.script = None
    world.warehouse.run("DELETE FROM members WHERE audience_name = %s AND user_id <> 'u0000'", [CHURN])
    assert world.sync().report.status == "held"
    world.resync()
    with world.state() as connection:
        said = f"{USER} <{ADDRESS}> is bad"
        connection.execute("UPDATE run SET error = %s WHERE run_id = 2", [said])
        connection.execute("UPDATE run_destination SET error = %s WHERE run_id = 3", [said])
        for identity, her in (("email", ADDRESS), ("user_id", USER)):
            connection.execute(
                "INSERT INTO owed_event (destination_id, run_id, audience_id, contact, user_id, value, at, refusal)"
                " SELECT destination_id, 2, 1, contact, 'any', true, now(), %s"
                " FROM destination CROSS JOIN unnest(%s::text[]) AS given (contact)"
                " WHERE account ->> 'identity' = %s",
                [said, ["other", her], identity],
            )
            for columns, values in (
                ("unanswered_contact (contact, destination_id, runs, others, alone)", "1, 0, 0"),
                ("uncertain (contact, destination_id, audience_id, since_run_id, user_id)", "1, 2, 'any'"),
            ):
                connection.execute(
                    f"INSERT INTO {columns} SELECT %s, destination_id, {values} FROM destination"
                    " WHERE account ->> 'identity' = %s ON CONFLICT DO NOTHING",
                    [her, identity],
                )
        connection.execute(
            "INSERT INTO operator_action (actor, uid, database_user, action, arguments)"
            " VALUES ('me', 1, 'me', 'retry', %s)",
            [Jsonb({"who": ["bob", ADDRESS.title(), USER]})],
        )
    sample_all(world)
    return world


def metrics(world: World) -> str:
    state = State(world.state_url, "syncer")
    with health.serving("127.0.0.1:0", state, Health(60, Lookout(state, Cadence(), 60))) as server:
        return httpx.get(f"http://{server.address}/metrics").text.lower()


def assert_no_word(world: World, *said: Done) -> None:
    everything = {
        "state": dump(world),
        "samples": samples(world),
        "metrics": metrics(world),
        "said": "".join(done.stdout + done.stderr for done in said).lower(),
    }
    left = {(word, place) for place, text in everything.items() for word in WORDS if word in text}
    assert left == set(), [line for line in everything["state"].splitlines() if any(word in line for word in WORDS)]


def test_no_word_is_left(lived: World) -> None:
    before = dump(lived)
    assert [word for word in WORDS if word not in before] == []
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

    # Nothing brings them back while the warehouse has her, nor when it has her no more.
    said = [lived.command("sync", "--json"), lived.command("verify"), lived.command("history")]
    assert said[1].returncode == 0
    sample_all(lived)
    assert_no_word(lived, *said)
    fill(lived)
    said = [lived.command("-v", "sync"), lived.command("sync"), lived.command("status")]
    sample_all(lived)
    assert_no_word(lived, *said)
    assert lived.command("verify").returncode == 0


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
        app.opened(app.load(world.config, {})) as opened,
        world.state() as connection,
        leadership.lead(state, connection) as leading,
    ):
        result = sync.run(opened.job(), leading, RunStart("manual"), Stop(), Quiet())
        assert result.report.status == ("failed" if fails else "succeeded")
        assert [columns > 0 for columns in sampled] == [True] * fails
        assert sampled_privately() == 0
