"""`syncer daemon`: builds what the configuration names, and builds it anew when that is read again."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType

import click
import structlog

import syncer
from syncer import app, config, errors
from syncer.cli.session import Session, config_option, handling_signals, load_settings, stopping
from syncer.daemon import alerts, health
from syncer.daemon.lateness import Lookout
from syncer.daemon.serve import Signals, Watcher, serve

log = structlog.get_logger()


@click.command()
@config_option
@click.pass_obj
def daemon(session: Session) -> None:
    """Run until stopped: lead or stand by, and sync when a run is due."""
    settings = load_settings(session)
    signals = Signals()
    with _heeding(signals, settings.daemon.shutdown_timeout):
        while not signals.stop.asked.is_set():
            log.info("started", version=syncer.__version__, pid=os.getpid())
            with app.opened(settings) as opened, _watchers(opened) as watchers:
                serve(opened.state, opened.job, opened.cadence, signals, watchers)
            if signals.reload.is_set():
                signals.reload.clear()
                settings = _read_again(session, settings)
    log.info("stopped")


@contextmanager
def _watchers(opened: app.App) -> Iterator[Sequence[Watcher]]:
    """A lookout; health and alerts, if the configuration asks for them, for as long as it is this one."""
    listen, stall_timeout = opened.settings.health.listen, opened.settings.daemon.stall_timeout
    lookout = Lookout(opened.state, opened.cadence, stall_timeout)
    with ExitStack() as stack:
        watchers: list[Watcher] = []
        if listen:
            watcher = health.Health(stall_timeout, lookout)
            stack.enter_context(health.serving(listen, opened.state, watcher))
            watchers.append(watcher)
        if opened.channel is not None:
            alarm = alerts.AlertWatcher(opened.state, opened.channel)
            lookout.tell = alarm.late
            stack.callback(alarm.close)
            watchers.append(alarm)
        stack.enter_context(lookout.watching())
        yield watchers


def _read_again(session: Session, settings: config.Settings) -> config.Settings:
    """The configuration as it is now, or the one that there was, if that is wrong."""
    try:
        fresh = load_settings(session)
    except errors.ConfigError as error:
        words = "the configuration is wrong; the daemon goes on with the one that it had"
        log.error(words, error=str(error))  # noqa: TRY400 - its problems say more than a traceback
        return settings
    log.info("read the configuration again")
    return fresh


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
