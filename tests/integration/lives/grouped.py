"""Every plan that compares only what moved is compared with one of everything, inside of its own transaction: the
differences, and what the state has of their contacts.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from syncer.planning import counts
from syncer.planning.differences import Compared, Comparison
from tests.integration.lives.twice import DELTA, KNOWN, Different, rows_of


class Grouped:
    """`in_part` counts the comparisons that left out something, `moved` those among them in which something differed.
    `quietly`: around what the check itself does in a plan's session."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, quietly: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self.in_part = 0
        self.moved = 0
        compare = Comparison.compare

        def compared(comparison: Comparison) -> Compared:
            if comparison.last is None or not comparison.last.kept:
                return compare(comparison)
            with quietly():
                wanted = _everything(comparison, compare)
            found = compare(comparison)
            with quietly():
                ours = _found(comparison.connection)
            if ours != wanted:
                raise Different(f"from what moved: {ours}; from everything: {wanted}")
            self.in_part += 1
            self.moved += bool(ours[0])
            return found

        monkeypatch.setattr(Comparison, "compare", compared)


def _everything(comparison: Comparison, compare: Callable[[Comparison], Compared]) -> tuple[object, object]:
    """What a comparison of everything finds."""
    connection = comparison.connection
    snapshot = replace(comparison.counts.snapshot, asked=set())
    with connection.transaction(force_rollback=True):
        counted = counts.begin(connection, snapshot, comparison.counts.run_id)
        compare(replace(comparison, counts=counted, last=None))
        return _found(connection)


def _found(connection: psycopg.Connection[Any]) -> tuple[object, object]:
    return rows_of(connection, DELTA), rows_of(connection, KNOWN)
