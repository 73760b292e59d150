"""A destination whose answers are given, and time that passes only when somebody waits: for the tests of delivery."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from syncer import errors
from syncer.calls import Call, Destination, Envelope, Identify, Payload, Rate, Refusal
from syncer.delivery.pacing import Clock
from syncer.delivery.retrying import RetryPolicy
from syncer.delivery.sender import Sender, SentPage
from syncer.models import Outcome

UNLIMITED = Rate(0)
ENVELOPE = Envelope("PUT", "/where")
NOBODY = "write key is disabled"


@dataclass
class FakeClock:
    """Time passes only when somebody waits."""

    at: float = 0.0
    waits: list[float] = field(default_factory=list)

    def pause(self, _event: threading.Event, seconds: float) -> bool:
        self.at += seconds
        self.waits.append(seconds)
        return False

    @property
    def clock(self) -> Clock:
        """For a sender."""
        return Clock(now=lambda: self.at, pause=self.pause)


@dataclass
class Scripted:
    """A destination whose answers are given: a list of refused contacts, or an error."""

    answers: list[list[str] | errors.DestinationError]
    per_request: int = 1000
    rate: Rate = UNLIMITED
    recognises_events: bool = True
    clock: FakeClock = field(default_factory=FakeClock)
    name: str = "scripted"
    page_size: int = 1000
    concurrency: int = 1
    sent: list[tuple[float, int]] = field(default_factory=list)

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        cuts = range(0, len(identifies), self.per_request)
        return [Payload(identifies[cut : cut + self.per_request], []) for cut in cuts], []

    def body(self, request: Payload) -> bytes:
        return b""

    def head(self, request: Payload) -> list[str]:
        return []

    def send(self, request: Payload) -> list[Refusal]:
        self.sent.append((self.clock.at, len(request.identifies)))
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, errors.DestinationError):
            raise answer
        return [Refusal(identify, "no", 400) for identify in request.identifies if identify.contact in answer]

    def account(self) -> dict[str, str]:
        return {}

    def key_hash(self, salt: bytes) -> str:
        return ""

    def problems(self) -> list[str]:
        return []

    def caveats(self) -> list[str]:
        return []

    def close(self) -> None: ...


@dataclass
class Closed(Scripted):
    """Turns away every request that holds one of these contacts, or all, in words that are others each time."""

    to: frozenset[str] | None = None
    status: int = 403

    def send(self, request: Payload) -> list[Refusal]:
        super().send(request)
        if self.to is None or self.to.intersection(identify.contact for identify in request.identifies):
            raise turned_away(self.status, f"ray {len(self.sent)}")
        return []


@dataclass
class Picky(Scripted):
    """Refuses every request that holds one of the bad contacts, or more identifies than it takes.

    Of a contact that comes alone it says `words`, or the contact's name. The first answer to each size of request that
    is in `loses` gets lost.
    """

    bad: frozenset[str] = frozenset()
    words: str | None = None
    takes: int = 1000
    loses: set[int] = field(default_factory=set)
    seen: list[list[str]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)

    def send(self, request: Payload) -> list[Refusal]:
        contacts = [identify.contact for identify in request.identifies]
        self.seen.append(contacts)
        if request.encoded:
            assert [body.decode() for body in request.encoded] == contacts
            assert request.envelope == ENVELOPE
        if len(contacts) in self.loses:
            self.loses.remove(len(contacts))
            raise unavailable()
        super().send(request)
        if len(contacts) > self.takes:
            raise errors.RequestRefusedError("too large", http_status=413)
        if self.bad.intersection(contacts):
            raise errors.RequestRefusedError(self.words or ",".join(contacts), http_status=400)
        self.accepted += contacts
        return []

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        requests, refusals = super().requests(identifies)
        return [Payload(r.identifies, [i.contact.encode() for i in r.identifies], ENVELOPE) for r in requests], refusals


def contacts(*numbers: int) -> frozenset[str]:
    return frozenset(f"c{number}" for number in numbers)


def send_page(sender: Sender, page: int, count: int) -> SentPage:
    """A page of `count` contacts, as delivery hands it to a sender."""
    return sender.send(page, sender.encode(identifies(count)), sender.reserve(count))


def identifies(count: int) -> list[Identify]:
    return [Identify(f"c{n}", 0, f"u{n}", f"c{n}", f"m{n}", {"vip": True}) for n in range(count)]


def named(contact: str, part: int = 0) -> Identify:
    return Identify(contact, part, contact, contact, f"{contact}/{part}", {"vip": True})


def sender_to(
    destination: Destination,
    clock: FakeClock,
    halted: Callable[[], bool] = lambda: False,
    refused_before: Mapping[str, int] | None = None,
) -> Sender:
    return Sender(destination, halted, clock.clock, RetryPolicy(), refused_before=refused_before)


def turned_away(status: int = 403, answer: str = "no") -> errors.TurnedAwayError:
    return errors.TurnedAwayError("check the key", answer=answer, http_status=status)


def unavailable(*, maybe_applied: bool = True, retry_after: float | None = None) -> errors.DestinationUnavailableError:
    return errors.DestinationUnavailableError("down", maybe_applied=maybe_applied, retry_after=retry_after)


def send(destination: Scripted, count: int = 2) -> SentPage:
    return send_page(sender_to(destination, destination.clock), 7, count)


def outcomes(page: SentPage) -> list[Outcome]:
    return [failure.outcome for failure in page.settlement.failures]


def everybody_refused(count: int) -> Picky:
    """A destination that refuses whoever it is told of, all in the same words."""
    return Picky([], bad=contacts(*range(count)), words=NOBODY)


def nothing_is_reserved(sender: Sender, clock: FakeClock) -> bool:
    """Whether the next turn comes as soon as the last one has used up its time."""
    due = clock.at + sender.due_in()
    return due == pytest.approx(sender.reserve(0).take(0))
