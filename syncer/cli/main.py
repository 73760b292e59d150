"""One function a command. Each loads the settings, opens the house, asks one floor below, and prints."""

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import structlog

import syncer
from syncer import app, audit, config, control, errors, log, models, sql, sync
from syncer.cli import answers, dashboard, progress, screen
from syncer.daemon import alerts, health
from syncer.daemon import serve as serving
from syncer.state import Connection, State, handover, history, migrations, moving, runs
from syncer.state import status as current
from syncer.state.pauses import Pause, list_pauses
from syncer.stopping import Stop

DEFAULT_CONFIG = "syncer.toml"
_WATCH_SECONDS = 1.0
_ASK_SECONDS = 0.3
_LOCK_SECONDS = 20.0
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


_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
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
@click.option(
    "--from",
    "origin",
    metavar="URL_OR_FOLDER",
    help="Then move a whole state here: from a PostgreSQL URL, or from the folder of an embedded one.",
)
@_config_option
@click.pass_obj
def migrate(session: Session, only_print: bool, origin: str | None) -> None:  # noqa: FBT001
    """Create the state schema, or bring it to this version; with --from, fill it with another state."""
    if only_print and origin:
        raise click.UsageError("--print shows the schema's SQL only; it goes without --from")
    settings = _settings(session)
    with app.opened_state(settings) as state:
        if only_print:
            screen.print_text(migrations.script(state))
            return
        applied = migrations.migrate(state)
        for step in applied:
            screen.say(f"applied {step.name}")
        screen.say(f"the state schema {state.schema!r} is up to date")
        if origin is not None:
            with app.opened_origin(origin, settings, os.environ) as source:
                moved = moving.move(source, state)
            screen.say(
                f"moved {sum(moved.values()):,} rows of {len(moved)} tables. The old state is as it was: let nobody"
                " sync on it any more. Now: syncer verify"
            )


@cli.command()
@_audience_option
@_destination_option
@_config_option
@_json_option
@click.pass_context
def plan(context: click.Context, audiences: Sequence[str], destinations: Sequence[str], as_json: bool) -> None:  # noqa: FBT001
    """Show what a run would send now. Sends and changes nothing."""
    with _house(context.obj) as house, _stoppable() as stop, progress.watching() as watcher:
        result = sync.preview(house.job(audiences, destinations), stop, watcher)
    screen.print_report(result.report, as_json=as_json)
    for failure in result.failures:
        _complain(failure, verbose=context.obj.verbose)
    context.exit(errors.ConfigError.exit_code if result.failures else 0)


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
        action = _action("sync", audiences, destinations)
        _run(context, house, job, "manual", stop, as_json=as_json, action=action)


