"""The pages of a plan, and the one place that moves them.

    planned ──claim──▶ sending ──settle──▶ done
       │                  └─────abort─────▶ aborted
       └────────────(run closes)──────────▶ aborted

`claim` is committed before a byte of the page is sent; `settle` makes what was accepted known, in one transaction with
the outcome of every identify; `abort` is for a page that certainly was not applied. A page that is still `sending` when
its run is closed, by itself or by the next one, goes to done with all of its identifies unknown (`runs`). Every step
names the state it expects and fails with `NotOursError` if another process was faster. A process that was stopped after
it had looked at its lease may send a page late, when another has told its contacts something newer: once it finds that
out it leaves them uncertain (`doubt`), and they are told what is right now.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
from psycopg.rows import tuple_row

from syncer import errors, models, sql
from syncer.calls import Call, Identify
from syncer.models import Outcome
from syncer.state import MAX_CONTACTS_OF_USER, Connection, execute, fetch_all, fetch_value, fetch_values

_decode = msgspec.json.Decoder().decode

COVERED_PAGE = 0
"""The page of the changes that need no call; it is settled together with the plan."""


@dataclass(frozen=True, slots=True)
class RunDestination:
    """Which run delivers to which destination."""

    run_id: int
    destination_id: int


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A page that waits. `urgency` is its class in the order of delivery: see `order_identifies`."""

    page: int
    urgency: int
    identifies: int


@dataclass(frozen=True, slots=True)
class _RefusedBefore:
    contact: str
    http_status: int


_IdentifyRow = tuple[str, int, str, str, str | None, models.Computation | None, str | None, str, Sequence[int], str]
"""A row of `load_page`, as the driver makes it: for as many as there are, a class of our own costs too much."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An identify that ended otherwise than succeeded, and why. `alone`: no other was in the request that decided."""

    identify: Call
    outcome: Outcome
    reason: str
    http_status: int | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a page ended: every identify without a failure was accepted."""

    page: int
    requests: int = 0
    retries: int = 0
    failures: Sequence[Failure] = ()
    applied: bool = True
    """False if no identify of the page can have been applied: then it is aborted as a whole."""

    @property
    def accepted(self) -> bool:
        """Whether every identify was accepted."""
        return self.applied and not self.failures


def waiting(connection: Connection, delivery: RunDestination) -> list[PlannedPage]:
    """The pages that are not claimed yet, in the order of delivery."""
    return fetch_all(connection, PlannedPage, "list_pages", _keys(delivery))


def refused_before(connection: Connection, delivery: RunDestination) -> dict[str, int]:
    """The status that contacts of this plan got when they were refused, in earlier runs."""
    return {
        each.contact: each.http_status
        for each in fetch_all(connection, _RefusedBefore, "list_refused_before", _keys(delivery))
    }


def load(connection: Connection, delivery: RunDestination, page: int, properties: Mapping[int, str]) -> list[Identify]:
    """The identifies of a page as planned; `properties` names the property of each audience id."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(sql.query("load_page"), {**_keys(delivery), "page": page}).fetchall()
    property_of = properties.__getitem__
    return [
        Identify(
            contact,
            part,
            user_id,
            email,
            message_id,
            dict(zip(map(property_of, audience_ids), _decode(values), strict=True)),
            {} if traits is None else _decode(traits),
            about,
            name or "",
            delivery.run_id,
        )
        for contact, part, user_id, email, traits, about, name, message_id, audience_ids, values in cast(
            "list[_IdentifyRow]", found
        )
    ]


def claim(connection: Connection, delivery: RunDestination, token: uuid.UUID, pages: Sequence[int]) -> set[int]:
    """Durably marks pages as being sent, if we still lead. Only then may a byte of them leave.

    Returns those that may go: what was paused since it was planned stays behind, and is aborted when the run closes.
    """
    parameters = {**_keys(delivery), "token": token, "pages": list(pages)}
    claimed = set(fetch_values(connection, "claim_pages", parameters))
    if len(claimed) != len(pages) and not fetch_value(connection, "may_claim_pages", parameters):
        raise errors.NotOursError("another syncer took over this run; nothing more is sent by this process")
    return claimed


def settle(connection: Connection, delivery: RunDestination, settlements: Sequence[Settlement]) -> None:
    """Ends pages that were being sent; call it inside a transaction."""
    applied = [settlement for settlement in settlements if settlement.applied]
    aborted = [settlement for settlement in settlements if not settlement.applied]
    ended = 0
    if applied:
        ended += fetch_value(connection, "settle_pages", {**_keys(delivery), **_pages(applied), **_failures(applied)})
    if aborted:
        ended += execute(connection, "abort_pages", {**_keys(delivery), **_pages(aborted)}).rowcount
    if ended != len(settlements):
        raise errors.NotOursError("another syncer took over this run; its pages are uncertain and will be told again")


def doubt(connection: Connection, delivery: RunDestination, pages: Sequence[int]) -> None:
    """Makes uncertain what these pages tell: they were claimed, and may have been sent after another process led."""
    execute(connection, "doubt_pages", {**_keys(delivery), "pages": list(pages)})
    limit = {"max_contacts": MAX_CONTACTS_OF_USER}
    execute(connection, "mark_users_elsewhere", {"run_id": delivery.run_id, **limit})


def forgive(connection: Connection, delivery: RunDestination) -> None:
    """Makes aborted what this run settled as refused: the destination refuses every contact, so none is at fault.

    Does nothing once the run is closed: by then they are in the list of the refused.
    """
    execute(connection, "forgive_refusals", _keys(delivery))


def _keys(delivery: RunDestination) -> dict[str, object]:
    return {"run_id": delivery.run_id, "destination_id": delivery.destination_id}


def _pages(settlements: Sequence[Settlement]) -> dict[str, object]:
    return {
        "pages": [settlement.page for settlement in settlements],
        "requests": [settlement.requests for settlement in settlements],
        "retries": [settlement.retries for settlement in settlements],
    }


def _failures(settlements: Sequence[Settlement]) -> dict[str, object]:
    failures = [(settlement.page, failure) for settlement in settlements for failure in settlement.failures]
    return {
        "exception_pages": [page for page, _ in failures],
        "contacts": [failure.identify.contact for _, failure in failures],
        "parts": [failure.identify.part for _, failure in failures],
        "outcomes": [failure.outcome.value for _, failure in failures],
        "reasons": [failure.reason for _, failure in failures],
        "http_statuses": [failure.http_status for _, failure in failures],
        "alones": [failure.alone for _, failure in failures],
    }
