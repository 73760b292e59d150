"""One sync run, readable as a paragraph.

Lock; open the run; what a vanished process was sending becomes uncertain; read the warehouse and write the plan, in
one transaction; tell every destination side by side, and meanwhile plan what is left of a large first sync; close the
run with what came of it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from syncer import errors, models, naming, telling
from syncer.calls import Destination
from syncer.delivery.retrying import RetryPolicy
from syncer.log import Logger, bound
from syncer.mirrors import Mirrors
from syncer.models import Status
from syncer.planning import digests, plan, report, saved, slices, writing
from syncer.planning.changes import TargetPlan
from syncer.planning.preview import imagined_plan
from syncer.planning.targets import UNKNOWN, PlanRequest, Scope, Target
from syncer.state import (
    Connection,
    State,
    accounts,
    break_off,
    history,
    migrations,
    retention,
    runs,
    translated_errors,
    witness,
)
from syncer.state.audiences import known_audiences
from syncer.state.leadership import Leadership, lead
from syncer.stopping import Interrupted, Stop

log = Logger(__name__)


Look = Callable[[Connection, TargetPlan], None]
"""Looks at a plan for a destination."""


class Progress(telling.Progress, Protocol):
    """Watches a run."""

    def phase(self, name: str) -> None:
        """A new phase begins: `reading`, `delivering`, `closing`."""


class Unwatched:
    """The progress of what nobody watches."""

    def phase(self, name: str) -> None: ...

    def planned(self, destination: str, identifies: int) -> None: ...

    def sent(self, destination: str, identifies: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Job:
    """What to sync, from where to where.

    `until` is when the next run is due: a first sync, for example, plans only what can be told before then.
    `same_account` names destinations of which a human says that they are the same account behind another address.
    `keep_history` is in seconds; None keeps all of it. `everywhere`: the targets are all destinations that there are.
    `suppressed` are the sources of those who are in no audience, `priorities` the lists of audiences of which a person
    is in the first only. `reviewed`: send exactly this, or nothing. A first sync of more is planned and told in slices
    of about `slice_rows`.
    """

    state: State
    warehouse: models.Warehouse
    sources: Sequence[models.Source]
    configured: Sequence[models.ConfiguredAudience]
    targets: Sequence[Target]
    scope: Scope = field(default_factory=Scope)
    until: datetime | None = None
    guard: models.Guard = field(default_factory=models.Guard)
    same_account: Collection[str] = ()
    keep_history: float | None = None
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    everywhere: bool = True
    mirrors: Mirrors | None = None
    suppressed: Sequence[models.Source] = ()
    reviewed: saved.Plan | None = None
    priorities: Sequence[models.Priority] = ()
    slice_rows: int = slices.ROWS

    @property
    def destinations(self) -> Sequence[Destination]:
        return [target.destination for target in self.targets]

    def without(self, refused: Collection[str]) -> "Job":
        """The same without the destinations of these names."""
        targets = [target for target in self.targets if target.name not in refused]
        return replace(self, targets=targets, everywhere=self.everywhere and len(targets) == len(self.targets))

    def without_refreshes(self) -> "Job":
        """The same, but nobody is told anything only because it expires: that is due by time alone, and so is no part
        of what is reviewed."""
        targets = [replace(each, mode=replace(each.mode, refresh=None)) for each in self.targets]
        return replace(self, targets=targets)


@dataclass(frozen=True, slots=True)
class Result:
    """A run that has ended, and the errors that it ended with."""

    report: history.RunReport
    failures: Sequence[BaseException]


def sync(job: Job, start: runs.RunStart, stop: Stop, progress: Progress) -> Result:
    """One run now. Raises only before the run is open: from then on every end of it is in its report."""
    with job.state.connect("sync") as connection:
        migrations.check(connection, job.state.schema)
        with lead(job.state, connection) as leadership:
            return run(job, leadership, start, stop, progress)


def run(job: Job, leadership: Leadership, start: runs.RunStart, stop: Stop, progress: Progress) -> Result:
    """One run for a process that already leads."""
    connection = leadership.connection
    refuse_bad_names(connection, job.configured)
    if not start.restored:
        witness.check(connection)
    if job.reviewed is not None:
        saved.refuse_other_state(job.reviewed, digests.of_state(connection))
    again = _told_again(connection, job) if start.trigger == "resync" else None
    _settle_lost_run(connection)
    registered = accounts.register(connection, job.destinations, job.same_account)
    run_id = _open(connection, job, registered, start, again)
    with bound(run_id=run_id):
        here = job.without(registered.refused)
        ending = _read_plan_deliver(here, registered.ids, leadership, run_id, stop, progress)
        ending = replace(ending, by_destination={**ending.by_destination, **registered.refused})
        progress.phase("closing")
        result = _close(connection, run_id, start.trigger, ending)
        _drop_old_history(connection, job)
        return result


def preview(job: Job, stop: Stop, progress: Progress, look: Look = lambda *_: None) -> Result:
    """What a run would send now, in the words of a run's report. See `dry_run`.

    May `look` at the plan for each destination, while the private tables of the session hold it.
    """
    started_at = datetime.now(UTC)
    targets: list[TargetPlan] = []
    with dry_run(job, stop, progress) as (planning, refused):
        for target in planning.targets():
            look(planning.connection, target)
            targets.append(target)
        planned = planning.summed_up(targets)
    return Result(report.planned(planned, started_at), refused)


@contextmanager
def dry_run(job: Job, stop: Stop, progress: Progress) -> Iterator[tuple[plan.Planning, Sequence[errors.ConfigError]]]:
    """The plan of a run in the making, and why destinations are left out of it.

    Sends and changes nothing, needs no lock. Raises `RestoredError` as a run does.
    """
    with job.state.connect("plan") as connection:
        migrations.check(connection, job.state.schema)
        witness.check(connection)
        with imagined(job, connection, stop, progress) as found:
            yield found


@contextmanager
def imagined(
    job: Job, connection: Connection, stop: Stop, progress: Progress
) -> Iterator[tuple[plan.Planning, Sequence[errors.ConfigError]]]:
    """The same in a session with a state of this version, also with one that was restored."""
    refuse_bad_names(connection, job.configured)
    refused = accounts.refused(connection, job.destinations)
    progress.phase("reading")
    with stop.may_interrupt():
        request = replace(_request(job.without(refused), accounts.known(connection)), slice_rows=None)
        with imagined_plan(connection, request) as planning:
            yield planning, list(refused.values())


def refuse_bad_names(connection: Connection, configured: Sequence[models.ConfiguredAudience]) -> None:
    """Names and properties that the configuration gives stop everything before anything is sent."""
    problems = naming.configuration_problems(configured, known_audiences(connection))
    if problems:
        raise errors.ConfigError(problems)


def exit_code(result: Result) -> int:
    """What a command exits with after this run: the first of the contract's codes that applies."""
    codes = {error.exit_code if isinstance(error, errors.SyncerError) else 1 for error in result.failures}
    statuses = {result.report.status, *(destination.status for destination in result.report.destinations)}
    if result.report.status == Status.INTERRUPTED:
        codes.add(130)
    if Status.HELD in statuses:
        codes.add(errors.HeldError.exit_code)
    if any(destination.unknown for destination in result.report.destinations):
        codes.add(errors.DestinationUnavailableError.exit_code)
    refused = any(destination.failed for destination in result.report.destinations)
    if refused or any(audience.problem for audience in result.report.audiences):
        codes.add(errors.RequestRefusedError.exit_code)
    return next((code for code in (1, 2, 3, 4, 10, 130, 7, 6, 5, 8) if code in codes), 0)


