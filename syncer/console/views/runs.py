"""The runs, and one of them with everything that people ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncer import control
from syncer.console.views import MOST, pipelines
from syncer.state import Connection, blocks, fetch_all, history

RUNS_OF_A_PAGE = 50
_SAMPLES = 10
_READ_SAMPLES = 50
"""Of so many calls the samples are taken: with a call for every audience, a contact is there several times."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a line; counts are contacts over all destinations: accepted, and planned but not accepted; None once the
    history of that time is dropped."""

    run_id: int
    trigger: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    memberships: int | None
    added: int | None
    not_added: int | None
    removed: int | None
    not_removed: int | None


@dataclass(frozen=True, slots=True)
class Runs:
    """A page of runs, newest first. `older` is the number before which the next page begins; None at the end.

    `destinations` and `properties` are those that there are, to choose from.
    """

    runs: Sequence[RunLine]
    older: int | None
    destinations: Sequence[str]
    properties: Sequence[str]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why calls were refused, in the destination's words; `examples` are some of the contacts."""

    destination: str
    reason: str
    http_status: int | None
    calls: int
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rollback:
    """What waits of a rollback, in contacts: for approval, or, once that is there, for the next run."""

    run_id: int
    waiting: int
    approved: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run with everything that people ask of it; `held` is what approving it would let pass now, and `rollbacks` are
    the runs that hold, or held until it was approved, what takes this one back and was not told yet. `kept`: its
    history was not dropped; else nobody knows any more what it held, told and counted."""

    report: history.RunReport
    pipelines: Sequence[pipelines.Pipeline]
    refusals: Sequence[Refusals]
    held: Sequence[control.HeldChanges]
    rollbacks: Sequence[Rollback]
    kept: bool


@dataclass(frozen=True, slots=True)
class _Name:
    destination: str | None
    property: str | None


def runs(connection: Connection, chosen: Mapping[str, Any]) -> Runs:
    """A page of the runs that are `chosen`: see `list_page_of_runs`."""
    found = fetch_all(connection, RunLine, "list_page_of_runs", {**chosen, "limit": RUNS_OF_A_PAGE + 1})
    page = found[:RUNS_OF_A_PAGE]
    names = fetch_all(connection, _Name, "list_names")
    return Runs(
        runs=page,
        older=page[-1].run_id if len(found) > len(page) else None,
        destinations=[each.destination for each in names if each.destination is not None],
        properties=[each.property for each in names if each.property is not None],
    )


def run(connection: Connection, run_id: int) -> Run | None:
    """One run, or None if there is none."""
    report = history.report(connection, run_id)
    if report is None:
        return None
    kept = not blocks.is_dropped(connection, run_id)
    return Run(
        report=report,
        pipelines=pipelines.of_run(connection, run_id),
        refusals=_refusals(connection, run_id),
        held=control.waiting(connection, run_id, most=MOST) if kept else (),
        rollbacks=fetch_all(connection, Rollback, "list_rollbacks", {"run_id": run_id}),
        kept=kept,
    )


def _refusals(connection: Connection, run_id: int) -> Sequence[Refusals]:
    asked = {"run_id": run_id, "samples": _READ_SAMPLES, "most": MOST}
    return [
        Refusals(each.destination, each.reason, each.http_status, each.calls, _some(each.examples))
        for each in fetch_all(connection, Refusals, "list_refusals_by_reason", asked)
    ]


def _some(contacts: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys(contacts))[:_SAMPLES]
