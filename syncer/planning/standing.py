"""What stands at a destination from the runs before, beside who is in what: nearly always nothing.

Most statements of a plan are about something that is rarely there: what is uncertain, refused, held, due again. To plan
such a statement costs PostgreSQL more than to find that there is nothing. So one statement says what there is, and the
others are asked where there is something for them.

That is still true when they would run. A plan sees one moment (`plan.transaction`): what another session adds meanwhile
is as invisible to a statement that is left out as it would be to one that runs, and it cannot change a row that is not
there. What the plan itself adds (who is uncertain, skipped or held from now on) it adds right, and after it asked.
"""

from typing import NamedTuple

from syncer.state import Connection, fetch_one


class Standing(NamedTuple):
    """Of which kinds there is anything. `users_back`: of the users who were told false, some are back."""

    uncertain: bool
    refused: bool
    held: bool
    skipped: bool
    resyncs: bool
    users_told_false: bool
    users_back: bool
    forgotten: bool


def find(connection: Connection, destination_id: int) -> Standing:
    """What stands at this destination. Only whoever is forgotten is so at all of them."""
    return fetch_one(connection, Standing, "find_standing", {"destination_id": destination_id})
