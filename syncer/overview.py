"""How everything stands now, judged by the settings."""

import shutil
from collections.abc import Sequence
from dataclasses import replace

from syncer import config, naming
from syncer.daemon import lateness
from syncer.state import Connection, State, freshness, status


def room(settings: config.State) -> int | None:
    """Free bytes on the disk of an embedded state; None for a server by URL."""
    if settings.conninfo() is not None:
        return None
    try:
        return shutil.disk_usage(settings.data_dir).free
    except OSError:  # it is gone, which the state's own errors say
        return None


def promises(settings: config.Settings) -> Sequence[freshness.Promise]:
    """How fresh what destinations know of audiences has to be."""
    found = []
    for each in settings.configured_audiences:
        if each.fresh_within is not None:
            property_ = each.property or naming.property_of(each.name)
            reaches = {destination.name: destination.reach.audiences for destination in settings.destinations}
            told = [name for name, only in reaches.items() if only is None or only & {each.name, property_}]
            found.append(freshness.Promise(each.name, property_, each.fresh_within, told))
    return found


def standing(
    settings: config.Settings, state: State, connection: Connection, most: int | None = None
) -> status.CurrentStatus:
    """How it stands now. Nothing is late where no daemon ever ran: cron has a schedule of its own.

    For `most` see `status.destinations`.
    """
    now = replace(
        status.now(connection, most),
        embedded=state.embedded,
        full=lateness.why_full(room(settings.state)),
        freshness=freshness.judge(connection, promises(settings)),
    )
    if status.due(connection).next_due_at is None:
        return now
    seen, stall_timeout = lateness.ask(connection), settings.daemon.stall_timeout
    return replace(now, late=lateness.judge(seen, settings.schedule.cadence, stall_timeout, now.asked_at).late)
