"""What every command begins with: the settings, the state, signals, questions to people."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from syncer import config, errors, log, opening, owners
from syncer.cli import screen
from syncer.cli.options import DEFAULT_CONFIG, Session
from syncer.escaping import escaped
from syncer.state import Connection, State, migrations, witness
from syncer.stopping import Stop

Handler = Callable[[int, FrameType | None], None]


# --- settings and state ------------------------------------------------------------------------------------------


def config_path(session: Session) -> Path:
    """The configuration file. Raises `ConfigError` for one that lies here by itself and may not be ours.

    It can name every file that we may read, and where to send it.
    """
    named = session.config or os.environ.get("SYNCER_CONFIG")
    if named:
        return Path(named)
    path = Path(DEFAULT_CONFIG)
    why_not = None
    if owner := owners.stranger(path):
        why_not = f"belongs to {owner}"
    elif owners.everybodys(path):
        why_not = "may be changed by everybody"
    if why_not:
        problem = f"{why_not}, so it is not taken only because it is here; if you mean it: --config {path}"
        raise errors.ConfigError([errors.Problem(str(path), problem)])
    return path


def load_settings(
    session: Session, load: Callable[[Path, Mapping[str, str]], config.Settings] = opening.load
) -> config.Settings:
    """The settings of the configuration file. Logging follows them from here on."""
    settings = load(config_path(session), os.environ)
    log.configure(settings.log.format, settings.log.level)
    return settings


@contextmanager
def opened_state(session: Session) -> Iterator[State]:
    """The state alone."""
    with opening.opened_state(load_settings(session)) as state:
        yield state


@contextmanager
def connected(state: State, purpose: str) -> Iterator[Connection]:
    """A connection to the state, if it has the schema of this version. Raises `SchemaVersionError` if it has not."""
    with state.connect(purpose) as connection:
        migrations.check(connection, state.schema)
        yield connection


def say_if_restored(connection: Connection) -> None:
    """What a restored state says is shown, because it helps; but not for the truth."""
    try:
        witness.check(connection)
    except errors.RestoredError as error:
        screen.complain(str(error))


# --- signals -----------------------------------------------------------------------------------------------------


@contextmanager
def stoppable() -> Iterator[Stop]:
    """The first SIGINT or SIGTERM asks to stop; the second ends at once, which is as safe as kill -9."""
    stop = Stop()
    with handling_signals({signal.SIGINT: stopping(stop), signal.SIGTERM: stopping(stop)}):
        yield stop


def stopping(stop: Stop, begin: Callable[[], None] = lambda: None) -> Handler:
    """A signal handler that asks to stop, after `begin`; called a second time, it ends the process."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.asked.is_set():
            os._exit(128 + number)
        stop.asked.set()  # before a word is said: the second signal may come while we speak
        begin()
        screen.say("stopping: waiting for what is in flight; once more ends at once")
        stop.ask()

    return handle


@contextmanager
def handling_signals(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """These handlers for the block, the earlier ones after it."""
    earlier = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


# --- questions ---------------------------------------------------------------------------------------------------


def may_ask(yes: bool) -> bool:
    """Whether to ask: only people at a terminal are asked, unless they said `--yes`."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> None:
    """Ends the command unless the answer is yes."""
    click.confirm(escaped(question), abort=True, err=True)
