"""`plan`: what a run would send now, how much that is, to whom, and in which requests."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from syncer import errors, sync
from syncer.cli import progress, screen
from syncer.cli.session import (
    TEXT,
    audience_option,
    config_option,
    destination_option,
    json_option,
    opened_app,
    stoppable,
)
from syncer.escaping import escaped_cell
from syncer.planning import forecast
from syncer.planning.changes import TargetPlan
from syncer.state import Connection

_SAMPLE = 20
_COLUMNS = ("destination", "audience", "op", "contact", "user_id", "value", "waits", "why")


@dataclass(slots=True)
class _Foreseen:
    """What is asked of the plan for each destination, and what was found: `limit` people (0: all; None: nobody), the
    requests that tell the contact `who`."""

    limit: int | None
    who: str | None
    forecasts: list[forecast.Forecast] = field(default_factory=list)
    people: list[forecast.Told] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    def look(self, connection: Connection, planned: TargetPlan) -> None:
        """See `sync.preview`."""
        self.forecasts.append(forecast.forecast(connection, planned))
        if self.limit is not None:
            self.people += forecast.people(connection, planned, self.limit or None)
        if self.who is not None:
            bodies = forecast.bodies(connection, planned, self.who)
            self.bodies += [(planned.target.name, body) for body in bodies]


@click.command()
@audience_option
@destination_option
@click.option(
    "--people",
    type=click.IntRange(min=0),
    is_flag=False,
    flag_value=_SAMPLE,
    metavar="[N]",
    help=f"List who would be told what: the first N of each audience and op, by default {_SAMPLE}; 0 for all.",
)
@click.option("--request", "who", type=TEXT, metavar="CONTACT", help="Print the requests that would tell a contact.")
@click.option("--csv", "as_csv", is_flag=True, help="Print only the people, as a table of commas.")
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
    as_json: bool,
) -> None:
    """Show what a run would send now. Sends and changes nothing."""
    if as_csv and (people is None or as_json):
        raise click.UsageError("--csv goes with --people, and without --json")
    foreseen = _Foreseen(people, who)
    with opened_app(context.obj) as app, stoppable() as stop, progress.watching() as watcher:
        result = sync.preview(app.job(audiences, destinations), stop, watcher, foreseen.look)
    if as_csv:
        _print_csv(foreseen.people)
    else:
        screen.print_report(result.report, as_json=as_json)
        _print(foreseen, as_json=as_json)
    for failure in result.failures:
        screen.print_error(failure, verbose=context.obj.verbose)
    context.exit(errors.ConfigError.exit_code if result.failures else 0)


def _print(foreseen: _Foreseen, *, as_json: bool) -> None:
    if as_json:
        for person in foreseen.people:
            screen.print_json(person)
    else:
        screen.print_rows("forecast", foreseen.forecasts, ("destination", "calls", "requests", "seconds", "strangers"))
        screen.print_rows("people", foreseen.people, _COLUMNS)
    for name, body in foreseen.bodies:
        screen.say(f"a request to {name}, but for its times and ids:")
        screen.print_document(body)
    if foreseen.who is not None and not foreseen.bodies:
        screen.say("nothing would be told to this contact now")


def _print_csv(people: Sequence[forecast.Told]) -> None:
    table = csv.writer(screen.stdout.file, lineterminator="\n")
    table.writerow(_COLUMNS)
    for person in people:
        table.writerow([escaped_cell(str(getattr(person, column) or "")) for column in _COLUMNS])
