"""Setting up: `init`, `check`, `schema`, `migrate`, `demo`."""

import os
from functools import partial
from pathlib import Path

import click

from syncer import app, checking, config, errors, opening, sql
from syncer.cli import progress, reports, screen, serving
from syncer.cli.options import DEFAULT_CONFIG, Session, config_option, json_option
from syncer.cli.session import config_path, load_settings, stoppable
from syncer.destinations import samples
from syncer.state import migrations, moving


@click.command()
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


@click.command()
@click.option(
    "--request",
    "audience",
    is_flag=False,
    flag_value=samples.AUDIENCE,
    metavar="[AUDIENCE]",
    help="Print what each destination would send about somebody who does not exist, and an audience.",
)
@config_option
@json_option
@click.pass_obj
def check(session: Session, audience: str | None, as_json: bool) -> None:
    """Check the configuration, connections, rights and names. Lists every problem at once; sends nothing."""
    settings = load_settings(session, opening.load_to_check)
    file = config_path(session)
    for told in config.caveats(file, settings):
        screen.say(f"note: {file}: {told}")
    with app.opened(settings) as opened:
        problems = checking.problems(opened)
        for caveat in checking.caveats(opened, problems):
            screen.say(f"note: {caveat}")
        for name, kind, letter in checking.sample_letters(opened, audience) if audience else ():
            reports.print_letter(f"a request to {name}, {kind}:", letter)
    if as_json:
        screen.print_json({"problems": [{"path": problem.path, "message": problem.message} for problem in problems]})
    if problems:
        raise errors.ConfigError(problems)
    if not as_json:
        screen.say("everything that can be checked without sending is fine")


@click.command("schema")
def show_schema() -> None:
    """Print a JSON Schema of the configuration, for editors."""
    from syncer.config import schema  # no other command needs it

    screen.print_json(schema.schema())


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print the SQL that would run; change nothing.")
@click.option(
    "--from",
    "origin",
    metavar="URL_OR_FOLDER",
    help="Then move a whole state here: from a PostgreSQL URL, or from the folder of an embedded one.",
)
@config_option
@click.pass_obj
def migrate(session: Session, only_print: bool, origin: str | None) -> None:
    """Create the state schema, or bring it to this version. With --from, fill it with another state."""
    if only_print and origin:
        raise click.UsageError("--print shows the schema's SQL only; it goes without --from")
    settings = load_settings(session)
    with opening.opened_state(settings) as state:
        if only_print:
            screen.print_sql(migrations.script(state))
            return
        for step in migrations.migrate(state):
            screen.say(f"applied {step.name}")
        screen.say(f"the state schema {state.schema!r} is up to date")
        if origin is not None:
            with opening.opened_origin(origin, settings, os.environ) as source:
                moved = moving.move(source, state)
            screen.say(
                f"moved {sum(moved.values()):,} rows of {len(moved)} tables. The old state is as it was: let nobody"
                " sync on it any more. Now: syncer verify"
            )


@click.command()
@click.option(
    "--customers", type=click.IntRange(10, 10_000_000), default=3000, show_default=True, help="How large the shop is."
)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default="syncer-demo", show_default=True)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed, another shop.")
@click.option("--stay", is_flag=True, help="Keep all of it up at the end, with the console's pages, until Ctrl-C.")
@click.option(
    "--listen", metavar="HOST:PORT", default=serving.DEFAULT, show_default=True, help="Where --stay serves the pages."
)
@click.pass_context
def demo(context: click.Context, customers: int, folder: Path, seed: int, stay: bool, listen: str) -> None:
    """Watch the whole story on a generated shop. Needs no configuration and no network.

    It is told in a folder of its own, which stays behind with a syncer.toml for every other command. In the folder of
    an earlier demo it starts over. The exit code is 1 if the receiver ever believed something else than the shop says.
    """
    from syncer.demo import story  # no other command needs it

    serving.refuse_unfit(listen, has_token=False)
    with stoppable() as stop:
        try:
            sound = story.tell(
                folder,
                customers=customers,
                seed=seed,
                stay=partial(serving.pages, listen) if stay else None,
                console=screen.stdout,
                watching=progress.watching,
                stop=stop,
            )
        except KeyboardInterrupt:
            screen.say("interrupted; `syncer demo` would start over")
            context.exit(130)
    context.exit(0 if sound else 1)
