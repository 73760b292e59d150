"""Drops old history, a block of runs at a time.

Never loses what `verify`, a resync and forgetting need: what the changes of a run came to is added up in
`dropped_history`, and whom they were about is kept in `past_contact`; what a resync retracts stands in the state, not
in the history. That is done run by run, as each gets old, because no run can begin meanwhile: a block of days, with
tens of millions of changes, would take minutes at once. Then to drop it takes a moment. Runs stay for good, and so does
what they told altogether (`told_count`).
"""

from dataclasses import dataclass

import psycopg.sql

from syncer import errors
from syncer.log import Logger
from syncer.state import Connection, blocks, execute, fetch_all, fetch_values, locks

_PATIENCE_SECONDS = 2.0
"""Seconds for which the drop waits for readers, and later readers for the drop."""

log = Logger(__name__)


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
    _add_up(connection, keep)
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


def _add_up(connection: Connection, keep: float) -> None:
    """What the old runs came to is kept, one by one: whatever breaks this off, each is added up once. It is marked
    first: a process that stood still meanwhile, and does not lead any more, finds it done."""
    for run_id in fetch_values(connection, "list_runs_to_add_up", {"keep": keep}):
        with connection.transaction():
            if execute(connection, "mark_added_up", {"run_id": run_id}).rowcount == 0:
                break
            execute(connection, "add_dropped_history", {"run_id": run_id})
            execute(connection, "add_past_contacts", {"run_id": run_id})


def _drop(connection: Connection, old: _Old) -> None:
    """Drops all partitions of a block, or none.

    The lock that keeps readers out is taken last, for the moment of the drop only.
    """
    with connection.transaction():
        execute(connection, "forget_block", {"first_run": old.first_run})
        with locks.changing_tables(connection, _PATIENCE_SECONDS):
            for table in blocks.TABLES:
                execute(connection, "drop_block_partition", partition=psycopg.sql.Identifier(old.partition(table)))
