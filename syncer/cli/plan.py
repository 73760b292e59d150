"""`plan`: what a run would send now, how much that is, to whom, and in which requests; also saved, to be reviewed."""

import csv
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

import syncer
from syncer import errors, files, sync
from syncer.cli import progress, reports, screen, streams
from syncer.cli.opened import opened_app
from syncer.cli.options import TEXT, audience_option, config_option, destination_option, json_option
from syncer.cli.session import stoppable
from syncer.escaping import escaped_cell
from syncer.planning import digests, forecast, saved
from syncer.planning.changes import TargetPlan
from syncer.state import Connection

_FORESEEN = ("destination", "calls", "events", "requests", "seconds", "strangers")
_SAMPLE = 20
_COLUMNS = ("destination", "audience", "op", "contact", "user_id", "value", "waits", "why")


@dataclass(slots=True)
class _Foreseen:
    """What is asked of the plan for each destination, and what was found: `limit` people (0: all; None: nobody), each
    of whom is `told`; the requests that tell the contact `who`; if `digested`, what is saved."""

    limit: int | None
    who: str | None
    digested: bool
    told: Callable[[forecast.Told], None]
    forecasts: list[forecast.Forecast] = field(default_factory=list)
    letters: list[tuple[str, forecast.Letter]] = field(default_factory=list)
    digests: list[saved.Destination] = field(default_factory=list)
    state: str | None = None

    def look(self, connection: Connection, planned: TargetPlan) -> None:
        """See `sync.preview`."""
        self.forecasts.append(forecast.forecast(connection, planned))
        if self.limit is not None:
            for person in forecast.people(connection, planned, self.limit or None):
                if not streams.is_heard():
                    break
                self.told(person)
        if self.who is not None:
            letters = forecast.letters_to(connection, planned, self.who)
            self.letters += [(planned.target.name, letter) for letter in letters]
        if self.digested:
            self.state = digests.of_state(connection)
            self.digests.append(digests.of_target(connection, planned))


class _Table:
    """People as a table of commas, printed as they come."""

    def __init__(self) -> None:
        self._table = csv.writer(screen.stdout.file, lineterminator="\n")
        self._begun = False

    def begin(self) -> None:
        """Names the columns, unless that was done."""
        if not self._begun:
            self._table.writerow(_COLUMNS)
        self._begun = True

    def add(self, person: forecast.Told) -> None:
        self.begin()
        self._table.writerow([escaped_cell(str(getattr(person, column) or "")) for column in _COLUMNS])


@click.command()
@audience_option
@destination_option
@click.option(
    "--people",
    type=click.IntRange(min=0, max=2**31 - 1),
    is_flag=False,
    flag_value=_SAMPLE,
    metavar="[N]",
    help=f"List who would be told what: the first N of each audience and op, by default {_SAMPLE}; 0 for all."
    " With --json each of them is a line, and the last line is the plan.",
)
@click.option("--request", "who", type=TEXT, metavar="CONTACT", help="Print the requests that would tell a contact.")
@click.option("--csv", "as_csv", is_flag=True, help="Print only the people, as a table of commas.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan, without people, for `syncer sync --plan FILE`.",
)
@config_option
@json_option
@click.pass_context
def plan(
    context: click.Context,
    audiences: Sequence[str],
    destinations: Sequence[str],
    people: int | None,
    who: str | None,
    as_csv: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show what a run would send now. Sends and changes nothing."""
    if as_csv and (people is None or as_json):
        raise click.UsageError("--csv goes with --people, and without --json")
    if out is not None:
        _refuse_other_kinds(out)
    table, listed = _Table(), list[forecast.Told]()
    tell = table.add if as_csv else screen.print_json
    told = tell if people == 0 and (as_csv or as_json) else listed.append  # a pager is not to keep a transaction open
    foreseen = _Foreseen(people, who, out is not None, told)
    with opened_app(context.obj) as app, stoppable() as stop, progress.watching() as watcher:
        job = app.job(audiences, destinations)
        result = sync.preview(job if out is None else job.without_refreshes(), stop, watcher, foreseen.look)
    if as_csv:
        for person in listed:
            table.add(person)
        table.begin()
    elif as_json:
        _print_json(result, foreseen, listed)
    else:
        _print_tables(result, foreseen, listed)
    if who is not None and not foreseen.letters:
        screen.say("nothing would be told to this contact now")
    for failure in result.failures:
        screen.print_error(failure, verbose=context.obj.verbose)
    if out is not None:
        _save(out, foreseen, audiences, destinations, whole=not result.failures)
    context.exit(errors.ConfigError.exit_code if result.failures else 0)


def _print_json(result: sync.Result, foreseen: _Foreseen, people: Sequence[forecast.Told]) -> None:
    """A line for each of these people (`--people 0` prints them as they come), and for each request; the last one is
    the plan with its forecast."""
    for person in people:
        screen.print_json(person)
    for name, letter in foreseen.letters:
        screen.print_json({"destination": name, **letter.told})
    screen.print_json({**msgspec.to_builtins(result.report), "forecast": foreseen.forecasts})


def _print_tables(result: sync.Result, foreseen: _Foreseen, people: Sequence[forecast.Told]) -> None:
    reports.print_report(result.report, as_json=False, whole=True)
    screen.print_rows("forecast", foreseen.forecasts, _FORESEEN)
    screen.print_rows("people", people, _COLUMNS)
    for name, letter in foreseen.letters:
        reports.print_letter(f"a request to {name}, but for its times and ids:", letter)


def _save(
    out: Path, foreseen: _Foreseen, audiences: Sequence[str], destinations: Sequence[str], *, whole: bool
) -> None:
    if not whole or foreseen.state is None:
        why = "a destination is left out of the plan" if not whole else "every destination is paused"
        raise _unsaved(out, f"was not written: {why}")
    document = saved.Plan(
        format=saved.FORMAT,
        syncer_version=syncer.__version__,
        made_at=datetime.now(UTC),
        state=foreseen.state,
        only_audiences=audiences,
        only_destinations=destinations,
        forecast=[msgspec.to_builtins(each) for each in foreseen.forecasts],
        destinations=foreseen.digests,
    )
    try:
        files.replace_file(out, saved.encoded(document))
    except OSError as error:
        raise _unsaved(out, f"cannot be written: {error.strerror}") from error
    screen.say(f"saved; to send exactly this: syncer sync --plan {out}")


def _refuse_other_kinds(out: Path) -> None:
    """Before the work: what would be put in the place of a link or a device is not what somebody means."""
    try:
        mode = out.lstat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG if out.parent.is_dir() else stat.S_IFDIR
    except OSError as error:
        raise _unsaved(out, f"cannot be written: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise _unsaved(out, "cannot be written: it is no plain file, or its folder is not there")


def _unsaved(out: Path, why: str) -> errors.ConfigError:
    return errors.ConfigError([errors.Problem(str(out), why)])
