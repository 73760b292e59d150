"""Takes a run back: `rollback`."""

from collections.abc import Sequence

import click

from syncer import errors, rollback
from syncer.cli import screen
from syncer.cli.locking import with_the_lock
from syncer.cli.options import Session, audience_option, config_option, destination_option, json_option
from syncer.cli.session import connected, opened_state

_BACK = {"added": "back to true", "removed": "back to false", "reasserted": "true once more", None: "left alone"}
_WHY = {
    "trait": "a computed trait: what it was before is not known for sure",
    "refused": "it was refused, and told nothing",
    "unchanged": "it was told what it knew",
    "retired": "the audience is retired",
    "forgotten": "the person was forgotten",
    "approved": "another change of it is approved, and goes out with the next run",
    "moved": "moved since, by run {}",
    "not_known": "what it knew is not known: that answer was lost",
}


@click.command("rollback")
@click.argument("run_id", metavar="RUN", type=int)
@audience_option
@destination_option
@click.option("--pause", "pauses", is_flag=True, help="Pause these audiences too, so that they stay as brought back.")
@click.option("--people", is_flag=True, help="Also list the contacts that are left alone, and why.")
@click.option("--cancel", "cancels", is_flag=True, help="Give up what a rollback has not told yet, approved or not.")
@config_option
@json_option
@click.pass_obj
def roll_back(
    session: Session,
    run_id: int,
    audiences: Sequence[str],
    destinations: Sequence[str],
    pauses: bool,
    people: bool,
    cancels: bool,
    as_json: bool,
) -> None:
    """Plan what brings everybody whom RUN told back to what they knew.

    Sends nothing: it is held, as a run of its own, until `syncer approve`. Whatever moved since is left alone, and
    listed. What the warehouse still says otherwise is told again by the run after it; --pause keeps it as
    brought back, until `syncer resume`.
    """
    if cancels and (audiences or destinations or pauses or people):
        raise errors.ConfigError(
            [errors.Problem("--cancel", "gives up the whole rollback; it goes with no other option")]
        )
    with opened_state(session) as state, connected(state, "rollback") as connection:
        if cancels:
            given_up = with_the_lock(state, lambda: rollback.cancel(state, connection, run_id))
            _say_cancelled(run_id, given_up, as_json=as_json)
            return
        proposal = with_the_lock(
            state,
            lambda: rollback.propose(state, connection, run_id, audiences, destinations, pauses=pauses, people=people),
        )
    if as_json:
        screen.print_json({"rolls_back_run_id": run_id, **_as_json(proposal)})
    else:
        _show(proposal)
    _say_way_out(run_id, proposal, pauses=pauses)


def _as_json(proposal: rollback.Proposal) -> dict[str, object]:
    return {"run_id": proposal.run_id, "changes": proposal.changes, "left_alone": proposal.people}


def _show(proposal: rollback.Proposal) -> None:
    rows = [
        {
            "destination": change.destination,
            "audience": change.audience,
            "change": _BACK[change.op],
            "contacts": change.contacts,
            "why": _why(change.reason, change.moved_run_id),
        }
        for change in proposal.changes
    ]
    if rows:
        screen.print_table("rollback", rows, ("destination", "audience", "change", "contacts", "why"))
    left_alone = [
        {"destination": each.destination, "audience": each.audience, "contact": each.contact}
        | {"why": _why(each.reason, each.moved_run_id)}
        for each in proposal.people
    ]
    if left_alone:
        screen.print_table("left alone", left_alone, ("destination", "audience", "contact", "why"))


def _why(reason: str | None, moved_run_id: int | None) -> str:
    return "" if reason is None else _WHY[reason].format(moved_run_id)


def _say_cancelled(run_id: int, given_up: int, *, as_json: bool) -> None:
    if as_json:
        screen.print_json({"run_id": run_id, "cancelled": given_up})
    elif given_up:
        screen.say(f"gave up {given_up:,} changes; what was told of the rollback already stays told")
    else:
        screen.say(f"nothing of a rollback of run {run_id} waits")


def _say_way_out(run_id: int, proposal: rollback.Proposal, *, pauses: bool) -> None:
    if proposal.run_id is None:
        screen.say(f"run {run_id} told nobody anything that could be brought back; nothing is held")
        return
    screen.say(
        f"held as run {proposal.run_id}: `syncer approve {proposal.run_id}` lets it pass with the next run,"
        f" `syncer rollback {run_id} --cancel` gives it up"
    )
    if pauses:
        screen.say("these audiences are paused there: they are told nothing but this, until `syncer resume`")
    else:
        screen.say(
            "what the warehouse still says otherwise is told again by the run after it; `--pause` keeps these audiences"
            " as brought back, until `syncer resume`"
        )
