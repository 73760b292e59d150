"""What a destination says of a contact, beside what it had accepted: see the table of `judging`."""

from datetime import UTC, datetime, timedelta

import pytest

from syncer.calls import Belief
from syncer.models import KnownAudience, Value
from syncer.reconciling.judging import Accepted, Difference, Subject, judge, share

pytestmark = pytest.mark.quick

TOLD_AT = datetime(2026, 11, 30, tzinfo=UTC)
AUDIENCES = {
    1: KnownAudience(1, "VIP", "vip", pinned=True),
    2: KnownAudience(2, "Churn", "churn", pinned=True),
    3: KnownAudience(3, "Spent", "spent", pinned=True, is_trait=True, value_type="number"),
    4: KnownAudience(4, "Seen", "seen", pinned=True, is_trait=True, value_type="timestamp"),
}


def accepted(value: Value, audience_id: int = 1, run: int = 1) -> Accepted:
    return Accepted("ada@x.io", audience_id, "ada", None, value, run, TOLD_AT)


def as_told(name: str, value: Value) -> tuple[str, Value]:
    return name, value


def judged(belief: Belief | None, *told: Accepted) -> list[Difference]:
    return [*judge(belief, Subject(told, told, set()), AUDIENCES, as_told).differences]


@pytest.mark.parametrize(
    ("value", "audience_id", "believed"),
    [
        (True, 1, True),
        (False, 1, False),
        (12, 3, 12.0),
        (0.5, 3, 0.5),
        ("2026-11-30T00:00:00.000Z", 4, "2026-11-30T01:00:00+01:00"),
        ("2026-11-30T00:00:00.000Z", 4, TOLD_AT.timestamp()),
        ("2026-11-30T00:00:00.000Z", 4, int(1000 * TOLD_AT.timestamp())),
    ],
)
def test_the_same_value_is_no_difference(value: Value, audience_id: int, believed: object) -> None:
    belief = Belief({AUDIENCES[audience_id].property: believed, "of others": True})
    assert judged(belief, accepted(value, audience_id)) == []


@pytest.mark.parametrize("believed", [False, "true", 1, None, [], {}, {"vip": True}, 2**80, "x" * 5000, "\0"])
def test_another_value_is_stale_whatever_it_is(believed: object) -> None:
    [found] = judged(Belief({"vip": believed}), accepted(True))
    assert (found.kind, found.accepted) == ("stale", "true")
    assert len(found.believed or "") < 120
    assert "\0" not in (found.believed or "")


def test_what_is_not_there_is_missing_and_where_nobody_is_no_false_is_missed() -> None:
    assert [each.kind for each in judged(Belief({}), accepted(True))] == ["missing"]
    assert [each.kind for each in judged(Belief({}), accepted(False))] == ["missing"]
    [found] = judged(None, accepted(True), accepted(False, 2))
    assert (found.kind, found.knows_contact, found.audience_id) == ("missing", False, 1)


def test_only_an_audience_that_says_true_is_untold() -> None:
    found = judged(Belief({"vip": True, "churn": True, "spent": 7, "more": True}), accepted(True))
    assert [(each.kind, each.audience_id, each.accepted) for each in found] == [("untold", 2, None)]
    assert judged(Belief({"vip": True, "churn": False}), accepted(True)) == []
    assert judged(Belief({"vip": True, "churn": "true"}), accepted(True)) == []


@pytest.mark.parametrize(("seconds", "kind"), [(-1, "stale"), (0, "stale"), (1, "changed")])
def test_who_was_changed_after_our_last_call_was_changed_by_somebody_else(seconds: int, kind: str) -> None:
    belief = Belief({"vip": False}, TOLD_AT + timedelta(seconds=seconds))
    assert [each.kind for each in judged(belief, accepted(True))] == [kind]


def test_what_is_told_meanwhile_is_not_judged() -> None:
    belief = Belief({"vip": True, "churn": True})
    moving = Subject([accepted(False)], [accepted(False)], {1})
    told_again = Subject([accepted(False)], [accepted(False, run=2)], set())
    come = Subject([accepted(False)], [accepted(False), accepted(False, 2)], set())
    gone = Subject([accepted(False)], [], set())
    assert [each.audience_id for each in judge(belief, moving, AUDIENCES, as_told).differences] == [2]
    for subject, wrong in ((moving, {2}), (told_again, {2}), (come, {1}), (gone, set())):
        verdict = judge(belief, subject, AUDIENCES, as_told)
        assert verdict.moved
        assert {each.audience_id for each in verdict.differences} == wrong


def test_a_share_has_wilsons_bounds() -> None:
    assert share(0, 0) is None
    nobody, few, everybody = share(0, 500), share(2, 500), share(500, 500)
    assert nobody is not None
    assert few is not None
    assert everybody is not None
    assert (nobody.percent, nobody.low, round(nobody.high, 2)) == (0, 0, 0.76)
    assert (few.percent, round(few.low, 2), round(few.high, 2)) == (0.4, 0.11, 1.45)
    assert (everybody.percent, round(everybody.low, 2), everybody.high) == (100, 99.24, 100)
