"""Names of audiences that the warehouse's rows bring up for the first time, and that may be no names of audiences.

A wrong column (`audience = "email"`) makes an audience of every person. Its name would become a property at every
destination, and could never be taken back. So what looks like a person is set aside, and shown masked; and if there is
more of it than an accident, or as many names are new as there are people, the whole run is held. Names that the
configuration or the state has are not questioned.
"""

import re
from collections.abc import Collection, Sequence

from syncer import errors, models, naming
from syncer.masking import masked
from syncer.planning.counts import Counts

_FEW = 10
"""More names of people than that are no accident, but a wrong column."""

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_ID = re.compile(
    r"\+?[0-9]{9,}"  # a number, of a phone too
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{16,}"
    r"|(?=[A-Z]*[0-9])[0-9A-HJKMNP-TV-Z]{26}"  # ULID
    r"|[A-Za-z]{2,6}_(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[0-9A-Za-z]{14,}"  # cus_NffrFeUfNV2Hib
)


def set_aside(
    counts: Counts,
    configured: Sequence[models.ConfiguredAudience],
    known: Sequence[models.KnownAudience],
    guard: models.Guard,
    *,
    whole: bool,
) -> dict[str, models.Audience]:
    """The names that look like people, each with the audience that is listed in its place.

    Raises `HeldError`, where the plan is about the `whole`, if there are too many of them, or as many as people.
    """
    named = {audience.name for audience in configured} | {audience.name for audience in known}
    properties = {audience.property for audience in known}
    new = counts.names - named
    if len(new) <= guard.max_new_audiences + len(properties):  # a name that was spelled otherwise is not new
        new = {name for name in new if naming.property_of(name) not in properties}
    people = [name for name in sorted(new) if looks_like_a_person(name)]
    if whole and (len(people) > _FEW or _are_people(counts, new, guard.max_new_audiences)):
        raise errors.HeldError(
            f"held: the rows name {len(new):,} audiences that are new, {len(people):,} of them look like addresses or"
            " ids, or they are about one for each person; nothing was sent. Is `warehouse.membership.audience` the"
            " column of the audience's name? If all of them are audiences: [guard] max_new_audiences is"
            f" {guard.max_new_audiences:,}, and a name that stands under [[audiences]] is not questioned"
        )
    return {name: _listed(name, counts.rows[name]) for name in people}


def looks_like_a_person(name: str) -> bool:
    """Whether a name is an id, or has an address in it."""
    return bool(_ADDRESS.search(name) or _ID.fullmatch(name.strip()))


def _are_people(counts: Counts, new: Collection[str], limit: int) -> bool:
    """Whether most of these names are the user id or the email of their own rows; or whether there are more of them
    than the limit, and about one for each contact."""
    if len(new) <= _FEW:
        return False
    own = counts.snapshot.fetch_value(counts.connection, "count_own_names", {"names": list(new)})
    if 2 * int(own) > len(new):
        return True
    return len(new) > limit and len(new) / 2 <= counts.contacts() <= len(new) * 2


def _listed(name: str, rows: int) -> models.Audience:
    shown = str(masked(name)) if _ADDRESS.search(name) else f"{name.strip()[:2]}***"
    problem = (
        f"{rows:,} rows name it, and it looks like an address or an id: correct these rows; if it is the name of an"
        " audience, add it under [[audiences]]"
    )
    return models.Audience(shown, None, problem=problem)
