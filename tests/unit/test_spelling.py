"""Which known words are suggested for one that is not known."""

import pytest

from syncer.spelling import did_you_mean, suggest


@pytest.mark.parametrize(
    ("word", "known", "most", "near"),
    [
        ("firstname", ["firstName", "lastName"], 1, ["firstName"]),
        (" AUDIENCES ", ["Audience", "audiences", "x"], 2, ["audiences", "Audience"]),
        ("vip", ["Vip", "VIP"], 2, ["VIP", "Vip"]),
        ("vip", ["Vip", "VIP"], 1, ["VIP"]),
        ("zzz", ["firstName"], 3, []),
        ("", [], 1, []),
    ],
)
def test_words_that_look_alike_whatever_their_case(word: str, known: list[str], most: int, near: list[str]) -> None:
    assert suggest(word, known, most=most) == near


def test_a_question_or_nothing() -> None:
    assert (
        did_you_mean("vip buyer", ["VIP Buyers", "vip_buyers", "Churn"]) == "did you mean 'VIP Buyers' or 'vip_buyers'?"
    )
    assert did_you_mean("zzz", ["Churn"]) == ""
