"""Drops old history, a block of runs at a time.

Never loses what `verify`, a resync and forgetting need: in the same transaction, what the dropped changes came to is
added up in `dropped_history`, and whom they were about is kept in `past_contact`; what a resync retracts stands in the
state, not in the history. Runs stay for good, and so does what they told altogether (`told_count`).
"""

from dataclasses import dataclass

import psycopg.sql
import structlog

from syncer import errors
from syncer.state import Connection, blocks, execute, fetch_all, locks

_PATIENCE_SECONDS = 2.0
"""Seconds for which the drop waits for readers, and later readers for the drop."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Old(blocks.Block):
    """A block that is old; `runs` is how many there are in it."""

    runs: int


def drop_old(connection: Connection, keep: float) -> int:
    """Drops the history of runs, holdouts and reconciliations that ended more than `keep` seconds ago.

    Returns of how many runs. Call it with the lock held and no run open. Whole blocks are dropped, so history may stay
    a little longer. While another session reads the history, this waits no more than a moment: the next call tries
    again.
    """
    execute(connection, "delete_old_held_out", {"keep": keep})
    execute(connection, "delete_old_reconciled", {"keep": keep})
    dropped = 0
    for old in fetch_all(connection, _Old, "list_old_blocks", {"keep": keep}):
        try:
            _drop(connection, old)
        except errors.StateConflictError as error:
            log.warning("old history is dropped after a later run", why=str(error))
            break
        dropped += old.runs
    blocks.keep_even(connection, keep)
    return dropped


def _drop(connection: Connection, old: _Old) -> None:
    """Drops all partitions of a block, or none.

    The lock that keeps readers out is taken last, for the moment of the drop only.
    """
    with connection.transaction():
        runs = {"first_run": old.first_run, "end_run": old.end_run}
        execute(connection, "add_dropped_history", runs)
        execute(connection, "add_past_contacts", runs)
        execute(connection, "forget_block", {"first_run": old.first_run})
        with locks.changing_tables(connection, _PATIENCE_SECONDS):
            for table in blocks.TABLES:
                execute(connection, "drop_block_partition", partition=psycopg.sql.Identifier(old.partition(table)))
