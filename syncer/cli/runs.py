"""Runs, by this process or by the daemon that leads: `sync`, `resync`, `retry`."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from syncer import control, errors, sync
from syncer.app import App
from syncer.cli import progress, reports, screen
from syncer.cli.alarm import opened_app_for_a_run
from syncer.cli.options import TEXT, audience_option, config_option, destination_option, json_option, yes_option
from syncer.cli.session import confirm, connected, may_ask, stoppable
from syncer.daemon.alerts import AlertLog
from syncer.overview import promises
from syncer.planning import saved
from syncer.state import Connection, handover, history, status
from syncer.state.runs import Action, RunStart
from syncer.stopping import Stop

_ASK_SECONDS = 0.3
"""Seconds between two looks at how far the daemon is."""

_MOST_BYTES = 64 * 1024 * 1024
"""Of a saved plan; one of ten thousand audiences has a twentieth of that at a destination."""

_NOBODY_REVIEWS = (
    "a daemon leads, which sends what is due by itself: a plan is reviewed where no daemon runs, or while it is stopped"
)


@click.command("sync")
@audience_option
@destination_option
@click.option(
    "--plan",
    "reviewed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Send exactly what `syncer plan --out FILE` said, or nothing.",
)
@config_option
@json_option
@click.pass_context
def sync_now(
    context: click.Context,
    audiences: Sequence[str],
    destinations: Sequence[str],
    reviewed: Path | None,
    as_json: bool,
) -> None:
    """Run once, now."""
    if reviewed is not None and (audiences or destinations):
        raise click.UsageError("--plan goes without --audience and --destination: the plan says what it is about")
    with opened_app_for_a_run(context.obj) as app, stoppable() as stop:
        if reviewed is None:
            job, action = app.job(audiences, destinations), _action("sync", audiences, destinations)
        else:
            job, action = _reviewed(app, reviewed)
        _run(context, app, job, RunStart("manual", action=action), stop, as_json=as_json)


@click.command()
@audience_option
@destination_option
@click.option("--restored", is_flag=True, help="Go on from a state that was restored from a backup.")
@yes_option
@config_option
@json_option
@click.pass_context
def resync(
    context: click.Context,
    audiences: Sequence[str],
    destinations: Sequence[str],
    restored: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Tell everything again, now. Members are told `true`, all who left `false`; it resumes if it is cut off."""
    if restored and (audiences or destinations):
        raise click.UsageError("--restored is about everything; it goes without --audience and --destination")
    with opened_app_for_a_run(context.obj) as app, stoppable() as stop:
        job = app.job(audiences, destinations, same_account=destinations)
        if may_ask(yes):
            with connected(app.state, "resync") as connection:
                screen.print_rows("told so far", history.told(connection), ("destination", "told_true", "told_false"))
            confirm("Tell all of that again?")
        start = RunStart("resync", action=_action("resync", audiences, destinations), restored=restored)
        _run(context, app, job, start, stop, as_json=as_json)


@click.command()
@click.argument("who", type=TEXT, nargs=-1)
@config_option
@json_option
@click.pass_context
def retry(context: click.Context, who: Sequence[str], as_json: bool) -> None:
    """Try refused contacts again, now: all, or those of WHO. WHO are user ids or emails."""
    with opened_app_for_a_run(context.obj) as app, stoppable() as stop:
        with connected(app.state, "retry") as connection:
            screen.say(f"{control.release(connection, who):,} refused contacts are tried again")
        _run(context, app, app.job(), RunStart("manual"), stop, as_json=as_json)


def _reviewed(app: App, file: Path) -> tuple[sync.Job, Action]:
    """What a saved plan is about. The history has the digest of the file, so that it is known which one it was."""
    try:
        with file.open("rb") as opened:
            document = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise errors.ConfigError([errors.Problem(str(file), f"cannot be read: {error.strerror}")]) from error
    if len(document) > _MOST_BYTES:
        raise errors.ConfigError([errors.Problem(str(file), "is too large for a plan that `syncer plan --out` wrote")])
    plan = saved.decoded(document, str(file))
    job = replace(app.job(plan.only_audiences, plan.only_destinations).without_refreshes(), reviewed=plan)
    action = _action("sync", plan.only_audiences, plan.only_destinations)
    digest = hashlib.sha256(document).hexdigest()
    return job, replace(action, arguments={**action.arguments, "plan_sha256": [digest]})


def _action(name: str, audiences: Sequence[str], destinations: Sequence[str]) -> Action:
    return Action(name, {"audiences": list(audiences), "destinations": list(destinations)})


def _run(context: click.Context, app: App, job: sync.Job, start: RunStart, stop: Stop, *, as_json: bool) -> NoReturn:
    """Runs, shows the run, and exits with its code. Where a daemon leads, it is the daemon's run."""
    ended = _run_here_or_there(app, job, start, stop)
    if isinstance(ended, handover.Answer):
        _show_answer(app, ended, as_json=as_json)
        context.exit(ended.exit_code)
    reports.print_report(ended.report, as_json=as_json)
    if app.channel is not None:
        AlertLog(app.state, app.channel, app.baseline, promises(app.settings)).review_run(ended)
    for failure in ended.failures:
        screen.print_error(failure, verbose=context.obj.verbose)
    if any(audience.held for audience in ended.report.audiences):
        screen.say(
            "held for approval: see `syncer history` and the view held_changes; to let it pass:"
            f" syncer approve {ended.report.run_id}"
        )
    context.exit(sync.exit_code(ended))


def _run_here_or_there(app: App, job: sync.Job, start: RunStart, stop: Stop) -> sync.Result | handover.Answer:
    """A run of this process, or the answer of the daemon if one leads."""
    while True:
        try:
            with progress.watching() as watcher:
                return sync.sync(job, start, stop, watcher)
        except errors.SyncLockedError:
            if not handover.daemon_leads(app.state):
                raise
            if job.reviewed is not None:
                raise errors.SyncLockedError(_NOBODY_REVIEWS) from None
        answer = _hand_over(app, start, stop)
        if answer is not None:
            return answer


def _hand_over(app: App, start: RunStart, stop: Stop) -> handover.Answer | None:
    """Has the leading daemon do it, and shows how far it is. None if the daemon is gone and had not begun."""
    screen.say("a daemon leads; it does this now, or when the run in progress has ended")
    again: handover.Kind = "restored" if start.restored else "resync"
    kind = again if start.trigger == "resync" else "sync"
    named = start.action.arguments if start.action else {}
    with progress.watching() as watcher:
        settled = 0
        announced: int | None = None

        def wait(connection: Connection) -> bool:
            nonlocal settled, announced
            running = status.now(connection).running
            if running is not None and running.phase == "planned":
                if announced != running.run_id:
                    watcher.planned("the daemon", running.planned)
                    settled, announced = 0, running.run_id
                watcher.sent("the daemon", running.settled - settled)
                settled = running.settled
            return not stop.asked.wait(_ASK_SECONDS)

        return handover.ask(app.state, kind, named.get("audiences", ()), named.get("destinations", ()), wait)


def _show_answer(app: App, answer: handover.Answer, *, as_json: bool) -> None:
    for problem in answer.problems:
        screen.complain(problem)
    if answer.run_id is None:
        return
    with app.state.connect("report") as connection:
        report = history.report(connection, answer.run_id)
    if report is not None:
        reports.print_report(report, as_json=as_json)
        if report.error:
            screen.complain(report.error)
