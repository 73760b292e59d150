"""One function a command. Each loads the settings, opens the house, asks one floor below, and prints."""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import structlog

import syncer
from syncer import app, config, errors, history, ledger, log, migrations, sql, sync
from syncer.cli import progress, screen
from syncer.stopping import Stop

DEFAULT_CONFIG = "syncer.toml"
_talk = structlog.get_logger()


@dataclass(slots=True)
class Session:
    """What the options before the command say."""

    config: Path | None = None
    verbose: bool = False


def _config_option(command: Callable[..., Any]) -> Callable[..., Any]:
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


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
_audience_option = click.option("--audience", "audiences", multiple=True, help="Only this audience; may be repeated.")
_destination_option = click.option(
    "--destination", "destinations", multiple=True, help="Only this destination; may be repeated."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(syncer.__version__, prog_name="syncer")
@click.option("-v", "--verbose", is_flag=True, help="Show where an unexpected error came from.")
@_config_option
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:  # noqa: FBT001 - click hands over flags by name
    """Keep one true/false property per audience on every contact equal to what the warehouse says."""
    context.ensure_object(Session).verbose = verbose


@cli.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_CONFIG)
def init(path: Path) -> None:
    """Write a commented configuration to PATH."""
    example = sql.packaged("_config.example.toml", "config.example.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example)
    except FileExistsError:
        problem = errors.Problem(str(path), "exists already; it was left as it is. Name another file to write to")
        raise errors.ConfigError([problem]) from None
    except OSError as error:
        raise errors.ConfigError([errors.Problem(str(path), f"cannot be written: {error.strerror}")]) from error
    screen.say(f"wrote {path}. Fill in the warehouse and a destination, then run: syncer check")


@cli.command()
@_config_option
@_json_option
@click.pass_obj
def check(session: Session, as_json: bool) -> None:  # noqa: FBT001
    """Check the configuration, connections, rights and names; every problem at once. Sends nothing."""
    with app.opened(_settings(session, app.load_to_check)) as house:
        problems = app.problems(house)
        for caveat in house.warehouse.caveats():
            screen.say(f"note: warehouse.url: {caveat}")
    if as_json:
        screen.print_json({"problems": [{"path": problem.path, "message": problem.message} for problem in problems]})
    if problems:
        raise errors.ConfigError(problems)
    if not as_json:
        screen.say("everything that can be checked without sending is fine")


@cli.command()
@click.option("--print", "only_print", is_flag=True, help="Print the SQL that would run; change nothing.")
@_config_option
@click.pass_obj
def migrate(session: Session, only_print: bool) -> None:  # noqa: FBT001
    """Create the state schema, or bring it to this version."""
    with app.opened_state(_settings(session)) as state:
        if only_print:
            screen.print_text(migrations.script(state))
            return
        applied = migrations.migrate(state)
    for step in applied:
        screen.say(f"applied {step.name}")
    screen.say(f"the state schema {state.schema!r} is up to date")


@cli.command()
@_audience_option
@_destination_option
@_config_option
@_json_option
@click.pass_obj
def plan(session: Session, audiences: Sequence[str], destinations: Sequence[str], as_json: bool) -> None:  # noqa: FBT001
    """Show what a run would send now. Sends and changes nothing."""
    with _house(session) as house, _stoppable() as stop, progress.watching() as watcher:
        report = sync.preview(house.job(audiences, destinations), stop, watcher)
    screen.print_report(report, as_json=as_json)


@cli.command(name="sync")
@_audience_option
@_destination_option
@_config_option
@_json_option
@click.pass_context
def sync_now(context: click.Context, audiences: Sequence[str], destinations: Sequence[str], as_json: bool) -> None:  # noqa: FBT001
    """Run once, now."""
    with _house(context.obj) as house, _stoppable() as stop:
        job = house.job(audiences, destinations)
        with progress.watching() as watcher:
            result = sync.sync(job, "manual", stop, watcher)
        _record(house, "sync", {"audiences": list(audiences), "destinations": list(destinations)}, result)
    screen.print_report(result.report, as_json=as_json)
    for failure in result.failures:
        _complain(failure, verbose=context.obj.verbose)
    context.exit(sync.exit_code(result))


@cli.command(name="history")
@click.argument("run_id", metavar="[RUN]", type=int, required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list.")
@_config_option
@_json_option
@click.pass_obj
def show_history(session: Session, run_id: int | None, limit: int, as_json: bool) -> None:  # noqa: FBT001
    """List the runs, or show one RUN with its refused and skipped contacts."""
    with app.opened_state(_settings(session)) as state, state.connect("history") as connection:
        migrations.check(connection, state.schema)
        if run_id is None:
            screen.print_runs(history.latest(connection, limit), as_json=as_json)
            return
        report = history.report(connection, run_id)
        if report is None:
            raise errors.ConfigError([errors.Problem("RUN", f"there is no run {run_id}; see `syncer history`")])
        screen.print_report(report, as_json=as_json)
        if not as_json:
            screen.print_refusals(history.refusals(connection, run_id, limit))
            screen.print_skipped(history.skipped(connection, limit))


@cli.command()
@click.option(
    "--customers", type=click.IntRange(min=10), default=3000, show_default=True, help="How large the shop is."
)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default="syncer-demo", show_default=True)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed, another shop.")
@click.option("--stay", is_flag=True, help="Keep shop and receiver up at the end, for other commands, until Ctrl-C.")
@click.pass_context
def demo(context: click.Context, customers: int, folder: Path, seed: int, stay: bool) -> None:  # noqa: FBT001
    """Watch the whole story on a generated shop: no configuration, no network.

    It is told in a folder of its own, which stays behind with a syncer.toml for every other command. In the folder of
    an earlier demo it starts over. The exit code is 1 if the receiver ever believed something else than the shop says.
    """
    from syncer.demo import story

    with _stoppable() as stop:
        try:
            sound = story.tell(
                folder,
                customers=customers,
                seed=seed,
                stay=stay,
                console=screen.stdout,
                watching=progress.watching,
                stop=stop,
            )
        except KeyboardInterrupt:
            screen.say("interrupted; `syncer demo` would start over")
            context.exit(130)
    context.exit(0 if sound else 1)


def main() -> None:
    """Runs the command line. The only place that turns errors into exit codes."""
    verbose = "-v" in sys.argv or "--verbose" in sys.argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # data may hold what the terminal's encoding does not
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:  # what click makes of a KeyboardInterrupt
        screen.say("interrupted; nothing was sent")
        code = 130
    except click.ClickException as error:
        error.show()
        code = 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except errors.SyncerError as error:
        _complain(error, verbose=verbose)
        code = error.exit_code
    except Exception as error:
        _complain(error, verbose=verbose)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _complain(error: BaseException, *, verbose: bool) -> None:
    """One sentence to stderr for what we raised on purpose; an unexpected error is named, and shown with -v."""
    if verbose:
        screen.print_traceback(error)
    if isinstance(error, errors.ConfigError):
        for problem in error.problems:
            screen.complain(str(problem))
    elif isinstance(error, errors.SyncerError):
        screen.complain(str(error))
    else:
        hint = "" if verbose else "; run it again as `syncer -v …` to see where it came from, and please report it"
        screen.complain(f"unexpected {type(error).__name__}{hint}")


def _settings(
    session: Session, load: Callable[[Path, Mapping[str, str]], config.Settings] = app.load
) -> config.Settings:
    path = session.config or Path(os.environ.get("SYNCER_CONFIG") or DEFAULT_CONFIG)
    settings = load(path, os.environ)
    log.configure(settings.log.format, settings.log.level)
    return settings


@contextmanager
def _house(session: Session) -> Iterator[app.House]:
    with app.opened(_settings(session)) as house:
        yield house


@contextmanager
def _stoppable() -> Iterator[Stop]:
    """The first SIGINT or SIGTERM asks to stop; the second ends at once, which is as safe as kill -9."""
    stop = Stop()

    def on_signal(number: int, _frame: object) -> None:
        if stop.asked.is_set():
            os._exit(128 + number)
        stop.asked.set()  # before a word is said: the second signal may come while we speak
        screen.say("stopping: waiting for what is in flight; once more ends at once")
        stop.ask()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _record(house: app.House, action: str, arguments: dict[str, Any], result: sync.Result) -> None:
    try:
        with house.state.connect("record") as connection:
            ledger.record_action(connection, action, arguments, result.report.run_id)
    except errors.StateError as error:
        _talk.warning("the action could not be recorded", error=str(error))
