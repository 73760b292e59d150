"""The composition root: from settings to a state, a warehouse and destinations."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from syncer import config, embedded, environment, errors, models, opening, schedule, sync, warehouses
from syncer.calls import Destination
from syncer.daemon import channels
from syncer.daemon.appointment import Appointment
from syncer.daemon.baseline import Baseline
from syncer.destinations.options import AskableSettings
from syncer.mirrors import Mirrors
from syncer.planning import generations
from syncer.planning.targets import Scope, Target
from syncer.state import Connection, State, accounts


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
            environment.prove(urlsplit(settings.alerts.heartbeat_url.get_secret_value()))
        state = stack.enter_context(opening.opened_state(settings))
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


def channel_of(path: Path, environ: Mapping[str, str]) -> channels.Channel | None:
    """Where alerts go by a file in which something else may be wrong; None if nothing says so."""
    wanted = config.load_alerts(path, environ)
    return None if wanted is None else _channel(wanted)


def _channel(wanted: config.Alerts) -> channels.Channel | None:
    return channels.Apprise(wanted.urls, wanted.heartbeat_url) if wanted.urls or wanted.heartbeat_url else None
