"""`syncer daemon`: opens what the configuration names. A new configuration is open before the old one is closed."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType

import click

import syncer
from syncer import app, config, errors, overview
from syncer import log as log_settings
from syncer.cli.options import Session, config_option
from syncer.cli.session import handling_signals, load_settings, stopping
from syncer.console.site import Console
from syncer.daemon import alerts, health
from syncer.daemon.lateness import Lookout
from syncer.daemon.reconciler import Reconciler
from syncer.daemon.serve import Signals, Watcher, serve
from syncer.daemon.watchdog import Watchdog
from syncer.log import Logger
from syncer.state import migrations

log = Logger(__name__)


@click.command()
@config_option
@click.pass_obj
def daemon(session: Session) -> None:
    """Run until stopped: lead or stand by, and sync when a run is due."""
    settings = load_settings(session)
    signals = Signals()
    with _heeding(signals, settings.daemon.shutdown_timeout):
        log.info("started", version=syncer.__version__, pid=os.getpid())
        current = _Opened(settings)
        try:
            while (fresh := _serve(session, current, signals)) is not None:
                current.close()
                current = fresh
        finally:
            current.close()
    log.info("stopped")


class _Opened:
    """What a configuration names, open until it is closed."""

    def __init__(self, settings: config.Settings) -> None:
        self._stack = ExitStack()
        self.app = self._stack.enter_context(app.opened(settings))

    def close(self) -> None:
        self._stack.close()


def _serve(session: Session, current: _Opened, signals: Signals) -> _Opened | None:
    """Serves until it is asked to stop, or until a new configuration is open: that one."""
    opened = current.app
    with _watchers(opened) as watchers:
        while not signals.stop.asked.is_set():
            serve(opened.state, opened.job, opened.cadence, signals, watchers, opened.revive)
            if signals.reload.is_set():
                signals.reload.clear()
                fresh = _open_again(session, opened.settings)
                if fresh is not None:
                    return fresh
    return None


def _open_again(session: Session, settings: config.Settings) -> _Opened | None:
    """What the configuration names now; None if it is wrong, or if that cannot be used: the old one is still open."""
    opened = None
    try:
        opened = _Opened(load_settings(session))
        with opened.app.state.connect("reload") as connection:
            migrations.check(connection, opened.app.state.schema)
    except Exception as error:
        if opened is not None:
            opened.close()
        log_settings.configure(settings.log.format, settings.log.level)
        words = "the new configuration cannot be used; the daemon goes on with the one that it had"
        if isinstance(error, errors.SyncerError):
            log.error(words, error=str(error))  # noqa: TRY400 - its problems say more than a traceback
        else:
            log.exception(words, error=type(error).__name__)
        return None
    log.info("read the configuration again")
    return opened


@contextmanager
def _watchers(opened: app.App) -> Iterator[Sequence[Watcher]]:
    """A lookout; health, alerts and reconciling, if the configuration asks for them, for as long as it is this one."""
    listen, stall_timeout = opened.settings.health.listen, opened.settings.daemon.stall_timeout
    room = partial(overview.room, opened.settings.state)
    promises = overview.promises(opened.settings)
    lookout = Lookout(opened.state, opened.cadence, stall_timeout, room=room, promises=promises)
    with ExitStack() as stack:
        watchers: list[Watcher] = [Watchdog(os.environ)]
        if listen:
            watcher = health.Health(stall_timeout, lookout)
            pages = [Console(opened).page] if opened.settings.console.served else []
            stack.enter_context(health.serving(listen, opened.state, watcher, *pages, promises=promises))
            watchers.append(watcher)
        if opened.channel is not None:
            alarm = alerts.AlertWatcher(opened.state, opened.channel, opened.baseline, promises)
            lookout.tell = alarm.stands
            stack.callback(alarm.close)
            watchers.append(alarm)
        if opened.appointments:
            reconciler = Reconciler(opened.state, opened.appointments)
            stack.enter_context(reconciler.watching())
            watchers.append(reconciler)
        stack.enter_context(lookout.watching())
        yield watchers


@contextmanager
def _heeding(signals: Signals, shutdown_timeout: float) -> Iterator[None]:
    """SIGTERM and SIGINT ask the daemon to stop, a second one ends it at once; SIGHUP has it read its configuration.

    What has not landed after `shutdown_timeout` seconds is left to the next run, as after kill -9.
    """

    def begin_to_stop() -> None:
        deadline = threading.Timer(shutdown_timeout, os._exit, [0])
        deadline.daemon = True
        deadline.start()

    def reload(_number: int, _frame: FrameType | None) -> None:
        signals.reload.set()

    stop = stopping(signals.stop, begin_to_stop)
    with handling_signals({signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: reload}):
        yield
