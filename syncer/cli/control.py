"""What people decide: `approve`, `retire`, `pause`, `resume`, `forget`. None of it sends anything."""

import sys
from collections.abc import Sequence, Sized

import click

from syncer import app, control, errors, opening
from syncer.cli import screen, streams
from syncer.cli.locking import with_the_lock
from syncer.cli.opened import opened_app
from syncer.cli.options import (
    TEXT,
    Session,
    audience_option,
    config_option,
    destination_option,
    json_option,
    yes_option,
)
from syncer.cli.session import confirm, connected, load_settings, may_ask, opened_state
from syncer.state import forgetting
from syncer.state.pauses import Pause, list_pauses


@click.command()
@click.argument("run_id", metavar="RUN", type=int)
@audience_option
@destination_option
@yes_option
@config_option
@json_option
@click.pass_obj
def approve(
    session: Session, run_id: int, audiences: Sequence[str], destinations: Sequence[str], yes: bool, as_json: bool
) -> None:
    """Let what RUN held, and still waits, pass with the next run. Sends nothing itself."""
    with opened_state(session) as state, connected(state, "approve") as connection:
        waiting = control.waiting(connection, run_id, audiences, destinations)
        if not waiting:
            screen.say(f"nothing that run {run_id} held waits for approval")
        elif may_ask(yes):
            screen.print_rows("waiting", waiting, ("destination", "audience", "op", "contacts", "reason"))
            confirm("Let this pass with the next run?")
        approved = control.approve(connection, run_id, audiences, destinations)
    if as_json:
        screen.print_json({"run_id": run_id, "approved": approved, "changes": waiting})
    elif approved:
        screen.say(f"approved {approved:,} changes; they go out with the next run")


@click.command()
@click.argument("audience", type=TEXT)
@yes_option
@config_option
@click.pass_obj
def retire(session: Session, audience: str, yes: bool) -> None:
    """Ignore an AUDIENCE from now on, and tell its members `false`. The next run tells them, past the guard."""
    with opened_state(session) as state, connected(state, "retire") as connection:
        told = control.members_told(connection, audience)
        if may_ask(yes):
            counts = ", ".join(f"{contacts:,} contacts at {name}" for name, contacts in told.items()) or "nobody"
            confirm(f"Retire {audience!r}? The next run tells false to {counts}.")
        done = control.retire(connection, audience)
    screen.say(
        f"{audience!r} is retired; the next run tells false to {sum(told.values()):,} contacts"
        if done
        else f"{audience!r} was retired already"
    )


@click.command()
@click.argument("audiences", type=TEXT, metavar="[AUDIENCE]...", nargs=-1)
@destination_option
@config_option
@click.pass_obj
def pause(session: Session, audiences: Sequence[str], destinations: Sequence[str]) -> None:
    """Stop telling: of these audiences, at these destinations, or all. Also in a run that is under way."""
    with opened_app(session) as opened, connected(opened.state, "pause") as connection:
        chosen = opened.chosen(destinations) if destinations else ()
        control.pause(connection, audiences, chosen, opened.settings.configured_audiences)
        _say_pauses(list_pauses(connection))


@click.command()
@click.argument("audiences", type=TEXT, metavar="[AUDIENCE]...", nargs=-1)
@destination_option
@config_option
@click.pass_obj
def resume(session: Session, audiences: Sequence[str], destinations: Sequence[str]) -> None:
    """Lift a pause as it was set, or reopen a retired AUDIENCE. A reopened one begins with an initial sync."""
    with opened_app(session) as opened, connected(opened.state, "resume") as connection:
        lifted = control.resume(connection, audiences, opened.chosen(destinations) if destinations else ())
        screen.say("resumed; the next run goes on" if lifted else "that was neither paused nor retired")
        _say_pauses(list_pauses(connection))


@click.command()
@click.argument("who", nargs=-1, required=True)
@yes_option
@config_option
@json_option
@click.pass_obj
def forget(session: Session, who: Sequence[str], yes: bool, as_json: bool) -> None:
    """Print where WHO was ever told, and forget them here. Sends nothing.

    WHO are user ids or emails; `-` reads them from standard input, one a line. Prints every contact of theirs that was
    ever told, and replaces them by random tokens in state and history. More than one contact needs a yes. What cannot
    be printed is shown as an escape; --json has it as it is.
    """
    people = _people(who)

    def approve(found: forgetting.Found) -> None:
        _show_found(found, as_json=as_json)
        streams.insist("nobody was forgotten, because what is to be erased at the destinations is known here alone")
        if "-" not in who and may_ask(yes):
            contacts = _counted(range(found.contacts), "contact")
            confirm(
                f"Forget {_counted(people, 'name')}, {contacts} here? What is printed is to be erased there by you."
                " This cannot be undone."
            )
        elif not yes and found.contacts > 1:
            problem = f"{found.contacts:,} contacts would be forgotten, and nobody can be asked; `--yes` forgets them"
            raise errors.ConfigError([errors.Problem("WHO", problem)])

    left = 0

    def sweep() -> None:
        nonlocal left
        left = app.sweep(settings, connection)

    settings = load_settings(session)
    with opening.opened_state(settings) as state, connected(state, "forget") as connection:
        with_the_lock(state, lambda: control.forget(state, connection, people, approve, sweep))
    if left:
        screen.say(
            f"{_counted(range(left), 'table')} with their rows {'is' if left == 1 else 'are'} still in"
            " `warehouse.scratch`; the next run drops what is there"
        )
    screen.say(f"forgot {_counted(people, 'name')}; while the warehouse still has them they are skipped as `forgotten`")


def _show_found(found: forgetting.Found, *, as_json: bool) -> None:
    if as_json:
        screen.print_json({"told": found.told})
    else:
        for destination, contacts in found.told.items():
            for contact in contacts:
                screen.print_fields(destination, contact)
    if found.read_as_users:
        screen.say(f"taken for user ids, because they are nobody's address: {found.read_as_users:,} with an @")


def _people(who: Sequence[str]) -> list[str]:
    """What stands on the command line, and on standard input if `-` is among it."""
    named = [name for name in who if name != "-"]
    if "-" in who:
        lines = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines()
        named += [line for line in lines if line.strip()]
    return list(dict.fromkeys(named))


def _counted(things: Sized, what: str) -> str:
    return f"one {what}" if len(things) == 1 else f"{len(things):,} {what}s"


def _say_pauses(pauses: Sequence[Pause]) -> None:
    for each in pauses:
        what = f"audience {each.audience!r}" if each.audience else "everything"
        where = f" at {each.destination}" if each.destination else ""
        screen.say(f"paused since {each.since:%Y-%m-%d %H:%M} UTC: {what}{where}")