@cli.command()
@_audience_option
@_destination_option
@_yes_option
@_config_option
@_json_option
@click.pass_context
def resync(
    context: click.Context,
    audiences: Sequence[str],
    destinations: Sequence[str],
    yes: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Tell everything again, now: every member, and `false` to everyone who left. Resumes if it is cut off."""
    with _house(context.obj) as house, _stoppable() as stop:
        job = house.job(audiences, destinations, same_account=destinations)
        if _asks(yes):
            with house.state.connect("resync") as connection:
                migrations.check(connection, house.state.schema)
                screen.print_rows("told so far", history.told(connection), ("destination", "told_true", "told_false"))
            _agree("Tell all of that again?")
        action = _action("resync", audiences, destinations)
        _run(context, house, job, "resync", stop, as_json=as_json, action=action)


@cli.command()
@click.argument("run_id", metavar="RUN", type=int)
@_audience_option
@_destination_option
@_yes_option
@_config_option
@_json_option
@click.pass_obj
def approve(
    session: Session,
    run_id: int,
    audiences: Sequence[str],
    destinations: Sequence[str],
    yes: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Let what the guard held in RUN, and still waits, pass with the next run. Sends nothing itself."""
    with _state(session, "approve") as connection:
        waiting = control.waiting(connection, run_id, audiences, destinations)
        if not waiting:
            screen.say(f"nothing that run {run_id} held waits for approval")
        elif _asks(yes):
            screen.print_rows("waiting", waiting, ("destination", "audience", "op", "contacts", "reason"))
            _agree("Let this pass with the next run?")
        approved = control.approve(connection, run_id, audiences, destinations)
    if as_json:
        screen.print_json({"run_id": run_id, "approved": approved, "changes": waiting})
    elif approved:
        screen.say(f"approved {approved:,} changes; they go out with the next run")


@cli.command()
@click.argument("who", nargs=-1)
@_config_option
@_json_option
@click.pass_context
def retry(context: click.Context, who: Sequence[str], as_json: bool) -> None:  # noqa: FBT001
    """Try refused contacts again, now: all of them, or those with these user ids or emails."""
    with _house(context.obj) as house, _stoppable() as stop:
        with house.state.connect("retry") as connection:
            migrations.check(connection, house.state.schema)
            screen.say(f"{control.release(connection, who):,} refused contacts are tried again")
        _run(context, house, house.job(), "manual", stop, as_json=as_json)


@cli.command()
@click.argument("audience")
@_yes_option
@_config_option
@click.pass_obj
def retire(session: Session, audience: str, yes: bool) -> None:  # noqa: FBT001
    """Ignore an AUDIENCE from now on and tell everyone in it `false` with the next run, past the guard."""
    with _state(session, "retire") as connection:
        told = control.members_told(connection, audience)
        if _asks(yes):
            counts = ", ".join(f"{contacts:,} contacts at {name}" for name, contacts in told.items()) or "nobody"
            _agree(f"Retire {audience!r}? The next run tells false to {counts}.")
        done = control.retire(connection, audience)
    screen.say(
        f"{audience!r} is retired; the next run tells false to {sum(told.values()):,} contacts"
        if done
        else f"{audience!r} was retired already"
    )


@cli.command()
@click.argument("audiences", metavar="[AUDIENCE]...", nargs=-1)
@_destination_option
@_config_option
@click.pass_obj
def pause(session: Session, audiences: Sequence[str], destinations: Sequence[str]) -> None:
    """Stop telling: of these audiences, at these destinations, or everything; also in a run that is under way."""
    with _house(session) as house, house.state.connect("pause") as connection:
        migrations.check(connection, house.state.schema)
        chosen = house.chosen(destinations) if destinations else ()
        control.pause(connection, audiences, chosen, house.settings.configured_audiences)
        _say_pauses(list_pauses(connection))


@cli.command()
@click.argument("audiences", metavar="[AUDIENCE]...", nargs=-1)
@_destination_option
@_config_option
@click.pass_obj
def resume(session: Session, audiences: Sequence[str], destinations: Sequence[str]) -> None:
    """Lift a pause as it was set, or reopen a retired AUDIENCE with an initial sync."""
    with _house(session) as house, house.state.connect("resume") as connection:
        migrations.check(connection, house.state.schema)
        lifted = control.resume(connection, audiences, house.chosen(destinations) if destinations else ())
        screen.say("resumed; the next run goes on" if lifted else "that was neither paused nor retired")
        _say_pauses(list_pauses(connection))


@cli.command()
@click.argument("who", nargs=-1, required=True)
@_yes_option
@_config_option
@_json_option
@click.pass_obj
def forget(session: Session, who: Sequence[str], yes: bool, as_json: bool) -> None:  # noqa: FBT001
    """Print every contact of WHO (user ids or emails; `-` reads them from standard input, one a line) that was ever
    told, and replace them by random tokens in state and history. Sends nothing."""
    people = _people(who)
    with app.opened_state(_settings(session)) as state, state.connect("forget") as connection:
        migrations.check(connection, state.schema)
        told = control.ever_told(connection, people)
        if as_json:
            screen.print_json({"told": told})
        else:
            for destination, contacts in told.items():
                for contact in contacts:
                    screen.print_text(f"{destination}\t{contact}")
        if "-" not in who and _asks(yes):
            _agree(f"Forget {_counted(people)}? These contacts are to be erased there by you. This cannot be undone.")
        _with_the_lock(state, lambda: control.forget(state, connection, people))
    screen.say(f"forgot {_counted(people)}; while the warehouse still has them they are skipped as `forgotten`")


@cli.command()
@click.argument("who")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How much history to show.")
@_config_option
@_json_option
@click.pass_obj
def explain(session: Session, who: str, limit: int, as_json: bool) -> None:  # noqa: FBT001
    """Everything about WHO, a user id or an email: what the warehouse says, what was told, what waits and why."""
    with _house(session) as house, _stoppable() as stop, progress.watching() as watcher:
        story = audit.explain(house.job(), who, stop, watcher, limit)
    if as_json:
        screen.print_json(story)
    else:
        answers.print_story(story)


@cli.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list by name.")
@_destination_option
@_config_option
@_json_option
@click.pass_context
def verify(context: click.Context, limit: int, destinations: Sequence[str], as_json: bool) -> None:  # noqa: FBT001
    """Recount: history replayed = state = warehouse, or list the differences (exit 9)."""
    with _house(context.obj) as house, _stoppable() as stop, progress.watching() as watcher:
        found = audit.verify(house.job((), destinations), stop, watcher, limit)
    if as_json:
        screen.print_json(found)
    else:
        answers.print_audit(found)
    context.exit(9 if found.differences else 0)


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
        report = history.named_run(connection, run_id)
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
def _house(session: Session) -> Iterator[app.App]:
    with app.opened(_settings(session)) as house:
        yield house


@contextmanager
def _state(session: Session, purpose: str) -> Iterator[Connection]:
    with app.opened_state(_settings(session)) as state, state.connect(purpose) as connection:
        migrations.check(connection, state.schema)
        yield connection


@cli.command()
@_config_option
@click.pass_context
def daemon(context: click.Context) -> None:
    """Run for as long as nobody stops it: lead or stand by, and sync when a run is due."""
    settings = _settings(context.obj)
    wishes = serving.Signals()
    with _heard(wishes, settings.daemon.shutdown_timeout):
        while not wishes.stop.asked.is_set():
            _talk.info("started", version=syncer.__version__, pid=os.getpid())
            with app.opened(settings) as house, _watched(house) as watchers:
                serving.serve(house.state, house.job, house.cadence, wishes, watchers)
            if wishes.reload.is_set():
                wishes.reload.clear()
                settings = _reread(context.obj, settings)
    _talk.info("stopped")


@contextmanager
def _watched(house: app.App) -> Iterator[Sequence[serving.Watcher]]:
    """Whoever watches the daemon, for as long as it has this configuration."""
    listen = house.settings.health.listen
    with ExitStack() as stack:
        watchers: list[serving.Watcher] = []
        if listen:
            watcher = health.Health(house.state, house.settings.daemon.stall_timeout)
            stack.enter_context(health.serving(listen, house.state, watcher))
            watchers.append(watcher)
        if house.channel is not None:
            alarm = alerts.AlertWatcher(house.state, house.channel, house.cadence.interval(datetime.now(UTC)))
            stack.callback(alarm.close)
            watchers.append(alarm)
        yield watchers


def _reread(session: Session, settings: config.Settings) -> config.Settings:
    """The configuration as it is now, or the one that there was, if that is wrong."""
    try:
        fresh = _settings(session)
    except errors.ConfigError as error:
        _talk.error("the configuration is wrong; the daemon goes on with the one that it had", error=str(error))
        return settings
    _talk.info("read the configuration again")
    return fresh


@contextmanager
def _heard(wishes: serving.Signals, shutdown_timeout: float) -> Iterator[None]:
    """SIGTERM and SIGINT ask the daemon to stop, a second one ends it at once; SIGHUP has it read its configuration.

    What has not landed after `shutdown_timeout` seconds is left to the next run, as after kill -9.
    """

    def stop(number: int, _frame: object) -> None:
        if wishes.stop.asked.is_set():
            os._exit(128 + number)
        wishes.stop.asked.set()
        deadline = threading.Timer(shutdown_timeout, os._exit, [0])
        deadline.daemon = True
        deadline.start()
        screen.say("stopping: waiting for what is in flight; once more ends at once")
        wishes.stop.ask()

    def reread(_number: int, _frame: object) -> None:
        wishes.reload.set()

    handlers: dict[int, Callable[[int, Any], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: reread}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@cli.command()
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@_config_option
@_json_option
@click.pass_obj
def status(session: Session, watch: bool, as_json: bool) -> None:  # noqa: FBT001
    """Show how everything stands now: who leads, what runs, what is due, what waits."""
    with app.opened_state(_settings(session)) as state, state.connect("status") as connection:
        migrations.check(connection, state.schema)
        if as_json:
            screen.print_json(current.now(connection, state.schema))
            return
        if not watch:
            dashboard.show(current.now(connection, state.schema))
            return
        with _stoppable() as stop, dashboard.repeated() as show:
            while not stop.asked.is_set():
                show(current.now(connection, state.schema))
                stop.asked.wait(_WATCH_SECONDS)


def _action(name: str, audiences: Sequence[str], destinations: Sequence[str]) -> runs.Action:
    return runs.Action(name, {"audiences": list(audiences), "destinations": list(destinations)})


def _run(
    context: click.Context,
    house: app.App,
    job: sync.Job,
    trigger: models.Trigger,
    stop: Stop,
    *,
    as_json: bool,
    action: runs.Action | None = None,
) -> None:
    """One run, shown; exits with its code. Where a daemon leads, it is the daemon's run."""
    ended = _run_here_or_there(house, job, trigger, stop, action)
    if isinstance(ended, handover.Answer):
        _show_answer(house, ended, as_json=as_json)
        context.exit(ended.exit_code)
    screen.print_report(ended.report, as_json=as_json)
    if house.channel is not None:
        alerts.AlertLog(house.state, house.channel).review_run(ended)
    for failure in ended.failures:
        _complain(failure, verbose=context.obj.verbose)
    if any(audience.held for audience in ended.report.audiences):
        screen.say(
            "held for approval: see `syncer history` and the view held_changes; to let it pass:"
            f" syncer approve {ended.report.run_id}"
        )
    context.exit(sync.exit_code(ended))


def _run_here_or_there(
    house: app.App, job: sync.Job, trigger: models.Trigger, stop: Stop, action: runs.Action | None
) -> sync.Result | handover.Answer:
    """A run of this process, or what the daemon answers if one leads."""
    while True:
        try:
            with progress.watching() as watcher:
                return sync.sync(job, trigger, stop, watcher, action)
        except errors.SyncLockedError:
            if not handover.daemon_leads(house.state):
                raise
        answer = _hand_over(house, trigger, stop, action)
        if answer is not None:
            return answer


def _hand_over(
    house: app.App, trigger: models.Trigger, stop: Stop, action: runs.Action | None
) -> handover.Answer | None:
    """Has the leading daemon do it, and shows how far it is. None if the daemon is gone and had not begun."""
    screen.say("a daemon leads; it does this now, or when the run in progress has ended")
    kind: handover.Kind = "resync" if trigger == "resync" else "sync"
    with progress.watching() as watcher:
        settled = [0]

        def wait(connection: Connection) -> bool:
            running = current.now(connection, house.state.schema).running
            if running is not None and running.phase == "planned":
                if not settled[0]:
                    watcher.planned("the daemon", running.planned)
                watcher.sent("the daemon", running.settled - settled[0])
                settled[0] = running.settled
            return not stop.asked.wait(_ASK_SECONDS)

        named = action.arguments if action else {}
        return handover.ask(house.state, kind, named.get("audiences", ()), named.get("destinations", ()), wait)


def _with_the_lock(state: State, act: Callable[[], object]) -> None:
    """Does what needs the lock; a daemon that has it lets go of it for a moment."""
    try:
        act()
    except errors.SyncLockedError:
        if not handover.daemon_leads(state):
            raise
        screen.say("a daemon leads; it lets go of the lock now, or when the run in progress has ended")
        with _stoppable() as stop:
            handover.ask(state, "yield", (), (), lambda _: not stop.asked.wait(_ASK_SECONDS))
            _when_unlocked(act, stop)


def _when_unlocked(act: Callable[[], object], stop: Stop) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            act()
        except errors.SyncLockedError:
            if time.monotonic() > deadline or stop.asked.wait(0.1):
                raise
        else:
            return


def _show_answer(house: app.App, answer: handover.Answer, *, as_json: bool) -> None:
    for problem in answer.problems:
        screen.complain(problem)
    if answer.run_id is None:
        return
    with house.state.connect("report") as connection:
        report = history.report(connection, answer.run_id)
    if report is not None:
        screen.print_report(report, as_json=as_json)
        if report.error:
            screen.complain(report.error)


def _people(who: Sequence[str]) -> list[str]:
    """What stands on the command line, and on standard input if `-` is among it."""
    named = [name for name in who if name != "-"]
    if "-" in who:
        lines = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines()
        named += [line for line in lines if line.strip()]
    return list(dict.fromkeys(named))


def _counted(people: Sequence[str]) -> str:
    return "one person" if len(people) == 1 else f"{len(people):,} people"


def _asks(yes: bool) -> bool:  # noqa: FBT001
    """Only people at a terminal are asked."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def _agree(question: str) -> None:
    click.confirm(question, abort=True, err=True)


def _say_pauses(pauses: Sequence[Pause]) -> None:
    for each in pauses:
        what = f"audience {each.audience!r}" if each.audience else "everything"
        where = f" at {each.destination}" if each.destination else ""
        screen.say(f"paused since {each.since:%Y-%m-%d %H:%M} UTC: {what}{where}")


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
