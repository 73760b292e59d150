"""The composition root: from settings to a state, a warehouse and destinations."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from syncer import config, embedded, errors, models, naming, schedule, sync, warehouses
from syncer.calls import Destination
from syncer.daemon import channels, lateness
from syncer.daemon.baseline import Baseline
from syncer.daemon.reconciler import Appointment
from syncer.destinations.options import AskableSettings
from syncer.fetching import open_transport
from syncer.mirrors import Mirrors
from syncer.planning import generations
from syncer.planning.targets import Scope, Target
from syncer.state import Connection, State, accounts, freshness, migrations, status


@dataclass(frozen=True, slots=True)
class App:
    """Everything that the settings name, ready to be used, and nothing connected yet but an embedded state."""

    settings: config.Settings
    state: State
    warehouse: models.Warehouse
    destinations: Sequence[Destination]
    mirrors: Mirrors | None = None

    def job(
        self, audiences: Sequence[str] = (), destination_names: Sequence[str] = (), same_account: Sequence[str] = ()
    ) -> sync.Job:
        """What to sync: everything, or only these audiences and destinations. See `sync.Job`."""
        settings = {destination.name: destination for destination in self.settings.destinations}
        chosen = self.chosen(destination_names)
        return sync.Job(
            state=self.state,
            warehouse=self.warehouse,
            sources=self.settings.sources,
            configured=self.settings.configured_audiences,
            targets=[
                Target(
                    destination,
                    settings[destination.name].reach,
                    settings[destination.name].sync_mode,
                    described=settings[destination.name].model_dump_json(),
                )
                for destination in chosen
            ],
            scope=Scope(frozenset(audiences)),
            guard=self.settings.guard.limits,
            same_account=same_account,
            keep_history=self.settings.history.keep,
            everywhere=len(chosen) == len(self.destinations),
            mirrors=self.mirrors,
            suppressed=self.settings.suppression,
            priorities=self.settings.priorities,
        )

    @property
    def channel(self) -> channels.Channel | None:
        """Where alerts go; None if none are configured."""
        return _channel(self.settings.alerts)

    @property
    def baseline(self) -> Baseline | None:
        """By what alerts judge which numbers are unusual; None if that is not asked for."""
        wanted = self.settings.alerts
        return Baseline(wanted.unusual_after_runs, wanted.unusual_factor) if wanted.unusual_after_runs else None

    @property
    def appointments(self) -> list[Appointment]:
        """Which destinations the daemon asks what they believe."""
        return [
            Appointment(target, settings.reconcile_every, settings.reconcile_sample)
            for target, settings in zip(self.job().targets, self.settings.destinations, strict=True)
            if isinstance(settings, AskableSettings) and settings.reconcile_every is not None
        ]

    @property
    def cadence(self) -> schedule.Cadence:
        """When the daemon runs."""
        return self.settings.schedule.cadence

    def revive(self) -> None:
        """Starts the embedded server again if it has died; a server by URL is not ours. Raises `StateError`."""
        if self.settings.state.conninfo() is None:
            embedded.revive(self.settings.state.data_dir)

    def chosen(self, names: Sequence[str]) -> Sequence[Destination]:
        """The destinations of these names; all if there are none. Raises `ConfigError` for one that there is not."""
        known = {destination.name: destination for destination in self.destinations}
        accounts.refuse_unknown(names, known)
        return [known[name] for name in dict.fromkeys(names)] if names else self.destinations


@contextmanager
def opened(settings: config.Settings) -> Iterator[App]:
    """Builds everything that the settings name, and closes it at the end."""
    with ExitStack() as stack:
        at = settings.warehouse
        warehouse = warehouses.open_warehouse(at.url.get_secret_value(), at.connect_args.get_secret_value(), at.waits)
        stack.callback(warehouse.close)
        kept = _mirrors(settings)
        if kept is not None:
            stack.callback(kept.close)
        built = [destination.build() for destination in settings.destinations]
        for destination in built:
            stack.callback(destination.close)
        if settings.alerts.heartbeat_url is not None:  # no environment may spoil a run's end
            open_transport(httpx.URL(settings.alerts.heartbeat_url.get_secret_value())).close()
        state = stack.enter_context(opened_state(settings))
        yield App(settings, state, warehouse, built, kept)


def _mirrors(settings: config.Settings) -> Mirrors | None:
    """Where the warehouse keeps snapshots, if that is configured."""
    scratch = settings.warehouse.scratch
    return None if scratch is None else _mirrors_in(settings, scratch)


def _mirrors_in(settings: config.Settings, scratch: str) -> Mirrors:
    at = settings.warehouse
    url, connect_args = at.url.get_secret_value(), at.connect_args.get_secret_value()
    return warehouses.open_mirrors(url, connect_args, scratch, at.waits)


def sweep(settings: config.Settings, connection: Connection) -> int:
    """Drops the snapshots at the warehouse that the state does not need; returns how many tables are still there.

    Also those of before `scratch` was taken out of the configuration.
    """
    if generations.left(connection):
        with suppress(errors.ConfigError), closing(_mirrors_in(settings, settings.warehouse.scratch or "")) as kept:
            generations.sweep(connection, kept)
    return generations.left(connection)


@contextmanager
def opened_state(settings: config.Settings) -> Iterator[State]:
    """The state: a server by URL, or the embedded one, which is started and migrated by itself."""
    conninfo = settings.state.conninfo()
    if conninfo is not None:
        yield State(conninfo.get_secret_value(), settings.state.schema_name)
        return
    with embedded.running(settings.state.data_dir) as url:
        state = State(url, settings.state.schema_name, embedded=True)
        migrations.migrate(state)
        yield state


def room(settings: config.State) -> int | None:
    """Free bytes on the disk of an embedded state; None for a server by URL."""
    if settings.conninfo() is not None:
        return None
    try:
        return shutil.disk_usage(settings.data_dir).free
    except OSError:  # it is gone, which the state's own errors say
        return None


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


@contextmanager
def opened_origin(origin: str, settings: config.Settings, environ: Mapping[str, str]) -> Iterator[State]:
    """Another state, to be moved from: a URL, or the folder of an embedded one, which has to be there already.

    It is not migrated, so that it can be gone back to.
    """
    schema = settings.state.schema_name
    if "://" in origin or origin.startswith("${"):
        yield State(config.other_state("--from", origin, environ).get_secret_value(), schema)
        return
    folder = Path(origin)
    if not embedded.exists(folder):
        problem = "is neither a PostgreSQL URL nor a folder with an embedded state (`state.data_dir`)"
        raise errors.ConfigError([errors.Problem("--from", f"{str(folder)!r} {problem}")])
    with embedded.running(folder) as url:
        yield State(url, schema)


def load(path: Path, environ: Mapping[str, str]) -> config.Settings:
    """The settings of a file, with the names of its audiences checked as far as that needs no state."""
    return config.load(path, environ, naming.configuration_problems)


def channel_of(path: Path, environ: Mapping[str, str]) -> channels.Channel | None:
    """Where alerts go by a file in which something else may be wrong; None if nothing says so."""
    wanted = config.load_alerts(path, environ)
    return None if wanted is None else _channel(wanted)


def _channel(wanted: config.Alerts) -> channels.Channel | None:
    return channels.Apprise(wanted.urls, wanted.heartbeat_url) if wanted.urls or wanted.heartbeat_url else None


def load_to_check(path: Path, environ: Mapping[str, str]) -> config.Settings:
    """The same, but bad names are left to `checking.problems`, so that they are listed with what that finds."""
    try:
        return load(path, environ)
    except errors.ConfigError as error:
        try:
            return config.load(path, environ)
        except errors.ConfigError:
            raise error from None


def embedded_caveat(version: str) -> str:
    """What to say of an embedded PostgreSQL of this version."""
    return (
        f"the embedded PostgreSQL is {version}, which came with the installation and gets no updates of its own; in"
        " production use a server of yours (`state.url`)"
    )
