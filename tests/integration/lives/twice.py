"""Every plan that is made from what changed at the warehouse is compared with one of everything, inside of its own
transaction: the differences of each destination, what the state has of their contacts, and the counts.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import psycopg
import psycopg.sql
import pytest

from syncer.planning import counts
from syncer.planning.differences import Compared, Comparison
from syncer.planning.plan import Plan, Planning
from syncer.planning.snapshot import Snapshot

DELTA = (
    "SELECT kind, audience_id, entered_run_id, entered_at, told_run_id, still_named, contact, user_id, reason,"
    " audience, email, value::text, suppressed FROM member_delta"
)
KNOWN = "SELECT audience_id, contact, user_id FROM known_member"
_EVERYTHING = psycopg.sql.Identifier("everything_member")


class Different(BaseException):
    """The two plans are not the same. It is no error of the run's, which would be in its report."""


class Twice:
    """`from_changes` counts the plans of a destination that were made from changes, and `moved` those among them in
    which something differed. `quietly`: around what the check itself does in a plan's session."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, quietly: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self.warehouse_url = ""
        self.from_changes = 0
        self.moved = 0
        self._quietly = quietly
        compare, summed_up = Comparison.compare, Planning.summed_up

        def compared(comparison: Comparison) -> Compared:
            found = compare(comparison)
            if comparison.counts.snapshot.part is not None:
                with self._quietly():
                    self._check(comparison, compare)
            return found

        def summed(planning: Planning, targets: Any) -> Plan:
            plan = summed_up(planning, targets)
            if planning.counts.snapshot.part is not None:
                with self._quietly():
                    self._check_counts(planning, plan)
            return plan

        monkeypatch.setattr(Comparison, "compare", compared)
        monkeypatch.setattr(Planning, "summed_up", summed)

    def _check(self, comparison: Comparison, compare: Callable[[Comparison], object]) -> None:
        connection = comparison.connection
        found = rows_of(connection, DELTA), rows_of(connection, KNOWN)
        with connection.transaction(force_rollback=True):
            everything = self._everything(connection, comparison.counts.snapshot)
            connection.execute("DROP TABLE member_delta")
            connection.execute("TRUNCATE known_member, profile")
            counted = counts.begin(connection, everything, comparison.counts.run_id)
            _same(comparison.counts.rows, counted.rows)
            compare(replace(comparison, counts=counted))
            wanted = rows_of(connection, DELTA), rows_of(connection, KNOWN)
        _same(found, wanted)
        self.from_changes += 1
        self.moved += bool(found[0])

    def _check_counts(self, planning: Planning, plan: Plan) -> None:
        connection = planning.connection
        with connection.transaction(force_rollback=True):
            everything = self._everything(connection, planning.counts.snapshot)
            counted = counts.begin(connection, everything, planning.counts.run_id)
            assert plan.headcount is not None
            named = {name: members for name, members in plan.headcount.users.items() if name in counted.rows}
            _same(plan.headcount.contacts, counted.contacts())
            _same(named, {name: counted.members(named)[name] for name in named})
            _same(plan.memberships, sum(counted.rows.values()))

    def _everything(self, connection: psycopg.Connection[Any], snapshot: Snapshot) -> Snapshot:
        """The whole snapshot, from the table at the warehouse: what a plan of everything would have."""
        assert snapshot.generation is not None
        connection.execute(
            'CREATE TEMPORARY TABLE everything_member (audience text COLLATE "C", user_id text COLLATE "C",'
            ' email text COLLATE "C", unsendable boolean) ON COMMIT DROP'
        )
        table = psycopg.sql.Identifier("scratch", snapshot.generation.table)
        with psycopg.connect(self.warehouse_url) as warehouse:
            rows = warehouse.execute(
                psycopg.sql.SQL("SELECT audience, user_id, email, unsendable FROM {}").format(table)
            ).fetchall()
        with connection.cursor() as cursor, cursor.copy("COPY everything_member FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return Snapshot(_EVERYTHING, snapshot.taken_at)


def _same(found: object, wanted: object) -> None:
    if found != wanted:
        raise Different(f"from what changed: {found}; from everything: {wanted}")


def rows_of(connection: psycopg.Connection[Any], statement: str) -> Counter[Any]:
    """The rows of a query, each as often as it is there."""
    return Counter(map(tuple, connection.cursor(row_factory=psycopg.rows.tuple_row).execute(statement).fetchall()))
