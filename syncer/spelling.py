"""Which of the known words somebody meant who wrote one that is not known."""

import difflib
from collections import defaultdict
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """At most `most` of the known words that look like `word`, whatever their case, best first.

    `cutoff` is how alike two words must be, from 0 to 1.
    """
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(known):
        alike[_plain(name)].append(name)
    near = difflib.get_close_matches(_plain(word), alike, n=most, cutoff=cutoff)
    return [name for plain in near for name in alike[plain]][:most]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that names the words that are near; empty if none is."""
    near = suggest(word, known, most=3, cutoff=0.4)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def _plain(word: str) -> str:
    return word.strip().lower()
