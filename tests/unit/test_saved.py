"""Files that somebody says to be a saved plan."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

import syncer
from syncer import errors
from syncer.planning import saved

AUDIENCE = saved.Audience("VIP", "vip", 1, 2, 3, 4, 5, 6, 7, "digest")
PLAN = saved.Plan(
    format=saved.FORMAT,
    syncer_version=syncer.__version__,
    made_at=datetime(2026, 11, 30, tzinfo=UTC),
    state="state",
    only_audiences=[],
    only_destinations=[],
    forecast=[{"destination": "segment", "calls": 1}],
    destinations=[saved.Destination("segment", "settings", {"no_email": 1}, 2, "owed", [AUDIENCE])],
)
DOCUMENT = saved.encoded(PLAN)


def test_a_plan_is_read_as_it_was_saved() -> None:
    assert saved.decoded(DOCUMENT, "plan.json") == PLAN
    saved.compare(PLAN, PLAN.destinations)


def changed(**parts: object) -> bytes:
    return json.dumps({**json.loads(DOCUMENT), **parts}).encode()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\0",
        b"\xff\xfe{}",
        b"plan",
        b"[]",
        b"{}",
        DOCUMENT[:-10],
        DOCUMENT * 2,
        b"[" * 1_000_000,
        b'{"format": 1, "syncer_version": ' + b'{"a":' * 1_000_000,
        changed(format="1"),
        changed(another="key"),
        changed(destinations={}),
        changed(destinations=[{"destination": "segment"}]),
        changed(only_audiences=["\0"]),
        changed(state="\ud800"),
        changed(made_at="yesterday"),
        json.dumps({key: value for key, value in json.loads(DOCUMENT).items() if key != "state"}).encode(),
    ],
)
def test_what_is_no_plan_is_refused_with_the_way_out(document: bytes) -> None:
    with pytest.raises(errors.ConfigError) as refused:
        saved.decoded(document, "plan.json")
    [problem] = refused.value.problems
    assert problem.path == "plan.json"
    assert "is no plan that `syncer plan --out` wrote" in problem.message
    assert problem.message.endswith("make another one: syncer plan --out FILE")


def test_other_events_are_another_plan() -> None:
    now = [msgspec.structs.replace(PLAN.destinations[0], owed_digest="of others")]
    with pytest.raises(errors.PlanMovedError, match="as many events are owed as were reviewed, but not the same ones"):
        saved.compare(PLAN, now)


@pytest.mark.parametrize("other", [{"format": 2, "more": {}}, {"format": 10**400}, {"syncer_version": "0.0.1"}])
def test_a_plan_of_another_version_is_made_again(other: dict[str, object]) -> None:
    with pytest.raises(errors.ConfigError, match=r"was made by syncer .*make another one"):
        saved.decoded(changed(**other), "plan.json")


def test_a_name_may_look_like_a_nul() -> None:
    assert saved.decoded(changed(only_audiences=["\\u0000"]), "plan.json").only_audiences == ["\\u0000"]


def test_differences_are_some_and_short_whoever_wrote_the_file() -> None:
    many = [saved.Destination("x" * 10_000 + str(number), "", {}, 0, "", []) for number in range(200)]
    with pytest.raises(errors.PlanMovedError) as moved:
        saved.compare(PLAN, many)
    assert len(str(moved.value)) < 60_000
    assert str(moved.value).endswith("and 151 more differences")
