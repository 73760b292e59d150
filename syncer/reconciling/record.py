"""The record of reconciliations: whom to ask about, what was found out, page by page.

A page of contacts goes from `contact_to_ask` in the transaction that records what was found out about it. So a process
that is killed leaves a page that is asked about again, and nothing is counted twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from syncer.models import KnownAudience
from syncer.reconciling.asking import Answer, Unreadable
from syncer.reconciling.judging import KINDS, Accepted, Difference, Subject, Verdict, Written, judge
from syncer.state import Connection, analyze, columns_of, execute, fetch_all, fetch_one, fetch_value, fetch_values, runs
from syncer.state.asking import Asker, this_process


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reconciliation is asked for. `sample` and `audience_ids` None: all."""

    destination_id: int
    audience_ids: Sequence[int] | None
    sample: int | None
    repairs: bool
    scheduled: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A reconciliation as it stands: see the view `reconciliations`."""

    reconciliation_id: int
    destination: str
    sample: int | None
    repairs: bool
    started_at: datetime
    finished_at: datetime | None
    contacts: int
    asked: int
    equal: int
    differing: int
    moved: int
    unreadable: Mapping[str, int]
    missing: int
    stale: int
    untold: int
    changed: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A difference, as it is listed."""

    contact: str
    audience: str
    property: str
    kind: str
    believed: str | None
    accepted: str | None
    knows_contact: bool
    repaired: bool


@dataclass(frozen=True, slots=True)
class _Moving:
    contact: str
    audience_id: int


@dataclass(slots=True)
class Page:
    """Contacts that are asked about together, and what the destination had accepted of them before."""

    contacts: Sequence[str]
    before: Mapping[str, Sequence[Accepted]]
    moving: Mapping[str, set[int]]
    answers: dict[str, Answer] = field(default_factory=dict)


def begin(
    connection: Connection,
    asked: Asked,
    reach: Mapping[str, object],
    arguments: Mapping[str, object],
    asker: Asker | None,
) -> tuple[int, bool]:
    """Goes on with one that was broken off and asks for the same, else begins one: its id, and whether it is new."""
    named = asdict(asked)
    unfinished = fetch_values(connection, "find_unfinished", named)
    if unfinished:
        return int(unfinished[0]), False
    with connection.transaction():
        actor = (asker or this_process()).actor
        begun = int(fetch_value(connection, "begin_reconciliation", {**named, "actor": actor}))
        execute(connection, "choose_contacts", {"reconciliation_id": begun, **reach})
        if not asked.scheduled:
            runs.record_action(connection, "reconcile", arguments, None, asker)
    analyze(connection, "contact_to_ask")
    return begun, True


def next_page(connection: Connection, reconciliation_id: int, destination_id: int, most: int) -> Page:
    """The next contacts to ask about; none if all were."""
    named = {"reconciliation_id": reconciliation_id, "limit": most}
    contacts = fetch_values(connection, "list_contacts_to_ask", named)
    return Page(
        contacts, _accepted(connection, destination_id, contacts), _moving(connection, destination_id, contacts)
    )


def settle(
    connection: Connection,
    reconciliation_id: int,
    asked: Asked,
    page: Page,
    audiences: Mapping[int, KnownAudience],
    written: Written,
) -> None:
    """Records what was found out about a page, and makes due what is to be repaired: all of it or nothing.

    Nothing of it where somebody of the page is not to be asked about any more: another process asked about them, or
    they were forgotten.
    """
    with connection.transaction() as transaction:
        taken = {"reconciliation_id": reconciliation_id, "contacts": list(page.contacts)}
        if execute(connection, "take_asked", taken).rowcount != len(page.contacts):
            raise psycopg.Rollback(transaction)
        # In this order: what a page tells that is settled in between is new, and whose page is not is moving.
        moving = _moving(connection, asked.destination_id, page.contacts)
        after = _accepted(connection, asked.destination_id, page.contacts)
        verdicts: dict[str, Verdict] = {}
        unreadable: Counter[str] = Counter()
        for contact in page.contacts:
            answer = page.answers[contact]
            if isinstance(answer, Unreadable):
                unreadable[answer.reason] += 1
                continue
            subject = Subject(page.before[contact], after[contact], page.moving[contact] | moving[contact])
            verdicts[contact] = judge(answer, subject, audiences, written)
        found = [difference for verdict in verdicts.values() for difference in verdict.differences]
        _record(connection, reconciliation_id, asked, found)
        counts = {**_counts(verdicts.values()), "repaired": len(found) if asked.repairs else 0}
        kinds: dict[str, object] = {kind: sum(each.kind == kind for each in found) for kind in KINDS}
        total: dict[str, object] = {"asked": len(page.contacts), "unreadable": Jsonb(unreadable)}
        execute(connection, "add_to_counts", {"reconciliation_id": reconciliation_id, **total, **counts, **kinds})


def finish(connection: Connection, reconciliation_id: int) -> None:
    """All were asked about."""
    execute(connection, "finish_reconciliation", {"reconciliation_id": reconciliation_id})


def show(connection: Connection, reconciliation_id: int) -> Reconciliation:
    """How it stands."""
    return fetch_one(connection, Reconciliation, "show_reconciliation", {"reconciliation_id": reconciliation_id})


def differences(connection: Connection, reconciliation_id: int, limit: int) -> Sequence[Listed]:
    """What it found, the first of it."""
    return fetch_all(connection, Listed, "list_differences", {"reconciliation_id": reconciliation_id, "limit": limit})


def began_scheduled_at(connection: Connection, destination_id: int) -> datetime | None:
    """When the daemon last began one that it finished."""
    began: datetime | None = fetch_value(connection, "began_scheduled_at", {"destination_id": destination_id})
    return began


def _record(connection: Connection, reconciliation_id: int, asked: Asked, found: Sequence[Difference]) -> None:
    if not found:
        return
    here = {"reconciliation_id": reconciliation_id, "destination_id": asked.destination_id, "repaired": asked.repairs}
    shown = columns_of(found, "contact", "audience_id", "kind", "believed", "accepted", "knows_contact")
    execute(connection, "add_differences", {**here, **shown})
    if asked.repairs:
        who = columns_of(found, "contact", "audience_id", "user_id", "email")
        execute(connection, "make_due", {"destination_id": asked.destination_id, **who})


def _counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    counted = {"equal": 0, "differing": 0, "moved": 0}
    for verdict in verdicts:
        counted["differing" if verdict.differences else "moved" if verdict.moved else "equal"] += 1
    return counted


def _accepted(connection: Connection, destination_id: int, contacts: Sequence[str]) -> Mapping[str, list[Accepted]]:
    by_contact: defaultdict[str, list[Accepted]] = defaultdict(list)
    here = {"destination_id": destination_id, "contacts": list(contacts)}
    for each in fetch_all(connection, Accepted, "list_accepted", here):
        by_contact[each.contact].append(each)
    return by_contact


def _moving(connection: Connection, destination_id: int, contacts: Sequence[str]) -> Mapping[str, set[int]]:
    by_contact: defaultdict[str, set[int]] = defaultdict(set)
    here = {"destination_id": destination_id, "contacts": list(contacts)}
    for each in fetch_all(connection, _Moving, "list_moving", here):
        by_contact[each.contact].add(each.audience_id)
    return by_contact
