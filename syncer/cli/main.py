"""The group of all commands, and the entry point."""

import io
import sys
from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

import syncer
from syncer import errors
from syncer.cli import screen, streams
from syncer.cli.options import Session, config_option

_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Set up": {
        "init": "setup.init",
        "check": "setup.check",
        "schema": "setup.show_schema",
        "migrate": "setup.migrate",
        "demo": "setup.demo",
    },
    "Run": {"plan": "plan.plan", "sync": "runs.sync_now", "resync": "runs.resync", "retry": "runs.retry"},
    "Look": {
        "status": "status.status",
        "history": "questions.show_history",
        "explain": "questions.explain",
        "verify": "questions.verify",
        "reconcile": "reconcile.reconcile",
    },
    "Control": {
        "approve": "control.approve",
        "rollback": "rollback.roll_back",
        "retire": "control.retire",
        "pause": "control.pause",
        "resume": "control.resume",
        "forget": "control.forget",
    },
    "Serve": {"daemon": "daemon.daemon", "console": "console.console"},
}
"""The commands by what they are for, and where each is."""


class _Commands(UserDict[str, Any]):
    """The commands by their names. Each is imported, with all that it needs, once it is asked for."""

    def __getitem__(self, name: str) -> click.Command:
        module, _, attribute = str(self.data[name]).partition(".")
        command: click.Command = getattr(import_module(f"syncer.cli.{module}"), attribute)
        return command


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
    commands=_Commands({name: place for places in _SECTIONS.values() for name, place in places.items()}),
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
