"""Digests of a plan, for one who reviews it: asked while the private tables hold it. See `saved`."""

import json

from syncer.planning import saved
from syncer.planning.changes import TargetPlan
from syncer.state import Connection, fetch_all, fetch_value


def of_target(connection: Connection, planned: TargetPlan) -> saved.Destination:
    """What one destination would be told. A new key is no other plan."""
    target = planned.target
    account = json.dumps(dict(target.destination.account()), sort_keys=True)
    return saved.Destination(
        destination=target.name,
        settings=_of_text(connection, f"settings {account} {target.described}"),
        skipped=planned.skipped,
        audiences=fetch_all(connection, saved.Audience, "digest_plan"),
    )


def of_state(connection: Connection) -> str:
    """Tells this state from every other one."""
    return _of_text(connection, "state")


def _of_text(connection: Connection, text: str) -> str:
    return str(fetch_value(connection, "digest_text", {"text": text}))
