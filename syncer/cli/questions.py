"""Questions, which change nothing: `history`, `explain`, `verify`."""

from collections.abc import Sequence

import click

from syncer import audit
from syncer.cli import answers, progress, reports, screen
from syncer.cli.opened import opened_app
from syncer.cli.options import TEXT, Session, config_option, destination_option, json_option, limit_option
from syncer.cli.session import connected, opened_state, say_if_restored, stoppable
from syncer.state import history

EXIT_CODE_OF_DIFFERENCES = 9


@click.command("history")
@click.argument("run_id", metavar="[RUN]", type=int, required=False)
@limit_option("How many to list.")
@config_option
@json_option
@click.pass_obj
def show_history(session: Session, run_id: int | None, limit: int, as_json: bool) -> None:
    """List the runs, or one RUN with its refused and skipped contacts."""
    with opened_state(session) as state, connected(state, "history") as connection:
        say_if_restored(connection)
        if run_id is None:
            reports.print_runs(history.latest(connection, limit), as_json=as_json)
            return
        report = history.named_run(connection, run_id)
        reports.print_report(report, as_json=as_json, whole=True)
        if not as_json:
            reports.print_refusals(history.refusals(connection, run_id, limit))
            reports.print_skipped(history.skipped(connection, limit))


@click.command()
@click.argument("who", type=TEXT)
@limit_option("How much history to show.")
@config_option
@json_option
@click.pass_obj
def explain(session: Session, who: str, limit: int, as_json: bool) -> None:
    """Show everything about WHO, a user id or an email. What the warehouse says, what was told, what waits, and why."""
    with (
        opened_app(session) as app,
        stoppable() as stop,
        progress.watching() as watcher,
        connected(app.state, "explain") as connection,
    ):
        say_if_restored(connection)
        story = audit.explain(app.job(), connection, who, stop, watcher, limit)
    if as_json:
        screen.print_json(story)
    else:
        answers.print_story(story)


@click.command()
@limit_option("How many to list by name.")
@destination_option
@config_option
@json_option
@click.pass_context
def verify(context: click.Context, limit: int, destinations: Sequence[str], as_json: bool) -> None:
    """Recount: history replayed = state = warehouse. Lists the differences, and exits with 9 if there are any."""
    with opened_app(context.obj) as app, stoppable() as stop, progress.watching() as watcher:
        found = audit.verify(app.job((), destinations), stop, watcher, limit)
    if as_json:
        screen.print_json(found)
    else:
        answers.print_audit(found)
    context.exit(EXIT_CODE_OF_DIFFERENCES if found.differences else 0)