# --- the steps ---------------------------------------------------------------------------------------------------


def _settle_lost_run(connection: Connection) -> None:
    lost = runs.settle_lost_run(connection)
    if lost is not None:
        log.warning("an earlier run was left open; what it was sending is uncertain and is told again", lost_run=lost)


def _told_again(connection: Connection, job: Job) -> list[int] | None:
    """The audiences that a full resync is about; None for all. Nothing was told yet of one that the state ignores."""
    if job.scope.whole:
        return None
    known = known_audiences(connection)
    wanted = job.scope.audiences
    unknown = wanted - {audience.name for audience in known} - {audience.property for audience in known}
    if unknown:
        raise errors.ConfigError(
            [
                errors.Problem("--audience", f"{name!r} was never synced; `syncer sync` begins it")
                for name in sorted(unknown)
            ]
        )
    return [audience.audience_id for audience in known if audience.name in wanted or audience.property in wanted]


def _open(
    connection: Connection,
    job: Job,
    registered: accounts.Registered,
    start: runs.RunStart,
    again: Sequence[int] | None,
) -> int:
    ids = registered.ids
    resync = {ids[each.name]: again for each in job.without(registered.refused).destinations}
    destination_ids = [ids[each.name] for each in job.destinations]
    return runs.open_run(connection, start, destination_ids, resync if start.trigger == "resync" else {})


