"""Asks a destination what it believes, and compares that with what it had accepted.

    choose contacts ──▶ a page: what was accepted ──▶ ask ──▶ what was accepted, again ──▶ record ──▶ … ──▶ finish
                                                                  one transaction ────────────┘

No transaction is open while the destination is asked. A contact that a run told something new in between, or is about
to, is not judged. To repair is to make a property due, as after a call that has no answer: the next run tells whatever
the warehouse says then, so that holds, pauses, suppression, retirements and reach have their say as in any plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from syncer import control, errors
from syncer.calls import Readable
from syncer.delivery.retrying import RetryPolicy
from syncer.models import Audience, KnownAudience
from syncer.planning.targets import Target
from syncer.reconciling import asking, record
from syncer.reconciling.judging import Share, share
from syncer.state import Connection, State, accounts, retried
from syncer.state.asking import Asker
from syncer.state.audiences import known_audiences
from syncer.stopping import Stop

SAMPLE = 500
"""How many contacts are asked about unless somebody says otherwise."""

_PAGE = 50
_PAGE_SECONDS = 5.0
"""A page holds at most so many contacts, and no more than the destination answers in so many seconds: so much is asked
again after a kill."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. `audiences` are names or properties; none: all. `sample` None: all contacts."""

    audiences: Sequence[str] = ()
    sample: int | None = SAMPLE
    repairs: bool = False
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What `reconcile --json` prints."""

    reconciliation: record.Reconciliation
    share: Share | None
    differences: Sequence[record.Listed] = ()


class Progress(Protocol):
    """Learns how far it is. Never raises, never takes long."""

    def begun(self, standing: record.Reconciliation, *, is_new: bool) -> None:
        """It has begun, or goes on."""

    def waits(self) -> None:
        """A run is under way, or another reconciliation there."""

    def asked(self, contacts: int) -> None:
        """So many more were asked about."""


@dataclass(slots=True)
class Reconciling:
    """One reconciliation at one destination."""

    state: State
    target: Target
    question: Question
    stop: Stop
    progress: Progress
    asker: Asker | None = None
    patience: RetryPolicy = field(default_factory=lambda: asking.PATIENCE)

    def run(self, limit: int) -> Report:
        """Asks about all whom it is about, and returns what was found, at most `limit` of it by name.

        Where it was stopped, the same question goes on with it. Raises `ConfigError` for a destination that cannot be
        asked, `DestinationError` if it does not answer.
        """
        destination = readable(self.target)
        with self.state.connect("reconcile") as connection:
            asked = self._asked(connection)
            begun, is_new = record.begin(connection, asked, self.target.in_reach, self._arguments(), self.asker)
            self.progress.begun(record.show(connection, begun), is_new=is_new)
            paced = asking.Interview(
                destination, connection, begun, self.stop, self.patience, waits=self.progress.waits
            )
            try:
                while self._page(connection, begun, asked, paced):
                    pass
                record.finish(connection, begun)
            except asking.StoppedError:
                pass
            return report(connection, begun, limit)

    def _page(self, connection: Connection, begun: int, asked: record.Asked, paced: asking.Interview) -> bool:
        """Asks about a page; False if nobody is left."""
        per_second = paced.destination.rate.per_second
        most = min(_PAGE, max(1, int(per_second * _PAGE_SECONDS))) if per_second else _PAGE
        page = record.next_page(connection, begun, asked.destination_id, most)
        for contact in page.contacts:
            known = page.before[contact]
            page.answers[contact] = paced.ask(known[0]) if known else None
        if page.contacts:
            audiences = self._audiences(connection, asked)
            retried(lambda: record.settle(connection, begun, asked, page, audiences, paced.destination.written))
            self.progress.asked(len(page.contacts))
        return bool(page.contacts)

    def _asked(self, connection: Connection) -> record.Asked:
        ids, name = accounts.known(connection), self.target.name
        for problem in accounts.refused(connection, [self.target.destination]).values():
            raise problem
        if name not in ids:
            message = "was never told anything, so that there is nothing to compare; `syncer sync` first"
            raise errors.ConfigError([errors.Problem(f"destination {name}", message)])
        audience_ids = sorted(
            {control.known_audience(connection, each).audience_id for each in self.question.audiences}
        )
        question = self.question
        return record.Asked(ids[name], audience_ids or None, question.sample, question.repairs, question.scheduled)

    def _audiences(self, connection: Connection, asked: record.Asked) -> dict[int, KnownAudience]:
        """The audiences that are compared: those asked for, as far as the destination is about them."""
        return {
            each.audience_id: each
            for each in known_audiences(connection)
            if (asked.audience_ids is None or each.audience_id in asked.audience_ids)
            and self.target.lists(Audience(each.name, each.property, is_trait=each.is_trait))
        }

    def _arguments(self) -> dict[str, object]:
        question = self.question
        sample = "all" if question.sample is None else question.sample
        named = {"destination": self.target.name, "audiences": list(question.audiences), "sample": sample}
        return {**named, "repair": question.repairs}


def report(connection: Connection, reconciliation_id: int, limit: int) -> Report:
    """A reconciliation as it stands, and what it found."""
    standing = record.show(connection, reconciliation_id)
    estimate = None if standing.sample is None else share(standing.differing, standing.differing + standing.equal)
    return Report(standing, estimate, record.differences(connection, reconciliation_id, limit))


def readable(target: Target) -> Readable:
    """The destination, if it can be asked. Raises `ConfigError`."""
    destination = target.destination
    if isinstance(destination, Readable):
        why = destination.why_unread
        if why is None:
            return destination
    else:
        why = "it takes calls, and says nothing of what it made of them"
    raise errors.ConfigError([errors.Problem(f"destination {target.name}", f"cannot be asked what it believes: {why}")])
