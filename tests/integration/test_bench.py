"""The benchmark itself, in small: it must not lie about who is wrong, nor forget to measure."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.bench import (
    belief,
    fresh_report,
    freshness,
    history,
    holding,
    many,
    ours,
    pace,
    past,
    regression,
    scale,
    server,
    sink,
    travel,
    versions,
    warehouse,
)
from tests.bench.contestants import (
    BACK,
    CHANGED,
    COMMANDS,
    FEW,
    HEAP,
    INITIAL,
    LEFT,
    SCENARIOS,
    UNCHANGED,
    Place,
)
from tests.bench.rounds import Bench
from tests.bench.shapes import SHAPES
from tests.bench.statements import Log


@pytest.fixture(scope="module")
def bench_server(postgres: str) -> server.Server:
    """Databases of its own on the server of the tests."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        folder = connection.execute("SHOW data_directory").fetchone()
        for name in ("bench", "bench_state"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    assert folder is not None
    return server.on(postgres, Path(str(folder[0])))


OF_A_STATE = (
    "SELECT destination_id, audience_id, entered_run_id, told_run_id, contact, user_id, email, value FROM synced_member"
    " ORDER BY contact, audience_id",
    "SELECT i.inhparent::regclass::text, replace(pg_get_indexdef(x.oid), current_schema(), ''), x.relname,"
    " pg_get_constraintdef(c.oid) FROM pg_class AS x LEFT JOIN pg_inherits AS i ON i.inhrelid = x.oid LEFT JOIN"
    " pg_constraint AS c ON c.conindid = x.oid WHERE x.relnamespace = current_schema()::regnamespace"
    " AND x.relname LIKE 'synced_member%' AND x.relkind IN ('i', 'I') ORDER BY 3",
    "SELECT * FROM user_count ORDER BY audience_id",
    "SELECT * FROM contact_count",
    "SELECT * FROM initial_sync ORDER BY audience_id",
    "SELECT * FROM rest_member",
    "SELECT run_id, trigger, phase, status, memberships, contacts, calls_saved, deferred, read"
    " FROM run ORDER BY run_id",
    "SELECT * FROM run_audience ORDER BY run_id, position",
    "SELECT * FROM run_count ORDER BY run_id, audience_id",
    "SELECT run_id, status, planned, succeeded, failed, skipped, mirrors, answered"
    " FROM run_destination ORDER BY run_id",
    "SELECT run_id, seal, sources, readings, countable, missing FROM base",
    "SELECT audience_id, sum(members) FROM (SELECT audience_id, members FROM dropped_history UNION ALL"
    " SELECT audience_id, count(*) FROM accepted_change GROUP BY audience_id) AS gained GROUP BY 1 ORDER BY 1",
)
"""Of a state that knows nothing but its members: all rows of which something depends, in order. The history that was
dropped counts as if it were there."""


def test_ours_is_measured_in_every_scenario_and_right_in_each(bench_server: server.Server, tmp_path: Path) -> None:
    warehouse.generate(bench_server, 2000)
    chosen = (*ours.OURS, *ours.SHORT)
    results = list(Bench(bench_server, tmp_path, chosen, repeat=1, latency_ms=0).run(SCENARIOS))
    assert [result.problem for result in results] == [""] * 15
    assert [(result.scenario, result.wrong, result.requests > 0) for result in results] == [
        *[(INITIAL, 0, True)] * 3,
        *[(UNCHANGED, 0, False)] * 4,
        *[(FEW, 0, True)] * 3,
        *[(CHANGED, 0, True)] * 3,
        *[(COMMANDS, None, False)] * 2,
    ]
    syncs = results[:-2]
    assert all(result.wall > (result.plan or 0) + (result.tell or 0) > (result.plan or 0) > 0 for result in syncs)
    assert all(result.cpu > 0 and result.rss > 10 for result in results)
    assert all((result.wall > (result.first_call or 0) > 0) == (result.requests > 0) for result in results)
    kept = [(result.state_bytes or 0, result.history_bytes or 0) for result in results if result.scenario == INITIAL]
    assert all(state > 100 and history > 100 for state, history in kept)


@pytest.mark.parametrize("shape", ["many", "one", "messy", "long"])
def test_no_shape_is_held_however_small_its_audiences(bench_server: server.Server, tmp_path: Path, shape: str) -> None:
    warehouse.generate(bench_server, 2000, SHAPES[shape])
    (result,) = Bench(bench_server, tmp_path, (ours.OURS[1],), 1, 0, shape).run([CHANGED])
    assert (result.problem, result.wrong, result.requests > 0) == ("", 0, True)


def test_an_audience_moves_and_everybody_leaves_and_comes_back(bench_server: server.Server, tmp_path: Path) -> None:
    warehouse.generate(bench_server, 2000, SHAPES["two"])
    results = list(Bench(bench_server, tmp_path, (ours.OURS[1],), 1, 0, "two").run([HEAP, LEFT]))
    assert [(each.scenario, each.problem, each.wrong, each.requests > 0) for each in results] == [
        (HEAP, "", 0, True),
        (LEFT, "", 0, True),
        (BACK, "", 0, True),
    ]


def test_a_crowd_catches_who_takes_each_row_that_left_for_a_contact_that_left(bench_server: server.Server) -> None:
    warehouse.generate(bench_server, 2000, SHAPES["crowd"])
    warehouse.change(bench_server, 1, shape=SHAPES["crowd"])
    still_in = """
        SELECT count(*)
        FROM warehouse.before AS b
        WHERE (b.audience, b.email) IN (SELECT audience, email FROM warehouse.clean)
            AND (b.audience, b.user_id) NOT IN (SELECT audience, user_id FROM warehouse.clean)
    """
    assert bench_server.run(still_in) > [(0,)]


def test_a_wrong_a_missing_and_a_needless_untruth_are_counted(bench_server: server.Server, tmp_path: Path) -> None:
    warehouse.generate(bench_server, 100)
    warehouse.remember(bench_server)
    bench_server.run("DELETE FROM warehouse.member WHERE email = 'person1@example.com'")
    (audience,) = bench_server.run("SELECT min(audience) FROM warehouse.member WHERE email = 'person2@example.com'")[0]
    key = str(audience).lower().replace(" ", "_")
    events = [
        {"traits": {"email": "person2@example.com", key: True}},
        {"traits": {"email": "person2@example.com", key: False}},  # the later one counts
        {"traits": {"email": "stranger@example.com", key: True}},
    ]
    body = json.dumps({"batch": events}).encode()
    spool = tmp_path / "spool"
    spool.write_bytes(sink.HEAD.pack(len(body), 0.0) + body)
    assert belief.wrong_contacts(bench_server, spool) == 3


def test_what_travels_is_measured_both_ways(bench_server: server.Server, tmp_path: Path) -> None:
    warehouse.generate(bench_server, 2000)
    with travel.running("postgresql", bench_server, tmp_path) as engine:
        found = list(travel.rounds(bench_server, engine, bench_server, tmp_path, 1, [0.01]))
    assert [each.read for each in found] == ["everything", "changes"]
    everything, changes = travel.medians(found)
    assert everything.rows > 1900 > 200 > changes.rows > 0
    assert everything.size > 100_000 > 20_000 > changes.size > 0
    assert all(each.client_cpu > 0 and each.rss > 10 for each in found)


def test_a_state_that_was_made_is_the_one_that_syncer_writes(bench_server: server.Server, tmp_path: Path) -> None:
    for _ in many.make(bench_server, tmp_path, scale.SETUP, 2000):
        pass
    told = replace(scale.SETUP, schema="syncer_told")
    many.tell_all(Place(bench_server, tmp_path), told)
    for what in OF_A_STATE:
        made, written = (
            bench_server.run(f"SET search_path = {schema}, pg_catalog; {what}", bench_server.other_url)
            for schema in (scale.SETUP.schema, told.schema)
        )
        assert made == written, what
    bench_server.run(
        "UPDATE warehouse.member SET email = email || '.uk' WHERE email = (SELECT min(email) FROM warehouse.member)"
    )
    with pytest.raises(many.WrongError):
        many.check(bench_server, scale.SETUP.schema)


def test_a_long_history_adds_up_and_its_questions_are_timed(bench_server: server.Server, tmp_path: Path) -> None:
    warehouse.generate(bench_server, 2000)
    place = Place(bench_server, tmp_path, "http://127.0.0.1:9")
    ours.seed(place, ours.Setup())
    assert list(past.fill(bench_server, 2000, 300, 300 * 40)) == [250, 300]
    assert list(past.fill(bench_server, 2000, 300, 300 * 40)) == []
    told = "SELECT sum(CASE effect WHEN 'gain' THEN 1 ELSE -1 END) FROM syncer.sync_change WHERE run_id > 1"
    still_in = "SELECT count(*) FROM syncer.synced_member WHERE entered_run_id > 1"
    assert bench_server.run(told) == bench_server.run(still_in) == [(20,)]

    log = Log(bench_server)
    with log, history.questions(bench_server, ours.config(place), 2000) as asked:
        chosen = [each for each in asked if each[0] in ("history 300", "/runs/300.json", "SQL: held")]
        found = list(history.ask_all(log, chosen, 1))
    assert [each.slowest[1] > 0 for each in found] == [True] * 3
    assert "list_run_audiences" in found[0].statements
    held = {each.table: each for each in holding.relations(bench_server, "syncer") if each.index is None}
    assert held["sync_change"].rows > 11_000
    assert 50 < held["sync_change"].per_row < 500


def test_a_statement_that_became_slower_is_found(bench_server: server.Server, tmp_path: Path) -> None:
    warehouse.generate(bench_server, 2000)
    slowed = tmp_path / "slowed"
    for part in ("syncer", "sql"):
        shutil.copytree(versions.ROOT / part, slowed / part, ignore=shutil.ignore_patterns("__pycache__"))
    (path,) = slowed.rglob("mark_planned.sql")
    path.write_text(path.read_text().replace("phase = 'reading'", "phase = 'reading' AND pg_sleep(3) IS NOT NULL"))
    earlier = versions.earlier("HEAD", tmp_path / "earlier")
    pairs = regression.Regression(bench_server, tmp_path, earlier, versions.this(slowed), 1).run([INITIAL])
    (verdict,) = regression.judge(list(pairs))
    assert verdict.slower
    name, before, after = verdict.grown[0]
    assert name == "mark_planned"
    assert after > 3000 > before


def test_the_most_of_any_stretch_of_time_is_found() -> None:
    arrivals = pace.Arrivals(times=[0.0, 4.0, 10.0, 13.9, 30.0], contacts=[5, 7, 11, 13, 1])
    assert arrivals.most_within(10) == 7 + 11 + 13
    assert arrivals.per_second == 36 / 30


def test_a_slow_receiver_and_what_is_never_told_show_in_the_freshness(
    bench_server: server.Server, tmp_path: Path
) -> None:
    plan = fresh_report.Plan(memberships=2000, seconds=2.5, rate=40, every="1s", jitter="0s", latency_ms=700)
    freshness.prepare(bench_server, tmp_path, plan)
    # Half of the audiences are told nothing, and the receiver learns nothing of them.
    bench_server.run(
        "INSERT INTO syncer.pause (audience_id) SELECT audience_id FROM syncer.audience WHERE audience_id % 2 = 0"
    )
    outcome = freshness.measure(bench_server, tmp_path, plan, threading.Event())

    fresh = fresh_report.of(outcome, plan, {})["freshness"]
    assert fresh["changes"] > 40
    assert fresh["told"] + fresh["never"] == fresh["changes"]
    assert fresh["told"] > 10 < fresh["never"]
    assert fresh["wrong_contacts"] > 10
    assert 0.7 < fresh["p50"] <= fresh["p95"] <= fresh["worst"]
    assert (fresh["needless"], fresh["undone"]) == (0, 0)
    assert outcome.ended == 0
    assert set(outcome.answers) > {"/metrics", "syncer status"}
    assert all(each.memory > 10 and each.state > 0.1 and each.catalog > 1 for each in outcome.samples)
