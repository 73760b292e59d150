"""`status`: how everything stands, in one look or again and again."""

import click

from syncer import opening, overview
from syncer.cli import dashboard, screen, streams
from syncer.cli.options import Session, config_option, json_option
from syncer.cli.session import connected, load_settings, say_if_restored, stoppable

_WATCH_SECONDS = 1.0
"""Seconds between two looks of `status --watch`."""


@click.command()
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@config_option
@json_option
@click.pass_obj
def status(session: Session, watch: bool, as_json: bool) -> None:
    """Show how everything stands now. That is, who leads, what runs, what is due, and what waits."""
    settings = load_settings(session)
    with opening.opened_state(settings) as state, connected(state, "status") as connection:
        say_if_restored(connection)
        if as_json:
            screen.print_json(overview.standing(settings, state, connection))
            return
        if not watch:
            dashboard.show(overview.standing(settings, state, connection))
            return
        with stoppable() as stop, dashboard.repeated() as show:
            while not stop.asked.is_set() and streams.is_heard():
                show(overview.standing(settings, state, connection))
                stop.asked.wait(_WATCH_SECONDS)
