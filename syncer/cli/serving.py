"""Serves the console's pages beside what a command does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from syncer import errors
from syncer.app import App
from syncer.console.site import Console
from syncer.fields import is_loopback, is_port
from syncer.web import WebServer

DEFAULT = "127.0.0.1:9465"


def refuse_unfit(listen: str, *, has_token: bool) -> None:
    """Raises `ConfigError` for what is no host and port; without a token, by which people say who they are, also for
    what other machines can reach."""
    host, _, port = listen.rpartition(":")
    if not (host and is_port(port)):
        raise errors.ConfigError([errors.Problem("--listen", f"{listen!r} is no host and port, such as {DEFAULT}")])
    if not has_token and not is_loopback(host.strip("[]")):
        sentence = (
            f"{listen!r} is no address of this machine's own, and there is no `console.token`; set one, or write an"
            f" address such as {DEFAULT}, and come from elsewhere through a tunnel"
            " (`ssh -L 9465:127.0.0.1:9465 HOST`)"
        )
        raise errors.ConfigError([errors.Problem("--listen", sentence)])


@contextmanager
def pages(listen: str, opened: App) -> Iterator[str | None]:
    """Serves the pages at host:port for this block, in a thread; where, or None if another process listens there."""
    site = Console(opened, alone=True)
    server = WebServer(listen, site.page)
    server.open()
    thread = threading.Thread(target=server.keep, name="console", daemon=True)
    thread.start()
    try:
        yield None if server.address is None else f"http://{server.address}/"
    finally:
        server.close()
        thread.join()
        site.close()
