"""The group of all commands, and the entry point."""

import io
import sys
from collections.abc import Mapping

import click

import syncer
from syncer import errors
from syncer.cli import screen, streams
from syncer.cli.options import Session, config_option
from syncer.on_demand import OnDemand

_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Set up": {
        "init": "syncer.cli.setup:init",
        "check": "syncer.cli.setup:check",
        "schema": "syncer.cli.setup:show_schema",
        "migrate": "syncer.cli.setup:migrate",
        "demo": "syncer.cli.setup:demo",
    },
    "Run": {
        "plan": "syncer.cli.plan:plan",
        "sync": "syncer.cli.runs:sync_now",
        "resync": "syncer.cli.runs:resync",
        "retry": "syncer.cli.runs:retry",
    },
    "Look": {
        "status": "syncer.cli.status:status",
        "history": "syncer.cli.questions:show_history",
        "explain": "syncer.cli.questions:explain",
        "verify": "syncer.cli.questions:verify",
        "reconcile": "syncer.cli.reconcile:reconcile",
    },
    "Control": {
        "approve": "syncer.cli.control:approve",
        "rollback": "syncer.cli.rollback:roll_back",
        "retire": "syncer.cli.control:retire",
        "pause": "syncer.cli.control:pause",
        "resume": "syncer.cli.control:resume",
        "forget": "syncer.cli.control:forget",
    },
    "Serve": {"daemon": "syncer.cli.daemon:daemon", "console": "syncer.cli.console:console"},
}
"""The commands by what they are for. One is imported, with all that it needs, once it is asked for."""


class _Sections(click.Group):
    """Lists its commands by what they are for."""

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """One list a section, all as wide as the longest name."""
        width = max(map(len, self.commands))
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{name:{width}}", self.commands[name].get_short_help_str(formatter.width)) for name in names]
                )


@click.group(
    cls=_Sections,
    commands=OnDemand({name: place for places in _SECTIONS.values() for name, place in places.items()}),
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
