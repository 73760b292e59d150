"""What became of the members on their way to a destination: from the warehouse to its answers, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncer.console.views import MOST
from syncer.state import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What became of the members in a run, at one destination.

    `members` are users of each audience, of them `unchanged` those for whom there is nothing to add; `skipped` are rows
    that cannot be told, by reason. `held` wait for approval and `deferred` for the next run, in contacts of each
    audience. `planned` and what follows are identifies; of a run in progress (`running`) those answered so far.
    """

    destination: str
    run_id: int
    running: bool
    members: int
    unchanged: int
    skipped: Mapping[str, int]
    held: int
    deferred: int
    planned: int
    succeeded: int
    failed: int
    unknown: int
    aborted: int

    @property
    def skipped_rows(self) -> int:
        """The rows that cannot be told."""
        return sum(self.skipped.values())


def latest(connection: Connection) -> Sequence[Pipeline]:
    """The last run that planned for each destination, by its name."""
    return _pipelines(connection, None)


def of_run(connection: Connection, run_id: int) -> Sequence[Pipeline]:
    """A run at each of its destinations, by its name."""
    return _pipelines(connection, run_id)


def _pipelines(connection: Connection, run_id: int | None) -> Sequence[Pipeline]:
    return fetch_all(connection, Pipeline, "list_pipelines", {"run_id": run_id, "most": MOST})
