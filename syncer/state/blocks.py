"""The blocks of runs whose history is kept together, in partitions of their own, and dropped together.

A block is of as many runs as begin within a hundredth of the time for which history is kept, and of no fewer than
`RUNS`. So there are about a hundred blocks, however often runs are made (a person's history is looked up in all of
them), and what is old is dropped soon. The bounds of a partition cannot be moved while somebody reads it, so the number
is estimated by the pace of the runs before. Where later runs are so much rarer that a block would last more than twice
as long, the numbers of runs that it has left are skipped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg.sql

from syncer.state import Connection, execute, fetch_one, fetch_optional, fetch_value, locks

RUNS = 250
"""The fewest runs of a block."""

SHARE = 1 / 100
"""For how much of the time for which history is kept a block is to last."""

CHANGES = "sync_change"
_RECORDS = ("sync_page", "sync_exception", "run_count", "run_audience")
TABLES = (CHANGES, *_RECORDS)
"""The tables of which each block has a partition. That of the changes is made once there are some."""


@dataclass(frozen=True, slots=True)
class Block:
    """The runs from `first_run` up to `end_run`, which is excluded."""

    first_run: int
    end_run: int

    def partition(self, table: str) -> str:
        """The partition of a table that holds this block."""
        return f"{table}_{self.first_run:010d}"


def of_run(connection: Connection, run_id: int) -> Block:
    """The block of a run, which begins one if it is in none."""
    found = fetch_optional(connection, Block, "find_history_block", {"run_id": run_id})
    return found or fetch_one(connection, Block, "begin_history_block", {"run_id": run_id, "runs": RUNS})


def is_dropped(connection: Connection, run_id: int) -> bool:
    """Whether the history of a run is not kept any more."""
    return bool(fetch_value(connection, "is_dropped", {"run_id": run_id}))


def make(connection: Connection, block: Block) -> None:
    """Makes the partitions of a block that has none, but for that of the changes."""
    if create(connection, block, _RECORDS[0]):
        attach(connection, block, _RECORDS[0])
        for table in _RECORDS[1:]:
            create(connection, block, table)
            attach(connection, block, table)


def create(connection: Connection, block: Block, table: str) -> bool:
    """Creates the table that becomes a partition once it is attached, unless there is one; returns whether it did.

    Until then it can be filled by its name: building its indexes takes a fifth of keeping them row by row.
    """
    name = _name(block, table)
    if fetch_value(connection, "find_table", {"table": name.as_string(connection)}):
        return False
    execute(connection, "create_block_partition", partition=name, parent=psycopg.sql.Identifier(table))
    return True


def attach(connection: Connection, block: Block, table: str) -> None:
    """Makes the table of a block a part of the history."""
    with locks.changing_tables(connection):
        execute(
            connection,
            "attach_block_partition",
            partition=_name(block, table),
            parent=psycopg.sql.Identifier(table),
            first_run=psycopg.sql.Literal(block.first_run),
            end_run=psycopg.sql.Literal(block.end_run),
        )


@contextmanager
def filled(connection: Connection, run_id: int) -> Iterator[psycopg.sql.Identifier]:
    """The table into which the changes of a run are written. Those of the first run of a block, as a rule a first sync,
    go into one that becomes a part of the history afterwards."""
    block = of_run(connection, run_id)
    begins = create(connection, block, CHANGES)
    yield _name(block, CHANGES)
    if begins:
        attach(connection, block, CHANGES)


def _name(block: Block, table: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(block.partition(table))


def keep_even(connection: Connection, keep: float) -> None:
    """Sees to it that the next block lasts about as long as it is to, where history is kept for `keep` seconds.

    Call it with the lock held and no run open.
    """
    execute(connection, "skip_rest_of_block", {"runs": RUNS, "seconds": 2 * SHARE * keep})
    execute(connection, "prepare_next_block", {"runs": RUNS, "seconds": SHARE * keep})
