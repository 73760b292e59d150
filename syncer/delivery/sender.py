"""Sends a page: paced, retried, split, until each of its identifies has an outcome. Knows neither state nor plan.

    an identify:  planned ─▶ sent ─▶ accepted                                    succeeded
                                 ├─▶ refused, by name or alone                   failed
                                 ├─▶ the same, or tries used up: it may
                                 │   have arrived although no answer came        unknown
                                 └─▶ tries used up, or every contact is refused  aborted

A request that is refused whole, or is too large, names no culprit: it is sent again in halves, down to single
identifies. Where the answer may be the account's as well (`TurnedAwayError`), one identify goes before the halves, by
itself: it shows whether anybody is accepted at all.

A request that has no answer is sent again too. Its last attempt is one identify by itself, and only if that is
answered, the others once more. So a destination that is down is told apart from contacts that it cannot take.
"""

import threading
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from syncer import errors
from syncer.calls import Call, Destination, Payload, Refusal, Track
from syncer.delivery.pacing import Clock, Pacer, Reservation
from syncer.delivery.retrying import RetryPolicy
from syncer.delivery.streak import Streak
from syncer.log import Logger
from syncer.models import Outcome
from syncer.state import pages

log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A page's identifies as the requests that carry them, and those that no request can carry."""

    identifies: Sequence[Call]
    requests: Sequence[Payload]
    refusals: Sequence[Refusal]


@dataclass(frozen=True, slots=True)
class SentPage:
    """A page that needs no further request: how it ended, and why the destination is to get no more, if so."""

    settlement: pages.Settlement
    error: errors.DestinationError | None


@dataclass(frozen=True, slots=True)
class _Part:
    """What is sent as one request, from the `first` identify of the page on.

    `doubtful`: a larger request that held it may have been applied. `last`: that request was sent as often as may be;
    this has one attempt.
    """

    request: Payload
    first: int
    doubtful: bool = False
    last: bool = False

    @property
    def single(self) -> bool:
        return len(self.request.identifies) == 1

    def halves(self, *, doubtful: bool) -> list["_Part"]:
        if self.single:
            return [replace(self, doubtful=doubtful)]
        middle = len(self.request.identifies) // 2
        return [
            _Part(self._only(range(len(self.request.identifies))[half]), first, doubtful)
            for first, half in ((self.first, slice(middle)), (self.first + middle, slice(middle, None)))
        ]

    def one_and_the_others(self, *, doubtful: bool, last: bool = False) -> tuple["_Part", "_Part"]:
        """One identify by itself: by its random message id, so that it is another one in each run."""
        identifies = self.request.identifies
        chosen = min(range(len(identifies)), key=lambda place: identifies[place].message_id)
        others = [place for place in range(len(identifies)) if place != chosen]
        one, rest = self._only([chosen]), self._only(others)
        return _Part(one, self.first + chosen, doubtful, last), _Part(rest, self.first, doubtful, last)

    def _only(self, places: Sequence[int]) -> Payload:
        identifies, encoded = self.request.identifies, self.request.encoded
        return replace(
            self.request,
            identifies=[identifies[place] for place in places],
            encoded=[encoded[place] for place in places if encoded],
        )


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of a request. Its parts are to be sent instead: those of `now` before anything else, `later` after
    what waits already. After an `error` nothing more is sent.
    """

    failures: Sequence[pages.Failure] = ()
    now: Sequence[_Part] = ()
    later: Sequence[_Part] = ()
    error: errors.DestinationError | None = None


@dataclass(slots=True)
class _Tries:
    """The tries of one page so far. `begun` and what follows are about the request that is being sent.

    Its `attempts` are the tries that failed, except those whose answer asked for a wait.
    """

    began: float
    reservation: Reservation
    requests: int = 0
    retries: int = 0
    once: bool = False
    """Whether a request that may have been applied must not be sent again."""
    begun: bool = False
    attempts: int = 0
    maybe_applied: bool = False

    def begin(self, part: _Part, max_attempts: int) -> None:
        """Begins a request, which has attempts of its own; the page's time goes on."""
        self.begun, self.maybe_applied = False, part.doubtful
        self.attempts = max_attempts - 1 if part.last else 0


