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
    "--listen", metavar="HOST:PORT", default=_DEFAULT, show_default=True, help="Beyond this machine only with a token."
)
@config_option
@click.pass_obj
def console(session: Session, listen: str) -> None:
    """Show what was told, what waits and why on pages, until Ctrl-C. A daemon serves the same pages by itself."""
    _refuse_no_address(listen)
    with opened_app(session) as opened, stoppable() as stop:
        if opened.settings.console.token is None:
            _refuse_reachable(listen)
        site = Console(opened, alone=True)
        server = WebServer(listen, site.page)
        server.open()
        if server.address is not None:
            screen.say(f"the console is at http://{server.address}/")
        thread = threading.Thread(target=server.keep, name="console", daemon=True)
        thread.start()
        stop.asked.wait()
        server.close()
        thread.join()
        site.close()


def _refuse_no_address(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise errors.ConfigError([errors.Problem("--listen", f"{listen!r} is no host and port, such as {_DEFAULT}")])


def _refuse_reachable(listen: str) -> None:
    """Nobody is asked who they are, so nobody else's machine may reach it."""
    if not is_loopback(listen.rpartition(":")[0].strip("[]")):
        sentence = (
            f"{listen!r} is no address of this machine's own, and there is no `console.token`; set one, or write an"
            f" address such as {_DEFAULT}, and come from elsewhere through a tunnel"
            " (`ssh -L 9465:127.0.0.1:9465 HOST`)"
        )
        raise errors.ConfigError([errors.Problem("--listen", sentence)])
