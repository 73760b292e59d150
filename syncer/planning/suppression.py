"""Whoever is suppressed is in no audience: the warehouse lists them (`[suppress]`), or a row says that they do not
consent.

That is a fact about who is a member, so it is settled where the snapshot is made: their rows are taken out of it, with
those of the same person, and whatever compares, counts or guards it needs to know no more. What is left to say of them
here is beyond the snapshot: that no other rule keeps what a destination was told of them (`find`), and that a list
which is suddenly empty, or long, is not believed before a human approves it (`judge`). The state keeps how long a list
was, and of people only the rows that are listed as skipped.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from syncer import errors, models
from syncer.planning import staging
from syncer.state import MAX_CONTACTS_OF_USER, Connection, analyze, execute, fetch_all, fetch_value

_NAMES: Mapping[str, str] = {
    models.LISTED: "the list of [suppress]",
    models.WITHOUT_CONSENT: "the list of members without consent",
}


class Length(NamedTuple):
    """How many names a list has."""

    list: str
    entries: int


def take_out(
    connection: Connection, reading: models.Reading, sources: Sequence[models.Source]
) -> Mapping[str, int] | None:
    """Takes the rows of whoever these sources name out of the staged snapshot; returns how long each list is. None if
    there are no sources."""
    if not sources:
        return None
    staging.stage_names(connection, reading, [(reading.stream(source), source) for source in sources])
    execute(connection, "create_suppressed_person", {"without_consent": models.WITHOUT_CONSENT})
    analyze(connection, "suppressed_person")
    if execute(connection, "widen_suppressed", {"max_contacts": MAX_CONTACTS_OF_USER}).rowcount:
        analyze(connection, "suppressed_person")
    if execute(connection, "take_out_suppressed").rowcount:
        analyze(connection, "snapshot_member", "taken_out")
    counted = {row.list: row.entries for row in fetch_all(connection, Length, "count_suppressed")}
    return {str(source.audience_name): counted.get(str(source.audience_name), 0) for source in sources}


def judge(connection: Connection, lists: Mapping[str, int] | None, guard: models.Guard, run_id: int | None) -> bool:
    """Whether there are lists, or were any. Raises `HeldError` for a list that is gone or empty where there was one, or
    that is twice as long, by no fewer names than the guard lets leave. `run_id` is what a human approves; None: nothing
    is noted."""
    if not guard.watches_suppression:
        return False
    now = lists or {}
    before = {row.list: row.entries for row in fetch_all(connection, Length, "show_suppression")}
    reasons = []
    for name in dict.fromkeys([*now, *before]):
        why = _doubt(connection, name, before.get(name, 0), now.get(name), guard.min_removed)
        if why is None:
            continue
        reasons.append(f"{_NAMES.get(name, name)} {why}")
        if run_id is not None:
            execute(connection, "hold_suppression", {"list": name, "entries": now.get(name, 0), "run_id": run_id})
    if reasons:
        way_out = "" if run_id is None else f"; if that is right, `syncer approve {run_id}` believes it"
        raise errors.HeldError(f"held: {' and '.join(reasons)}; nothing was sent{way_out}")
    return bool(now or before)


def _doubt(connection: Connection, name: str, before: int, now: int | None, least: int) -> str | None:
    if now is None:
        return f"is not configured any more, and had {before:,} names" if before else None
    if not now and before >= (1 if name == models.LISTED else max(1, least)):
        return f"is empty, and had {before:,} names"
    doubled = now >= 2 * before and now - before >= max(1, least)
    if doubled and (before or fetch_value(connection, "told_anybody")):
        return f"has {now:,} names, and had {before:,}"
    return None


def believe(connection: Connection, lists: Mapping[str, int] | None) -> None:
    """Keeps how long the lists are, with the plan that was made from them."""
    now = lists or {}
    execute(connection, "believe_suppression", {"lists": list(now), "entries": list(now.values())})


def find(connection: Connection, identity: models.Identity, in_reach: Mapping[str, object], *, everybody: bool) -> None:
    """Finds the contacts of a destination that are suppressed, and what it was told of them beyond its reach, unless
    that is everybody."""
    execute(connection, "fill_suppressed_contact", {"kind": "contact" if identity == "email" else "user"})
    analyze(connection, "suppressed_contact")
    if not everybody:
        execute(connection, "add_beyond_reach", in_reach)


def mark(connection: Connection, mode: models.Mode) -> None:
    """Marks the differences of those who are suppressed, and lists what a destination that freezes keeps of them."""
    execute(connection, "add_left_contacts")
    execute(connection, "mark_suppressed")
    if mode.freezes:
        execute(connection, "list_frozen", {"by_email": mode.identity == "email"})
