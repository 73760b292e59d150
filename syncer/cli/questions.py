"""Questions, which change nothing: `status`, `history`, `explain`, `verify`."""

from collections.abc import Sequence

import click

from syncer import app, audit, errors
from syncer.cli import answers, dashboard, progress, screen, streams
from syncer.cli.session import (
    TEXT,
    Session,
    config_option,
    connected,
    destination_option,
    json_option,
    limit_option,
    load_settings,
    opened_app,
    opened_state,
    stoppable,
)
from syncer.state import Connection, history, witness

_WATCH_SECONDS = 1.0
"""Seconds between two looks of `status --watch`."""

EXIT_CODE_OF_DIFFERENCES = 9


@click.command()
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@config_option
@json_option
@click.pass_obj
def status(session: Session, watch: bool, as_json: bool) -> None:
    """Show how everything stands now. That is, who leads, what runs, what is due, and what waits."""
    settings = load_settings(session)
    with app.opened_state(settings) as state, connected(state, "status") as connection:
        say_if_restored(connection)
        if as_json:
            screen.print_json(app.standing(settings, state, connection))
            return
        if not watch:
            dashboard.show(app.standing(settings, state, connection))
            return
        with stoppable() as stop, dashboard.repeated() as show:
            while not stop.asked.is_set() and streams.is_heard():
                show(app.standing(settings, state, connection))
                stop.asked.wait(_WATCH_SECONDS)


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
            screen.print_runs(history.latest(connection, limit), as_json=as_json)
            return
        report = history.named_run(connection, run_id)
        screen.print_report(report, as_json=as_json)
        if not as_json:
            screen.print_refusals(history.refusals(connection, run_id, limit))
            screen.print_skipped(history.skipped(connection, limit))


@click.command()
@click.argument("who", type=TEXT)
@limit_option("How much history to show.")
@config_option
@json_option
@click.pass_obj
def explain(session: Session, who: str, limit: int, as_json: bool) -> None:
    """Show everything about WHO, a user id or an email. What the warehouse says, what was told, what waits, and why."""
    with opened_app(session) as app, stoppable() as stop, progress.watching() as watcher:
        with connected(app.state, "explain") as connection:
            say_if_restored(connection)
        story = audit.explain(app.job(), who, stop, watcher, limit)
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


def say_if_restored(connection: Connection) -> None:
    """What a restored state says is shown, because it helps; but not for the truth."""
    try:
        witness.check(connection)
    except errors.RestoredError as error:
        screen.complain(str(error))
