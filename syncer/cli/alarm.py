"""Alerts of a run that never began, as from cron: the state is down, the configuration is wrong.

Whoever sits at a terminal sees the message there. Where the state cannot be used, nothing remembers what was said: each
command says it again.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from syncer import app, errors
from syncer.cli.options import Session
from syncer.cli.session import config_path, load_settings
from syncer.daemon.alerts import AlertLog, tell_without_state

_NO_FAULT = (errors.SyncLockedError, errors.StillRunningError)
"""Another run is under way, or somebody stopped waiting for it."""


@contextmanager
def opened_app_for_a_run(session: Session) -> Iterator[app.App]:
    """Everything that the settings name. What keeps the block's run from beginning is alerted, if nobody looks on."""
    opened: app.App | None = None
    try:
        with app.opened(load_settings(session)) as opened:
            try:
                yield opened
            except _NO_FAULT:
                raise
            except errors.SyncerError as error:
                if _nobody_looks_on() and opened.channel is not None:
                    AlertLog(opened.state, opened.channel).no_run(error)
                raise
    except errors.SyncerError as error:
        if opened is None and _nobody_looks_on():
            channel = app.channel_of(config_path(session), os.environ)
            if channel is not None:
                tell_without_state(channel, error)
        raise


def _nobody_looks_on() -> bool:
    return not sys.stderr.isatty()
