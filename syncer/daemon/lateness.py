"""Whether syncing stands still, whatever the reason: judged by times in the state alone, and so alike by the daemon
that leads, by one that stands by, and by `syncer status`.

It is late when

- a run was due and did not do its work until the next one is due or an hour has passed, whichever comes first; unless a
  run is in progress that moves, which may take as long as it likes, or
- the run in progress has not moved for `daemon.stall_timeout`.

It is on time again when a run has done its work. A `Lookout` looks in a thread of its own: what hangs is, as a rule,
the main thread, or the process that leads.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from syncer import errors
from syncer.log import Logger
from syncer.schedule import Cadence
from syncer.state import Connection, State, execute, fetch_one, freshness, leadership, migrations
from syncer.state.freshness import Freshness, Promise
from syncer.state.leadership import Leader

_LONGEST_ALLOWANCE = timedelta(hours=1)

_GRACE_SECONDS = 60.0
"""Seconds for which a daemon that starts, takes over or wakes up may find itself late: its first run is under way."""

_LOOK_SECONDS = 5.0

_SLOW_FACTOR, _SLOW_SECONDS = 4, 1800.0
"""A run is slow if it takes so many times as long as the longest of the last ten, and more than so many seconds."""

_SCARCE_BYTES, _ENOUGH_BYTES = 500 * 2**20, 600 * 2**20
"""Room on the disk of an embedded state that is told about, and that is well again."""

_STALE_SECONDS = 60.0
"""Seconds after which nobody believes the last look any more: the next one hangs."""


class Trouble(NamedTuple):
    """What may be wrong between runs, and with what."""

    kind: Literal["late", "slow", "full", "outdated"]
    subject: str


LATE, SLOW, FULL = Trouble("late", "the daemon"), Trouble("slow", "the run"), Trouble("full", "the disk")

log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the state knows of a moment; see `show_standing`."""

    asked_at: datetime
    good_began_at: datetime | None
    run_id: int | None
    moved_at: datetime | None
    failed_run_id: int | None = None
    began_at: datetime | None = None
    longest: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`late`: why, or None. `is_on_time`: a run did its work when it was due; neither if a late one is in progress."""

    late: str | None
    is_on_time: bool


def ask(connection: Connection) -> Standing:
    """How it stands now."""
    return fetch_one(connection, Standing, "show_standing")


def judge(standing: Standing, cadence: Cadence, stall_timeout: float, watched_since: datetime) -> Verdict:
    """Whether that is late. Until a run has done its work, one counts as due at `watched_since`."""
    now = standing.asked_at
    if standing.moved_at is not None and now - standing.moved_at > timedelta(seconds=stall_timeout):
        still = _words(now - standing.moved_at)
        return Verdict(f"run {standing.run_id} has not moved for {still}", is_on_time=False)
    began = standing.good_began_at
    due = watched_since if began is None else cadence.latest(began)
    if now <= due + min(_LONGEST_ALLOWANCE, cadence.interval(due)):
        return Verdict(None, is_on_time=True)
    if standing.run_id is not None:
        return Verdict(None, is_on_time=False)
    since = "ever did its work" if began is None else f"did its work since {_at(began)}"
    failed = standing.failed_run_id
    why = "" if failed is None else f"; `syncer history {failed}` says why the last one did not"
    return Verdict(f"no run {since}, and one was due at {_at(due)}{why}", is_on_time=False)


def why_slow(standing: Standing) -> str | None:
    """Why the run in progress is told about though it moves: it takes much longer than runs do. None if it does not."""
    if standing.began_at is None or standing.longest is None:
        return None
    took = standing.asked_at - standing.began_at
    if took <= timedelta(seconds=max(_SLOW_FACTOR * standing.longest, _SLOW_SECONDS)):
        return None
    usual = _words(timedelta(seconds=standing.longest))
    return (
        f"run {standing.run_id} has been under way for {_words(took)}; the last ten took {usual} at most."
        " `syncer status` shows how far it is, and at which rate"
    )


def why_full(room: int | None) -> str | None:
    """Why that room (bytes) on the disk of an embedded state is too little, or None."""
    if room is None or room >= _SCARCE_BYTES:
        return None
    return (
        f"the disk of `state.data_dir` has {room // 2**20} MB left, and without room no run can be recorded: make room,"
        " or let [history] keep less"
    )


def why_outdated(found: Freshness) -> str:
    """What is wrong with a promise that is broken."""
    known, promised = (_words(timedelta(seconds=each)) for each in (found.age_seconds, found.fresh_within_seconds))
    return (
        f"{found.audience}: what {found.destination} knows of it is {known} old, and {promised} are promised"
        " (`fresh_within`); `syncer status` shows what waits"
    )


def who_leads(leader: Leader | None) -> str:
    """For people who have to do something about it."""
    if leader is None:
        return "no process leads: see the log of the daemon"
    what = "a daemon" if leader.kind == "daemon" else "a command"
    return f"{what} leads: host {leader.host}, pid {leader.pid}; see its log, and end it if it hangs"


class Lookout:
    """Looks again and again. After each look calls `tell`: with "late" and why, or None if it is on time; and the same
    with "slow" (the run in progress), "full" (the disk, whose `room` is in bytes; None if it is not ours), and
    "outdated" for each of the `promises`.

    What it found last is `why_not_ready`, in words for anybody: no address, no name.
    """

    def __init__(
        self,
        state: State,
        cadence: Cadence,
        stall_timeout: float,
        now: Callable[[], float] = leadership.clock,
        room: Callable[[], int | None] = lambda: None,
        promises: Sequence[Promise] = (),
    ) -> None:
        self._state = state
        self._cadence = cadence
        self._stall_timeout = stall_timeout
        self._now = now
        self.room = room
        self._promises = promises
        self._since = datetime.now(UTC)
        self._last: Standing | None = None
        self._good: tuple[datetime, float] | None = None
        self._looked: float | None = None
        self._wrong_from: float | None = None
        self._late: str | None = None
        self._wrong: set[Trouble] = set()
        self._not_ready: str | None = None
        self.tell: Callable[[Trouble, str | None], None] = lambda *_: None

    @property
    def _interval(self) -> float:
        return self._cadence.interval(datetime.now(UTC)).total_seconds()

    def why_not_ready(self) -> str | None:
        """Why nothing would be synced now, or None. Asks nobody: a probe costs the state nothing."""
        if self._looked is None or self._now() - self._looked > _STALE_SECONDS:
            return "the state has not answered yet" if self._looked is None else "the state does not answer"
        return self._not_ready or self._late

    def look(self) -> None:
        """Asks the state, and says what is new."""
        try:
            with self._state.connect("lookout") as connection:
                execute(connection, "limit_look")
                migrations.check(connection, self._state.schema)
                standing, leader = ask(connection), leadership.find_leader(connection)
                promised = freshness.judge(connection, self._promises)
        except (errors.StateError, errors.SchemaVersionError) as error:
            unusable = "the state cannot be used; the log says more"
            self._found_not_ready(str(error) if isinstance(error, errors.SchemaVersionError) else unusable, str(error))
            self._judge(self._imagined(), "the state cannot be used: see the log of the daemon")
        else:
            self._found_not_ready(None, "")
            self._last = self._believed(standing)
            self._judge(self._last, who_leads(leader))
            self._say(SLOW, why_slow(standing))
            for each in promised:
                self._say(Trouble("outdated", each.audience), why_outdated(each) if each.is_broken else None)
        self._look_at_the_disk()
        self._looked = self._now()

    def _look_at_the_disk(self) -> None:
        room = self.room()
        why = why_full(room)
        if why is not None or room is None or room > _ENOUGH_BYTES:
            self._say(FULL, why)

    def _believed(self, standing: Standing) -> Standing:
        """A run cannot have begun after we first saw it, whatever the clock said when it began."""
        if standing.good_began_at is None:
            return standing
        if self._good is None or self._good[0] != standing.good_began_at:
            self._good = standing.good_began_at, self._now()
        seen = standing.asked_at - timedelta(seconds=self._now() - self._good[1])
        return replace(standing, good_began_at=min(standing.good_began_at, seen))

    def _imagined(self) -> Standing:
        """How it stands while the state cannot be asked: no run is in progress without it."""
        now = datetime.now(UTC)
        if self._last is None:
            return Standing(now, None, None, None)
        return replace(self._last, asked_at=now, run_id=None, moved_at=None)

    def _found_not_ready(self, words: str | None, error: str) -> None:
        if words != self._not_ready and words is not None:
            log.warning("not ready", error=error)
        self._not_ready = words

    def _judge(self, standing: Standing, leader: str) -> None:
        verdict = judge(standing, self._cadence, self._stall_timeout, self._since)
        if verdict.late is None:
            self._late = None
            if verdict.is_on_time:
                self._wrong_from = None
                self._say(LATE, None)
            return
        self._wrong_from = self._now() if self._wrong_from is None else self._wrong_from
        if self._now() - self._wrong_from >= min(_GRACE_SECONDS, self._interval):
            self._late = verdict.late
            self._say(LATE, f"{verdict.late}; {leader}")

    def _say(self, trouble: Trouble, why: str | None) -> None:
        if why is not None and trouble not in self._wrong:
            log.warning(trouble.kind, why=why)
            self._wrong.add(trouble)
        elif why is None and trouble in self._wrong:
            log.info("no longer", trouble=trouble.kind, subject=trouble.subject)
            self._wrong.remove(trouble)
        self.tell(trouble, why)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks until the end of the block, in a thread of its own."""
        ended = threading.Event()
        pause = min(_LOOK_SECONDS, self._interval / 2)

        def watch() -> None:
            while True:
                try:
                    self.look()
                except Exception:  # nobody else would say that nobody looks any more
                    log.exception("could not look whether syncing is late")
                if ended.wait(pause):
                    return

        thread = threading.Thread(target=watch, name="lookout", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(_LOOK_SECONDS)


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _words(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes" if span >= timedelta(minutes=2) else f"{span.seconds} seconds"
