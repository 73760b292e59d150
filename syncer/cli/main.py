"""The group of all commands, and the entry point."""

import io
import sys
from collections.abc import Mapping, Sequence

import click

import syncer
from syncer import errors
from syncer.cli import console, control, daemon, plan, questions, reconcile, rollback, runs, screen, setup, streams
from syncer.cli.session import Session, config_option

_SECTIONS: Mapping[str, Sequence[click.Command]] = {
    "Set up": (setup.init, setup.check, setup.show_schema, setup.migrate, setup.demo),
    "Run": (plan.plan, runs.sync_now, runs.resync, runs.retry),
    "Look": (questions.status, questions.show_history, questions.explain, questions.verify, reconcile.reconcile),
    "Control": (control.approve, rollback.roll_back, control.retire, control.pause, control.resume, control.forget),
    "Serve": (daemon.daemon, console.console),
}


class _Sections(click.Group):
    """Lists its commands by what they are for."""

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """One list a section, all as wide as the longest name."""
        width = max(map(len, self.commands))
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{command.name:{width}}", command.get_short_help_str(formatter.width)) for command in commands]
                )


@click.group(
    cls=_Sections,
    commands=[command for commands in _SECTIONS.values() for command in commands],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(syncer.__version__, prog_name="syncer")
@click.option("-v", "--verbose", is_flag=True, help="Show where an unexpected error came from.")
@config_option
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """Keep one true/false property per audience on every contact equal to what the warehouse says."""
    context.ensure_object(Session).verbose = verbose


def main() -> None:
    """Runs the command line. The only place that turns errors into exit codes."""
    verbose = "-v" in sys.argv or "--verbose" in sys.argv
    streams.open_streams()
    code = _called(verbose=verbose)
    try:
        streams.end_streams()
    except errors.OutputError as error:
        screen.print_error(error, verbose=verbose)
        code = code or error.exit_code
    sys.exit(code)


def _called(*, verbose: bool) -> int:
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:  # what click makes of a KeyboardInterrupt
        screen.say("interrupted; nothing was sent")
        code = 130
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        for line in shown.getvalue().splitlines():
            screen.say(line)
        code = 2
    except errors.SyncerError as error:
        screen.print_error(error, verbose=verbose)
        code = error.exit_code
    except Exception as error:
        screen.print_error(error, verbose=verbose)
        code = 1
    return code if isinstance(code, int) else 0
