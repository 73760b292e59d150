"""`console`: the pages for people, where no daemon serves them."""

import click

from syncer.cli import screen, serving
from syncer.cli.opened import opened_app
from syncer.cli.options import Session, config_option
from syncer.cli.session import stoppable


@click.command()
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default=serving.DEFAULT,
    show_default=True,
    help="Beyond this machine only with a token.",
)
@config_option
@click.pass_obj
def console(session: Session, listen: str) -> None:
    """Show what was told, what waits and why on pages, until Ctrl-C. A daemon serves the same pages by itself."""
    with opened_app(session) as opened, stoppable() as stop:
        serving.refuse_unfit(listen, has_token=opened.settings.console.token is not None)
        with serving.pages(listen, opened) as address:
            if address is not None:
                screen.say(f"the console is at {address}")
            stop.asked.wait()