class Sender:
    """Sends pages, from several threads at once, for as long as `leads` says so. `refused_before`: see `Streak`."""

    def __init__(
        self,
        destination: Destination,
        halted: Callable[[], bool],
        clock: Clock,
        policy: RetryPolicy,
        leads: Callable[[], bool] = lambda: True,
        refused_before: Mapping[str, int] | None = None,
    ) -> None:
        self._destination = destination
        self._halted = halted
        self._clock = clock
        self._policy = policy
        self._leads = leads
        self._rate = destination.rate
        self._pacer = Pacer(destination.rate.per_second, clock.now)
        self._streak = Streak(destination.name, refused_before or {})
        self.give_up = threading.Event()
        """Set when the destination stopped: no page begins another try."""

    @property
    def refuses_everybody(self) -> bool:
        """Whether what was refused in this run is the fault of the destination, and of no contact. See `Streak`."""
        return self._streak.verdict is not None

    def end(self) -> errors.DestinationStoppedError | None:
        """Once nothing more is sent: the error, if those who were refused in this run are not to blame."""
        return self._streak.end()

    def due_in(self) -> float:
        """Seconds until the next page may go."""
        return self._pacer.due_in()

    def reserve(self, identifies: int) -> Reservation:
        """Announces a page with this many identifies; `send` takes it over."""
        return self._pacer.reserve(self._rate.count(identifies))

    def encode(self, identifies: Sequence[Call]) -> Encoded:
        """A page as it goes out. Takes no turn, so it can be done while other pages are in flight."""
        return Encoded(identifies, *self._destination.requests(identifies))

    def send(self, page: int, encoded: Encoded, reservation: Reservation) -> SentPage:
        """Sends a page, request by request. Every identify gets an outcome, whatever happens."""
        events = isinstance(encoded.identifies[0], Track)
        once = events and not self._destination.recognises_events
        with reservation:
            reservation.resize(self._turns(encoded.requests))
            return self._send(page, encoded, _Tries(self._clock.now(), reservation, once=once))

    def _send(self, page: int, encoded: Encoded, tries: _Tries) -> SentPage:
        failures = [_failure(refusal, Outcome.FAILED, alone=False) for refusal in encoded.refusals]
        ends = accumulate(len(request.identifies) for request in encoded.requests)
        parts = deque(_Part(each, end - len(each.identifies)) for each, end in zip(encoded.requests, ends, strict=True))
        suspects: list[_Part] = []  # sent last, so that what can be accepted is accepted before they are judged
        error: errors.DestinationError | None = None
        while (parts or suspects) and error is None:
            verdict = self._judge(parts.popleft() if parts else suspects.pop(0), tries)
            failures += verdict.failures
            parts.extendleft(reversed(verdict.now))
            for half in verdict.later:
                if half.single:
                    insort(suspects, half, key=lambda part: part.first)
                else:
                    parts.append(half)
            error = verdict.error
        for part in (*parts, *suspects):
            reason = str(error) if part.doubtful else f"not sent: {error}"
            failures += _not_accepted(part, reason, maybe_applied=part.doubtful)
        if self.refuses_everybody:
            failures = [_forgiven(failure) for failure in failures]
        aborted = sum(failure.outcome is Outcome.ABORTED for failure in failures)
        settlement = pages.Settlement(
            page, tries.requests, tries.retries, failures, applied=aborted < len(encoded.identifies)
        )
        return SentPage(settlement, error)

    def _judge(self, part: _Part, tries: _Tries) -> _Verdict:
        """Sends one request until it is answered or given up, and says what that means for its identifies."""
        if self._streak.turns_away and not part.single:
            tries.reservation.resize(tries.reservation.left - self._turns([part.request]))
            return self._one_first(part, tries, doubtful=part.doubtful)
        tries.begin(part, self._policy.max_attempts)
        try:
            refusals = self._send_request(part.request, tries)
        except errors.RequestRefusedError as refused:
            if not part.single:
                return self._instead(tries, later=part.halves(doubtful=tries.maybe_applied))
            refusals = [Refusal(part.request.identifies[0], str(refused), refused.http_status)]
        except errors.TurnedAwayError as turned_away:
            if not part.single:
                return self._one_first(part, tries, doubtful=tries.maybe_applied)
            return self._turned_away(part, turned_away, tries)
        except (errors.DestinationUnavailableError, errors.DestinationStoppedError) as stopped:
            return _Verdict(_given_up(part, tries, stopped), error=stopped)
        if refusals is None:
            return self._instead(tries, now=part.one_and_the_others(doubtful=tries.maybe_applied, last=True))
        return self._answered(part, refusals, tries)

    def _one_first(self, part: _Part, tries: _Tries, *, doubtful: bool) -> _Verdict:
        one, others = part.one_and_the_others(doubtful=doubtful)
        return self._instead(tries, now=[one], later=others.halves(doubtful=doubtful))

    def _instead(self, tries: _Tries, *, now: Sequence[_Part] = (), later: Sequence[_Part] = ()) -> _Verdict:
        tries.reservation.resize(
            tries.reservation.left + self._turns([part.request for parts in (now, later) for part in parts])
        )
        return _Verdict(now=now, later=later)

    def _turns(self, requests: Sequence[Payload]) -> int:
        """What these requests come to, as the rate counts."""
        return sum(self._rate.count(len(request.identifies)) for request in requests)

    def _turned_away(self, part: _Part, error: errors.TurnedAwayError, tries: _Tries) -> _Verdict:
        refusal = Refusal(part.request.identifies[0], error.answer, error.http_status)
        failures = [_failure(refusal, _refused(tries), alone=True)]
        return _Verdict(failures, error=self._streak.turn_away(refusal, error))

    def _answered(self, part: _Part, refusals: Sequence[Refusal], tries: _Tries) -> _Verdict:
        failures = [_failure(refusal, _refused(tries), alone=part.single) for refusal in refusals]
        if len(refusals) < len(part.request.identifies):
            self._streak.accept()
            return _Verdict(failures)
        return _Verdict(failures, error=self._streak.refuse(refusals[0]) if part.single else None)

    def _send_request(self, request: Payload, tries: _Tries) -> list[Refusal] | None:
        """Sends a request until it is answered, or given up: then raises why its last try failed.

        Returns None if one try is left of a request that holds several identifies.
        """
        count = self._rate.count(len(request.identifies))
        due = tries.reservation.take(count)
        while True:
            self._await(due)
            try:
                return self._try(request, tries)
            except errors.DestinationUnavailableError as error:
                wait = self._wait(error, tries)
                if wait is None:
                    raise
                tries.retries += 1
                log.warning("retrying", destination=self._destination.name, error=str(error), retry=tries.retries)
            self.sleep(wait)
            if len(request.identifies) > 1 and self._policy.leaves_one(tries.attempts) and not self._given_up():
                return None
            due = self._pacer.turn(count)

    def _try(self, request: Payload, tries: _Tries) -> list[Refusal]:
        from syncer.delivery.timing import REQUEST_SECONDS  # takes long, and a run without changes sends none

        tries.requests += 1
        tries.begun = True
        try:
            with REQUEST_SECONDS.labels(self._destination.name).time():
                return self._destination.send(request)
        except errors.DestinationUnavailableError as error:
            tries.maybe_applied = tries.maybe_applied or error.maybe_applied
            if error.retry_after is None:
                tries.attempts += 1
            else:
                self._pacer.hold(error.retry_after)
            raise

    def _wait(self, error: errors.DestinationUnavailableError, tries: _Tries) -> float | None:
        """Seconds until the request is sent again; None if it is not."""
        if self._given_up() or (tries.once and tries.maybe_applied):
            return None
        return self._policy.wait(tries.attempts, self._clock.now() - tries.began, error.retry_after)

    def _await(self, due: float) -> None:
        self.sleep(due - self._clock.now())
        if self._given_up():
            raise errors.DestinationUnavailableError("stopped before it was sent", maybe_applied=False)
        if not self._leads():
            raise errors.NotOursError(
                "the lease ran out: another syncer may be at it; nothing more is sent by this process"
            )

    def sleep(self, seconds: float) -> None:
        """Sleeps, unless all pages are given up; in slices, because `halted` is not an event to wait for."""
        until = self._clock.now() + seconds
        while not self._given_up() and (left := until - self._clock.now()) > 0:
            self._clock.pause(self.give_up, min(left, 0.2))

    def _given_up(self) -> bool:
        return self.give_up.is_set() or self._halted()


