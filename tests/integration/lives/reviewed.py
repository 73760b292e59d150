"""Every run is reviewed: a plan is saved right before it, and as nothing moves, it is what the run finds.

A full resync is not, since it makes due what no plan before it can say.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

import syncer
from syncer import errors, sync
from syncer.planning import digests, saved
from syncer.planning.changes import TargetPlan
from syncer.state import Connection, runs
from syncer.stopping import Stop
from tests.integration.lives.twice import Different


class Reviewed:
    """`same` counts the runs that sent what was reviewed. `quietly`: around what the check does in a run's session."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, quietly: Callable[[], AbstractContextManager[object]]) -> None:
        self.same = 0
        run = sync.run

        def reviewed(job: sync.Job, leadership: Any, start: runs.RunStart, stop: Stop, watch: Any) -> sync.Result:
            if start.trigger == "resync":
                return run(job, leadership, start, stop, watch)
            with quietly(), suppress(errors.SyncerError):  # what keeps a plan from being made keeps the run from it too
                runs.settle_lost_run(leadership.connection)
                job = replace(job, reviewed=_saved(job, leadership.connection, stop, watch))
            result = run(job, leadership, start, stop, watch)
            for failure in result.failures:
                if isinstance(failure, errors.PlanMovedError):
                    raise Different(str(failure))
            self.same += job.reviewed is not None
            return result

        monkeypatch.setattr(sync, "run", reviewed)


def _saved(job: sync.Job, connection: Connection, stop: Stop, watch: sync.Progress) -> saved.Plan:
    found: list[saved.Destination] = []

    def look(at: Connection, planned: TargetPlan) -> None:
        found.append(digests.of_target(at, planned))

    sync.preview(job, stop, watch, look)
    state = digests.of_state(connection)
    return saved.Plan(saved.FORMAT, syncer.__version__, datetime.now(UTC), state, [], [], [], found)
