"""Drops old history, a partition at a time.

Never loses what `verify`, a resync and forgetting need: in the same transaction, what the dropped changes came to is
added up in `dropped_history`, and whom they were about is kept in `past_contact`; what a resync retracts stands in the
state, not in the history. Runs and their counts stay for good.
"""

from dataclasses import dataclass

import psycopg.sql
import structlog

from syncer import errors
from syncer.state import Connection, execute, fetch_all, locks

_PATIENCE_SECONDS = 2.0
"""Seconds for which the drop waits for readers, and later readers for the drop."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Partition:
    """The history of the runs from `first_run` up to `end_run`, which is excluded; `runs` is how many there are."""

    partition: str
    first_run: int
    end_run: int
    runs: int


def drop_old(connection: Connection, keep: float) -> int:
    """Drops the history of runs, holdouts and reconciliations that ended more than `keep` seconds ago.

    Returns of how many runs. Call it with the lock held and no run open. Whole partitions are dropped, so history may
    stay a little longer. While another session reads the history, this waits no more than a moment: the next call tries
    again.
    """
    execute(connection, "delete_old_held_out", {"keep": keep})
    execute(connection, "delete_old_reconciled", {"keep": keep})
    dropped = 0
    for old in fetch_all(connection, _Partition, "list_old_partitions", {"keep": keep}):
        try:
            _drop(connection, old)
        except errors.StateConflictError as error:
            log.warning("old history is dropped after a later run", why=str(error))
            break
        dropped += old.runs
    return dropped


def _drop(connection: Connection, old: _Partition) -> None:
    """Drops a partition with the pages and exceptions of its runs; all of it or nothing.

    The lock that keeps readers out is taken last, for the moment of the drop only.
    """
    with connection.transaction():
        runs = {"first_run": old.first_run, "end_run": old.end_run}
        execute(connection, "add_dropped_history", runs)
        execute(connection, "add_past_contacts", runs)
        execute(connection, "delete_old_exceptions", runs)
        execute(connection, "delete_old_pages", runs)
        with locks.changing_tables(connection, _PATIENCE_SECONDS):
            execute(connection, "drop_change_partition", partition=psycopg.sql.Identifier(old.partition))
