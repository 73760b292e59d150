"""`reconcile`: asks a destination what it believes, and shows what is otherwise than it had accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from syncer import errors
from syncer.cli import screen
from syncer.cli.opened import opened_app
from syncer.cli.options import TEXT, Session, audience_option, config_option, json_option, limit_option, yes_option
from syncer.cli.questions import EXIT_CODE_OF_DIFFERENCES
from syncer.cli.session import confirm, connected, may_ask, say_if_restored, stoppable
from syncer.reconciling import reconcile as reconciling
from syncer.reconciling.judging import KINDS
from syncer.reconciling.record import Reconciliation

_EXIT_CODE_OF_INTERRUPTED = 130

_KINDS = {
    "missing": "accepted, and it does not know it",
    "stale": "another value than was accepted",
    "untold": "true, and it was never told",
    "changed": "another value, and the contact was changed after our last call",
}


@dataclass(slots=True)
class _Lines:
    """Says how far it is, in sentences. See `reconcile.Progress`."""

    done: int = 0
    of: int = 0

    def begun(self, standing: Reconciliation, *, is_new: bool) -> None:
        self.done = standing.asked
        self.of = min(standing.contacts, standing.sample or standing.contacts)
        screen.say(
            f"asks {standing.destination} about {self.of:,} of {standing.contacts:,} contacts"
            if is_new
            else f"goes on with reconciliation {standing.reconciliation_id}, {self.done:,} of {self.of:,} contacts done"
        )

    def waits(self) -> None:
        screen.say("a run is under way, or another reconciliation there; waits for its end")

    def asked(self, contacts: int) -> None:
        before, self.done = self.done, self.done + contacts
        if before // 1000 != self.done // 1000:
            screen.say(f"asked about {self.done:,} of {self.of:,}")


@click.command("reconcile")
@click.argument("destination", type=TEXT)
@click.option("--sample", type=click.IntRange(min=1, max=1_000_000), help="About how many contacts to ask (500).")
@click.option("--all", "everybody", is_flag=True, help="Ask about every contact.")
@audience_option
@click.option("--repair", is_flag=True, help="Make what differs due for the next run.")
@limit_option("How many to list by name.")
@yes_option
@config_option
@json_option
@click.pass_context
def reconcile(
    context: click.Context,
    destination: str,
    sample: int | None,
    everybody: bool,
    audiences: Sequence[str],
    repair: bool,
    limit: int,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask DESTINATION what it believes; list what is not as accepted.

    Asks about a sample of the contacts, or --all, at the pace of the destination, and waits while a run is under way.
    Of a sample it says how many contacts differ in all, with 95 % confidence. What was broken off goes on with the same
    options. Exits with 9 if there are differences.
    """
    if sample is not None and everybody:
        raise click.UsageError("--sample and --all contradict one another; keep one of them")
    session: Session = context.obj
    size = None if everybody else sample or reconciling.SAMPLE
    question = reconciling.Question(audiences, size, repair)
    with opened_app(session) as opened, connected(opened.state, "reconcile") as connection, stoppable() as stop:
        say_if_restored(connection)
        target = opened.job((), [destination]).targets[0]
        reconciling.readable(target)
        if repair and may_ask(yes):
            confirm(
                f"Have the next run tell {destination} again what differs? Contacts that it has lost are made anew."
            )
        found = reconciling.Reconciling(opened.state, target, question, stop, _Lines()).run(limit)
    if as_json:
        screen.print_json(found)
    else:
        _show(found)
    context.exit(_exit_code(found.reconciliation))


def _exit_code(standing: Reconciliation) -> int:
    if standing.finished_at is None:
        return _EXIT_CODE_OF_INTERRUPTED
    if standing.differing:
        return EXIT_CODE_OF_DIFFERENCES
    return errors.UnreadableError.exit_code if standing.unreadable else 0


def _show(found: reconciling.Report) -> None:
    standing = found.reconciliation
    if standing.finished_at is None:
        screen.say("broken off; the same command goes on with it")
    verdict, style = f"{standing.equal:,} contacts as accepted, {standing.differing:,} not", "green"
    if standing.differing:
        style = "red"
    screen.stdout.print(screen.words((standing.destination, "bold"), "  ", (verdict, style)))
    for kind in KINDS:
        count = getattr(standing, kind)
        if count:
            screen.stdout.print(screen.words(f"  {count:,} {kind}: {_KINDS[kind]}"))
    if standing.moved:
        screen.stdout.print(
            screen.words(f"  {standing.moved:,} contacts not judged: due, or told something new meanwhile", style="dim")
        )
    for reason, contacts in standing.unreadable.items():
        screen.stdout.print(screen.words(f"  {contacts:,} unreadable: it {reason}", style="yellow"))
    if found.share is not None:
        screen.stdout.print(screen.words(f"  {_estimate(found)}"))
    rows = [
        {
            "contact": each.contact,
            "property": each.property,
            "kind": each.kind if each.knows_contact else f"{each.kind} (no such contact)",
            "it says": each.believed,
            "it had accepted": each.accepted,
        }
        for each in found.differences
    ]
    screen.print_table("differences", rows, ("contact", "property", "kind", "it says", "it had accepted"))
    _say_repair(found)


def _estimate(found: reconciling.Report) -> str:
    share, contacts = found.share, found.reconciliation.contacts
    if share is None:
        return ""
    return f"about {share.percent:.1f} % ({share.low:.1f} to {share.high:.1f} %) of {contacts:,} contacts differ"


def _say_repair(found: reconciling.Report) -> None:
    standing = found.reconciliation
    if standing.repaired:
        screen.say(f"{standing.repaired:,} properties are due; the next run tells what the warehouse says of them")
    elif standing.differing:
        screen.say("`--repair` makes due what it finds")
    if any(not each.knows_contact for each in found.differences):
        screen.say("a contact that it does not know is made anew by that, which may cost, and revive who was archived")