def _refused(tries: _Tries) -> Outcome:
    """What a refusal is: an earlier try whose answer was lost may have been applied all the same."""
    return Outcome.UNKNOWN if tries.maybe_applied else Outcome.FAILED


def _failure(refusal: Refusal, outcome: Outcome, *, alone: bool) -> pages.Failure:
    return pages.Failure(refusal.identify, outcome, refusal.reason, refusal.http_status, alone)


def _given_up(
    part: _Part, tries: _Tries, stopped: errors.DestinationUnavailableError | errors.DestinationStoppedError
) -> list[pages.Failure]:
    return _not_accepted(
        part,
        str(stopped),
        stopped.http_status,
        maybe_applied=tries.maybe_applied,
        alone=part.single and tries.begun and not part.last,
    )


def _not_accepted(
    part: _Part, reason: str, http_status: int | None = None, *, maybe_applied: bool, alone: bool = False
) -> list[pages.Failure]:
    outcome = Outcome.UNKNOWN if maybe_applied else Outcome.ABORTED
    return [pages.Failure(identify, outcome, reason, http_status, alone) for identify in part.request.identifies]


def _forgiven(failure: pages.Failure) -> pages.Failure:
    return replace(failure, outcome=Outcome.ABORTED) if failure.outcome is Outcome.FAILED else failure
