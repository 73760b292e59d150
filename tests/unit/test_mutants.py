"""What the mutants are: they break predicates, and nothing else."""

import pytest

from tests.mutants import texts
from tests.mutants.__main__ import Place, places, sampled


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT 1 WHERE a = 1", ["SELECT 1 WHERE a <> 1"]),
        ("SELECT a, '=' FROM b -- x = y AND z", []),
        ("UPDATE a SET b = 1, c = 2 WHERE d IS NULL", ["UPDATE a SET b = 1, c = 2 WHERE d IS NOT NULL"]),
        (
            "UPDATE a SET b = (SELECT c FROM d WHERE e <= 1), f = 2",
            ["UPDATE a SET b = (SELECT c FROM d WHERE e > 1), f = 2"],
        ),
        ("SELECT 1 WHERE NOT EXISTS (SELECT)", ["SELECT 1 WHERE EXISTS (SELECT)"]),
        ("SELECT 1 WHERE a BETWEEN 1 AND 2", []),
        ("SELECT a -> 'b', c ->> 'd', e::text", []),
        ("SELECT 1 WHERE a IS NOT DISTINCT FROM b", ["SELECT 1 WHERE a IS DISTINCT FROM b"]),
        (
            "SELECT max(a) FROM b LEFT JOIN c ON d",
            ["SELECT min(a) FROM b LEFT JOIN c ON d", "SELECT max(a) FROM b JOIN c ON d"],
        ),
        ("SELECT DISTINCT ON (a) a", []),
    ],
)
def test_the_mutants_of_a_statement(before: str, after: list[str]) -> None:
    assert [mutant.applied(before) for mutant in texts.of_statement(before)] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b <= c", ["a >= b <= c", "a < b > c"]),
        ("(a) is not (b)", ["(a) is (b)"]),
        ("'ä' in a and not b", ["'ä' in a or not b", "'ä' not in a and not b", "'ä' in a and b"]),
        ("if a:\n    b()", ["if not a:\n    b()"]),
        ("a = b", []),
    ],
)
def test_the_mutants_of_a_module(before: str, after: list[str]) -> None:
    assert [mutant.applied(before) for mutant in texts.of_module(before)] == after


@pytest.fixture(scope="module")
def found() -> list[Place]:
    return list(places())


def test_every_mutant_is_another_text_and_stands_in_what_it_says(found: list[Place]) -> None:
    assert len(found) > 1500
    assert {place.path.partition("/")[0] for place in found} == {"sql", "syncer"}
    assert all(place.mutant.before != place.mutant.after for place in found)
    assert all(place.key.partition("::")[2] for place in found if place.path.endswith(".py"))


def test_a_sample_is_the_same_for_a_seed(found: list[Place]) -> None:
    assert sampled(found, 10, 1) == sampled(found, 10, 1)
    assert sampled(found, 10, 1) != sampled(found, 10, 2)
    assert sampled(found, 0, 1) == found
