"""Digests of a plan, for one who reviews it: asked while the private tables hold it. See `saved`."""

import json
from typing import NamedTuple

from syncer.planning import saved
from syncer.planning.changes import TargetPlan
from syncer.planning.targets import Target
from syncer.state import Connection, fetch_all, fetch_one, fetch_value


class Owed(NamedTuple):
    """The events that earlier runs owe to a destination."""

    events: int
    digest: str


def of_target(connection: Connection, planned: TargetPlan) -> saved.Destination:
    """What one destination would be told. A new key is no other plan."""
    target = planned.target
    owed = owed_events(connection, target)
    account = json.dumps(dict(target.destination.account()), sort_keys=True)
    return saved.Destination(
        destination=target.name,
        settings=_of_text(connection, f"settings {account} {target.described}"),
        skipped=planned.skipped,
        owed_events=owed.events,
        owed_digest=owed.digest,
        audiences=fetch_all(connection, saved.Audience, "digest_plan"),
    )


def owed_events(connection: Connection, target: Target) -> Owed:
    """The events that a run sends first of all, whatever it plans: none where no event is sent."""
    if target.mode.events is None:
        return Owed(0, "")
    asked = {"destination_id": target.destination_id, "freezes": target.mode.freezes}
    return fetch_one(connection, Owed, "digest_owed_events", asked)


def of_state(connection: Connection) -> str:
    """Tells this state from every other one."""
    return _of_text(connection, "state")


def _of_text(connection: Connection, text: str) -> str:
    return str(fetch_value(connection, "digest_text", {"text": text}))