def _read_plan_deliver(
    job: Job, ids: Mapping[str, int], leadership: Leadership, run_id: int, stop: Stop, progress: Progress
) -> runs.RunEnd:
    """From the warehouse to the destinations. Whatever happens comes back as the ending of the run."""
    try:
        with translated_errors():
            witness.remember(leadership.connection, run_id)
            progress.phase("reading")
            planned = _read_and_plan(_request(job, ids), leadership.connection, run_id, stop)
            progress.phase("delivering")
            order = telling.Order(job.state, leadership, run_id, planned, job.retries)
            told = telling.tell(order, stop, progress)
            return runs.RunEnd(told.error, stop.asked.is_set(), by_destination=told.by_destination)
    except Interrupted:
        break_off(leadership.connection)
        return runs.RunEnd(error="interrupted before anything was sent", interrupted=True)
    except errors.SyncerError as error:
        return runs.RunEnd(error=str(error), cause=error)
    except Exception as error:  # the run must not stay open, whatever bug this is; the command tells of it
        return runs.RunEnd(error=f"unexpected {type(error).__name__}", cause=error)


def _read_and_plan(request: PlanRequest, connection: Connection, run_id: int, stop: Stop) -> plan.Plan:
    """Nothing has been sent yet, so a wish to stop breaks this off wherever it is."""
    try:
        with stop.may_interrupt():
            return writing.write(connection, request, run_id)
    except errors.SyncerError as error:
        if stop.asked.is_set():
            raise Interrupted from error  # the statement that was cancelled complains of it
        raise


def _close(connection: Connection, run_id: int, trigger: models.Trigger, ending: runs.RunEnd) -> Result:
    """Closes the run and reads its report back. If the state is lost, says so in a report of our own."""
    failures: list[BaseException] = [*ending.by_destination.values()]
    if ending.cause is not None:
        failures.append(ending.cause)
    try:
        with translated_errors():
            runs.close_run(connection, run_id, ending)
            witness.remember(connection, run_id)
            closed = history.report(connection, run_id)
    except errors.StateError as error:
        return Result(report.lost(run_id, trigger, str(ending.cause or error)), [*failures, error])
    if closed is None:
        raise errors.NotOursError(f"run {run_id} is not in the state any more")
    return Result(closed, failures)


def _drop_old_history(connection: Connection, job: Job) -> None:
    """The run is closed whatever comes of this: the next one tries again."""
    if job.keep_history is None:
        return
    try:
        with translated_errors():
            retention.drop_old(connection, job.keep_history)
    except errors.StateError as error:
        log.warning("old history could not be dropped", error=str(error))


def _request(job: Job, known: Mapping[str, int]) -> PlanRequest:
    """What to plan, once the destinations are `known`: their ids by name."""
    targets = [
        replace(
            target,
            destination_id=known.get(target.name, UNKNOWN),
            tellable=_tellable(target.destination, job.until),
        )
        for target in job.targets
    ]
    return PlanRequest(
        job.warehouse,
        job.sources,
        job.configured,
        job.scope,
        targets,
        job.guard,
        job.everywhere,
        job.mirrors,
        job.suppressed,
        job.reviewed,
        job.priorities,
        job.slice_rows,
    )


def _tellable(destination: Destination, until: datetime | None) -> int | None:
    """How many identifies a destination takes until then at its rate limit; None for as many as there are."""
    if until is None or not destination.rate.per_second:
        return None
    seconds = max(0.0, (until - datetime.now(UTC)).total_seconds())
    return int(seconds * destination.rate.per_second * destination.rate.together)
