"""What every command begins with: its common options, the settings, the state, signals, questions to people."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click

from syncer import app, config, errors, log, owners
from syncer.cli import screen
from syncer.escaping import escaped
from syncer.state import Connection, State, migrations
from syncer.stopping import Stop

DEFAULT_CONFIG = "syncer.toml"

Handler = Callable[[int, FrameType | None], None]


@dataclass(slots=True)
class Session:
    """What the options before the command say."""

    config: Path | None = None
    verbose: bool = False


# --- options -----------------------------------------------------------------------------------------------------


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config` may stand before or after the command; after wins."""

    def remember(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.ensure_object(Session).config = value

    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=remember,
        help=f"The configuration file; else $SYNCER_CONFIG, else ./{DEFAULT_CONFIG}.",
    )(command)


class _Text(click.ParamType[str]):
    """Text that a database takes: what the shell handed over may be any bytes."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it is text."""
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(f"{value!r} is not valid text", param, ctx)
        return value


TEXT = _Text()
_MOST = 1_000_000
"""What is listed at most."""

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
audience_option = click.option(
    "--audience", "audiences", type=TEXT, multiple=True, help="Only this audience; may be repeated."
)
destination_option = click.option(
    "--destination", "destinations", type=TEXT, multiple=True, help="Only this destination; may be repeated."
)


def limit_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--limit`, for a command that lists."""
    return click.option("--limit", type=click.IntRange(min=1, max=_MOST), default=20, show_default=True, help=what)


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
    session: Session, load: Callable[[Path, Mapping[str, str]], config.Settings] = app.load
) -> config.Settings:
    """The settings of the configuration file. Logging follows them from here on."""
    settings = load(config_path(session), os.environ)
    log.configure(settings.log.format, settings.log.level)
    return settings


@contextmanager
def opened_app(session: Session) -> Iterator[app.App]:
    """Everything that the settings name."""
    with app.opened(load_settings(session)) as opened:
        yield opened


@contextmanager
def opened_state(session: Session) -> Iterator[State]:
    """The state alone."""
    with app.opened_state(load_settings(session)) as state:
        yield state


@contextmanager
def connected(state: State, purpose: str) -> Iterator[Connection]:
    """A connection to the state, if it has the schema of this version. Raises `SchemaVersionError` if it has not."""
    with state.connect(purpose) as connection:
        migrations.check(connection, state.schema)
        yield connection


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
