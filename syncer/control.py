"""What operators ask for: approve, retry, retire, pause, resume, forget.

Each act is one short transaction that also records who asked (by default this process). None sends anything: the next
run obeys, and a run that is under way looks at pauses between its pages. A plan reads all of this at one moment, so
that only `forget` needs the lock. An act and a plan that write the same rows do not fail one another: whichever the
database refuses is done again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from syncer import errors, models, naming
from syncer.calls import Destination
from syncer.spelling import did_you_mean
from syncer.state import (
    Connection,
    State,
    accounts,
    analyze,
    blocks,
    execute,
    fetch_all,
    fetch_value,
    fetch_values,
    forgetting,
    history,
    leadership,
    retried,
    runs,
    witness,
)
from syncer.state.asking import Asker
from syncer.state.audiences import add_audiences, known_audiences

_ALL: Sequence[int | None] = (None,)

# Below this a stale estimate does no harm.
_ANALYZE_FROM = 1_000


@dataclass(frozen=True, slots=True)
class HeldChanges:
    """One direction of an audience that waits for approval at a destination: `op` is added or removed.

    Where a run was held for a list of the suppressed, `op` is suppress and `contacts` is how many names that had; there
    is neither an audience nor a destination.
    """

    destination: str
    audience: str
    property: str
    op: str
    reason: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Refused:
    """How many contacts a destination refuses, and how many of them are tried no more."""

    destination: str
    contacts: int
    parked: int


@dataclass(frozen=True, slots=True)
class _HeldList:
    list: str
    before: int
    entries: int


@dataclass(frozen=True, slots=True)
class _MembersTold:
    destination: str
    contacts: int


def waiting(
    connection: Connection,
    run_id: int,
    audiences: Collection[str] = (),
    destinations: Collection[str] = (),
    *,
    most: int | None = None,
) -> Sequence[HeldChanges]:
    """What a run held and still waits for approval; of an audience no more than `most` are counted.

    Raises `ConfigError` if there is no such run, or what it held is not kept any more.
    """
    history.named_run(connection, run_id)
    held = _held_by(connection, run_id, audiences, destinations)
    changes = fetch_all(connection, HeldChanges, "list_held", {**held, "most": most})
    return changes if audiences or destinations else [*changes, *_held_lists(connection, run_id)]


def _held_lists(connection: Connection, run_id: int) -> Sequence[HeldChanges]:
    return [
        HeldChanges("", "", "", "suppress", f"the {each.list} had {each.before:,} names before", each.entries)
        for each in fetch_all(connection, _HeldList, "list_held_suppression", {"run_id": run_id})
    ]


def checksum(
    connection: Connection, run_id: int, audiences: Collection[str] = (), destinations: Collection[str] = ()
) -> str:
    """Another one if other contacts wait, also where they are as many."""
    return str(fetch_value(connection, "checksum_held", _held_by(connection, run_id, audiences, destinations)))


def approve(
    connection: Connection,
    run_id: int,
    audiences: Collection[str] = (),
    destinations: Collection[str] = (),
    asker: Asker | None = None,
) -> int:
    """Lets what a run held, and still waits, pass with the next run. Returns the number of changes, and of lists."""

    def act() -> int:
        with connection.transaction():
            held = _held_by(connection, run_id, audiences, destinations)
            approved = execute(connection, "approve_held", held).rowcount
            if not audiences and not destinations:
                approved += execute(connection, "approve_suppression", {"run_id": run_id}).rowcount
            arguments = {"audiences": sorted(audiences), "destinations": sorted(destinations), "changes": approved}
            runs.record_action(connection, "approve", arguments, run_id, asker)
        return approved

    approved = retried(act)
    if approved >= _ANALYZE_FROM:
        analyze(connection, "held_change")  # PostgreSQL's planner would think that nothing there is approved
    return approved


def refused(connection: Connection, who: Sequence[str] = ()) -> Sequence[Refused]:
    """How many contacts are refused: all, or those with these user ids or emails."""
    return fetch_all(connection, Refused, "count_refused", {"who": list(who) or None})


def release(connection: Connection, who: Sequence[str], asker: Asker | None = None) -> int:
    """Ends the backoff of refused contacts: all, or those with these user ids or emails. Returns how many."""

    def act() -> int:
        with connection.transaction():
            strangers = fetch_values(connection, "list_not_refused", {"who": list(who)})
            if strangers:
                problems = [errors.Problem("WHO", f"{name!r} is not refused anywhere") for name in strangers]
                raise errors.ConfigError(problems)
            released = execute(connection, "release_refused", {"who": list(who) or None}).rowcount
            runs.record_action(connection, "retry", {"who": list(who), "contacts": released}, None, asker)
        return released

    return retried(act)


def members_told(connection: Connection, name: str) -> Mapping[str, int]:
    """How many contacts a destination has in an audience, by destination."""
    audience = known_audience(connection, name)
    told = fetch_all(connection, _MembersTold, "count_members_told", {"audience_id": audience.audience_id})
    return {each.destination: each.contacts for each in told}


def retire(connection: Connection, name: str, asker: Asker | None = None) -> bool:
    """Retires an audience: everyone in it is told `false` by the next run. False if it was retired already."""
    audience = known_audience(connection, name)
    if audience.is_trait:
        raise errors.ConfigError(
            [errors.Problem("AUDIENCE", f"{name!r} is a computed trait; take it out of the configuration instead")]
        )

    def act() -> bool:
        with connection.transaction():
            retired = execute(connection, "retire_audience", {"audience_id": audience.audience_id}).rowcount
            runs.record_action(connection, "retire", {"audience": audience.name}, None, asker)
        return retired > 0

    return retried(act)


def pause(
    connection: Connection,
    audiences: Sequence[str],
    destinations: Sequence[Destination],
    configured: Sequence[models.ConfiguredAudience],
    asker: Asker | None = None,
) -> None:
    """Pauses audiences (at some destinations only, if any are given), destinations, or everything."""

    def act() -> None:
        ids = accounts.register(connection, destinations).ids
        with connection.transaction():
            audience_ids = [_audience_to_pause(connection, name, configured) for name in audiences]
            for destination_id in [ids[each.name] for each in destinations] or _ALL:
                for audience_id in audience_ids or _ALL:
                    here = {"destination_id": destination_id, "audience_id": audience_id}
                    execute(connection, "add_pause", here)
            runs.record_action(connection, "pause", _arguments(audiences, destinations), None, asker)

    retried(act)


def resume(
    connection: Connection,
    audiences: Sequence[str],
    destinations: Sequence[Destination],
    asker: Asker | None = None,
) -> int:
    """Lifts pauses, and reopens retired audiences. Returns how many of both."""
    ids = accounts.known(connection)
    known = [known_audience(connection, name) for name in audiences]
    # A destination that the state does not know has no pause; a null would lift that of everything.
    places = [ids[each.name] for each in destinations if each.name in ids] if destinations else _ALL

    def act() -> int:
        lifted = 0
        with connection.transaction():
            for destination_id in places:
                for audience_id in [audience.audience_id for audience in known] or _ALL:
                    here = {"destination_id": destination_id, "audience_id": audience_id}
                    lifted += execute(connection, "lift_pause", here).rowcount
            for audience in known if not destinations else ():
                lifted += execute(connection, "reopen_audience", {"audience_id": audience.audience_id}).rowcount
            runs.record_action(connection, "resume", _arguments(audiences, destinations), None, asker)
        return lifted

    return retried(act)


def forget(
    state: State,
    connection: Connection,
    who: Sequence[str],
    approve: Callable[[forgetting.Found], None],
    sweep: Callable[[], None],
) -> None:
    """Replaces these people by random tokens, everywhere, once `approve` has seen whom that is about and not raised.
    Then `sweep` drops what the warehouse keeps of them.

    All of it happens with the lock: no page is under way, nobody is told between the question and the answer, and no
    run makes a table that it has not committed yet, of which a drop would say that it is gone.
    Raises `RestoredError` where the state does not know whom destinations were told about.
    """
    with leadership.lead(state, connection):
        witness.check(connection)
        runs.settle_lost_run(connection)
        found = forgetting.find(connection, who)
        approve(found)

        def act() -> None:
            with connection.transaction():
                forgetting.forget(connection, who, found)
                runs.record_action(connection, "forget", {"people": len(who)}, None)

        retried(act)
        sweep()


def known_audience(connection: Connection, name: str) -> models.KnownAudience:
    """The audience of this name or property. Raises `ConfigError`, with those that are near, if there is none."""
    known = known_audiences(connection)
    for audience in known:
        if name in (audience.name, audience.property):
            return audience
    hint = did_you_mean(name, _names(known)) or "`syncer plan` lists those that there are"
    raise errors.ConfigError([errors.Problem("AUDIENCE", f"no audience {name!r} was ever synced; {hint}")])


def _audience_to_pause(connection: Connection, name: str, configured: Sequence[models.ConfiguredAudience]) -> int:
    """Its id. An audience that was never synced can be paused too, if the configuration names it: then it is added."""
    for audience in configured:
        property_name = audience.property or naming.property_of(audience.name)
        if name in (audience.name, property_name) and name not in _names(known_audiences(connection)):
            new = models.Audience(audience.name, property_name, is_trait=audience.is_trait)
            return add_audiences(connection, [new])[audience.name]
    return known_audience(connection, name).audience_id


def _held_by(
    connection: Connection, run_id: int, audiences: Collection[str], destinations: Collection[str]
) -> dict[str, object]:
    if blocks.is_dropped(connection, run_id):
        problem = f"what run {run_id} held is not kept any more (`[history] keep`)"
        way_out = "what of that still waits, a later run holds as well: see `syncer history`"
        raise errors.ConfigError([errors.Problem("RUN", f"{problem}; {way_out}")])
    ids = accounts.known(connection)
    accounts.refuse_unknown(destinations, ids)
    audience_ids = [known_audience(connection, name).audience_id for name in audiences]
    return {
        "run_id": run_id,
        "audience_ids": audience_ids or None,
        "destination_ids": [ids[name] for name in destinations] or None,
    }


def _names(known: Sequence[models.KnownAudience]) -> set[str]:
    return {name for audience in known for name in (audience.name, audience.property)}


def _arguments(audiences: Sequence[str], destinations: Sequence[Destination]) -> dict[str, list[str]]:
    return {"audiences": list(audiences), "destinations": [each.name for each in destinations]}
