"""`console`: the pages for people, where no daemon serves them."""

import threading

import click

from syncer import errors
from syncer.cli import screen
from syncer.cli.session import Session, config_option, opened_app, stoppable
from syncer.console.site import Console
from syncer.fields import is_loopback
from syncer.web import WebServer

_DEFAULT = "127.0.0.1:9465"


@click.command()
@click.option(
    "--listen", metavar="HOST:PORT", default=_DEFAULT, show_default=True, help="An address of this machine's own."
)
@config_option
@click.pass_obj
def console(session: Session, listen: str) -> None:
    """Show what was told, what waits and why on pages, until Ctrl-C. A daemon serves the same pages by itself."""
    _refuse_reachable(listen)
    with opened_app(session) as opened, stoppable() as stop:
        server = WebServer(listen, Console(opened).page)
        server.open()
        if server.address is not None:
            screen.say(f"the console is at http://{server.address}/")
        thread = threading.Thread(target=server.keep, name="console", daemon=True)
        thread.start()
        stop.asked.wait()
        server.close()
        thread.join()


def _refuse_reachable(listen: str) -> None:
    """Nobody is asked who they are, so nobody else's machine may reach it."""
    host, _, port = listen.rpartition(":")
    if not (is_loopback(host.strip("[]")) and port.isascii() and port.isdigit() and int(port) < 65536):
        sentence = (
            f"{listen!r} is no address of this machine's own; write one such as {_DEFAULT}, and come from elsewhere"
            " through a tunnel (`ssh -L 9465:127.0.0.1:9465 HOST`)"
        )
        raise errors.ConfigError([errors.Problem("--listen", sentence)])
