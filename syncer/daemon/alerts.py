"""Alerts: one message when something begins to be wrong, one when it is well again, none in between.

    well ──found, message sent──▶ open ──gone, message sent──▶ well

What is open is kept in the state, so that neither the next run nor the next process sends it again. It is open once a
message about it was delivered: one that was not is tried again after the next run. Messages name runs, destinations
and audiences, and no person: where an error quotes a database or a receiver, these words are left out. They are plain
text, a line for each condition, whatever stands in a name.

| kind | subject | open while |
|---|---|---|
| failed | the run, or a destination | it ended without a plan, or before its last page |
| refused | a destination | it refuses the credentials, or the account |
| held | an audience at a destination, or the run | something waits for approval, or `guard.ready` is not true |
| incomplete | a destination, or an audience | a contact is refused or in doubt there, or the audience is set aside |
| late | the daemon | a run was due and did not do its work, or the one in progress does not move: see `lateness` |
| slow | the run | the one in progress moves, and takes much longer than the last ten did |
| full | the disk | an embedded state has little room left on its disk |
| outdated | an audience | what a destination knows of it is older than promised: see `state/freshness` |
| unusual | members or changes of an audience | they are far from those of the last runs: see `baseline` |
"""

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

from syncer import errors, sync
from syncer.daemon.baseline import Baseline, compare
from syncer.daemon.channels import Channel
from syncer.daemon.lateness import Trouble, why_outdated
from syncer.escaping import escaped
from syncer.log import Logger
from syncer.masking import masked
from syncer.models import Status
from syncer.state import Connection, State, execute, fetch_all, fetch_values, freshness, status
from syncer.state.freshness import Promise
from syncer.state.history import RunReport

Kind = Literal["failed", "refused", "held", "incomplete", "late", "slow", "full", "outdated", "unusual"]

_TITLES: Mapping[Kind, str] = {
    "failed": "syncer: failed",
    "refused": "syncer: a destination refuses the account",
    "held": "syncer: held for approval",
    "incomplete": "syncer: incomplete",
    "late": "syncer: late",
    "slow": "syncer: slow",
    "full": "syncer: a disk fills up",
    "outdated": "syncer: older than promised",
    "unusual": "syncer: unusual numbers",
}
_RECOVERED = "syncer: recovered"
_RUN = "the run"
_TURN_SECONDS = 120.0
"""Seconds for which a process may be saying what is wrong while others wait."""

_WAIT_SECONDS = 0.2

_AGAIN_SECONDS = 60.0
"""Seconds after which a message that nobody took is sent again."""

log = Logger(__name__)


class Condition(NamedTuple):
    """Something that is wrong, and where."""

    kind: Kind
    subject: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, each with its sentence; `judges` says whether another condition is known to have ended."""

    wrong: Mapping[Condition, str]
    judges: Callable[[Condition], bool]


@dataclass(frozen=True, slots=True)
class _Held:
    """How many contacts wait for approval, of one audience and direction at a destination."""

    destination: str
    audience: str
    op: str
    reason: str
    contacts: int


class AlertLog:
    """What is open, and the messages about what changes. One process at a time writes it."""

    def __init__(
        self, state: State, channel: Channel, baseline: Baseline | None = None, promises: Sequence[Promise] = ()
    ) -> None:
        self._state = state
        self._channel = channel
        self._baseline = baseline
        self._promises = promises
        self._open: set[Condition] = set()
        self._unsaved = False

    def review_run(self, result: sync.Result) -> None:
        """After a run: sends what it changed, and pings the heartbeat if it succeeded."""
        self._review(lambda connection: self._found(result, connection), Findings(_of_run(result), _nothing))
        if result.report.status == Status.SUCCEEDED:
            self._channel.beat()

    def review(self, wrong: Mapping[Condition, str], ended: Collection[Condition] = ()) -> None:
        """Between runs: sends what is wrong beside what already is, and what has ended."""
        found = Findings(wrong, lambda condition: condition in ended)
        self._review(lambda _: found, found)

    def no_run(self, error: errors.SyncerError) -> None:
        """A run was due and never began."""
        self.review({Condition("failed", _RUN): _no_run(error)})

    def is_open(self, condition: Condition) -> bool:
        """Whether a message about it was delivered, and none that it has ended."""
        return condition in self._open

    def _found(self, result: sync.Result, connection: Connection) -> Findings:
        return findings(result, connection, self._open, self._baseline, self._promises)

    def _review(self, ask: Callable[[Connection], Findings], without_state: Findings) -> None:
        try:
            with self._state.connect("alerts") as connection, _turn(connection):
                if not self._unsaved:  # what was sent while the state was lost is known here alone
                    self._open = set(fetch_all(connection, Condition, "list_alerts"))
                self._send(ask(connection))
                self._save(connection)
        except errors.StateError:
            self._send(without_state)
            self._unsaved = True

    def _save(self, connection: Connection) -> None:
        conditions = sorted(self._open)
        kinds, subjects = [each.kind for each in conditions], [each.subject for each in conditions]
        execute(connection, "remember_alerts", {"kinds": kinds, "subjects": subjects})
        self._unsaved = False

    def _send(self, found: Findings) -> None:
        """Opens and closes what a message was delivered about."""
        begun = [condition for condition in found.wrong if condition not in self._open]
        ended = {condition for condition in self._open if condition not in found.wrong and found.judges(condition)}
        for kind, title in _TITLES.items():
            new = [condition for condition in begun if condition.kind == kind]
            if new and self._channel.send(title, "\n".join(_line(found.wrong[each]) for each in new)):
                self._open.update(new)
        subjects = {condition.subject for condition in found.wrong}
        well = [condition for condition in ended if condition.subject not in subjects]
        if not well or self._channel.send(_RECOVERED, "\n".join(_line(f"no longer {each}") for each in sorted(well))):
            self._open -= ended


def tell_without_state(channel: Channel, error: errors.SyncerError) -> None:
    """A run was due and never began, nor is it known where the state is: whoever tries next says so again."""
    channel.send(_TITLES["failed"], _line(_no_run(error)))


def _no_run(error: errors.SyncerError) -> str:
    return f"no run: {error.unquoted if isinstance(error, errors.QuotingError) else error}"


def _line(sentence: str) -> str:
    return escaped(str(masked(sentence)))


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Keeps other processes from saying the same at the same time. Waits no longer than a turn may last."""
    token, deadline = uuid.uuid4(), time.monotonic() + _TURN_SECONDS
    while not fetch_values(connection, "take_alert_turn", {"token": token, "seconds": _TURN_SECONDS}):
        if time.monotonic() > deadline:  # better twice than never
            break
        time.sleep(_WAIT_SECONDS)
    try:
        yield
    finally:
        execute(connection, "end_alert_turn", {"token": token})


def findings(
    result: sync.Result,
    connection: Connection,
    known: Collection[Condition],
    baseline: Baseline | None = None,
    promises: Sequence[Promise] = (),
) -> Findings:
    """What is wrong after a run, by its report, by what waits in the state, and by the runs before it."""
    report = result.report
    if report.status == Status.INTERRUPTED:
        return Findings({}, _nothing)
    wrong = {**_of_run(result), **_of_destinations(result), **_of_audiences(report)}
    refused = {each.name for each in status.destinations(connection) if each.refused}
    for condition in known:  # a refused contact waits for the next try, and is not well again
        if condition.kind == "incomplete" and condition.subject in refused:
            wrong.setdefault(condition, "")
    for held in fetch_all(connection, _Held, "list_all_held"):
        value = "false" if held.op == "removed" else "true"
        wrong[Condition("held", f"{held.audience} at {held.destination}, to be told {value}")] = (
            f"{held.audience} at {held.destination}: {held.contacts:,} contacts wait to be told {value}: {held.reason}."
            f" To let them: syncer approve {report.run_id}"
        )
    for each in freshness.judge(connection, promises):
        if each.is_broken:
            wrong[Condition("outdated", each.audience)] = why_outdated(each)
    usual = _compare(report, connection, baseline, wrong)
    return Findings(wrong, lambda condition: condition in usual or _judges(report, condition))


def _compare(
    report: RunReport, connection: Connection, baseline: Baseline | None, wrong: dict[Condition, str]
) -> Collection[Condition]:
    """Adds to what is `wrong` the numbers that are unusual; returns what is usual."""
    if baseline is None or report.run_id is None or report.error is not None:
        return ()
    usual = set()
    for each in compare(connection, report.run_id, baseline):
        condition = Condition("unusual", each.subject)
        if each.is_unusual(baseline.factor):
            wrong[condition] = each.sentence(report.run_id, baseline.runs)
        else:
            usual.add(condition)
    return usual


def _nothing(_condition: Condition) -> bool:
    return False


def _of_run(result: sync.Result) -> dict[Condition, str]:
    report = result.report
    if report.error is None:
        return {}
    kind: Kind = "held" if report.status == Status.HELD else "failed"
    return {Condition(kind, _RUN): f"run {report.run_id}: {_unquoted(report.error, result)}"}


def _unquoted(error: str, result: sync.Result) -> str:
    """An error of a run without the words of others in it: of rows, of receivers. The history has them."""
    quoting = (failure for failure in result.failures if isinstance(failure, errors.QuotingError))
    unquoted = next((failure.unquoted for failure in quoting if str(failure) == error), error)
    return unquoted if unquoted == error else f"{unquoted} (in full: syncer history {result.report.run_id})"


def _of_destinations(result: sync.Result) -> dict[Condition, str]:
    refusals = {str(failure) for failure in result.failures if isinstance(failure, errors.DestinationStoppedError)}
    wrong = {}
    for each in result.report.destinations:
        if each.error:
            kind: Kind = "refused" if each.error in refusals else "failed"
            words = _unquoted(each.error, result)
            wrong[Condition(kind, each.name)] = f"run {result.report.run_id}, {each.name}: {words}"
        if each.failed or each.unknown:
            wrong[Condition("incomplete", each.name)] = (
                f"run {result.report.run_id}, {each.name}: {each.failed:,} contacts were refused,"
                f" {each.unknown:,} gave no answer; syncer history {result.report.run_id} names them"
            )
    return wrong


def _of_audiences(report: RunReport) -> dict[Condition, str]:
    return {
        Condition("incomplete", each.name): f"run {report.run_id}: {each.name} is set aside: {each.problem}"
        for each in report.audiences
        if each.problem
    }


def _judges(report: RunReport, condition: Condition) -> bool:
    """Whether the run knows that a condition which it did not find has ended."""
    if condition.kind == "late":
        return is_good(report)
    if condition.kind == "outdated":  # all promises were looked at
        return True
    if condition.kind == "full":  # the lookout alone knows the disk
        return False
    if condition.subject == _RUN:
        return True
    if report.error is not None:  # it came to no plan, and knows nothing of destinations and audiences
        return False
    named = {each.name for each in report.destinations} | {each.name for each in report.audiences}
    # The state says what waits for approval; of the rest only a run about everything knows what has ended.
    return condition.kind == "held" or condition.subject in named or report.trigger == "schedule"


def is_good(report: RunReport) -> bool:
    """Whether a run did its work. Changes that wait for approval, and contacts that were refused, do not count."""
    return report.error is None and report.status in (Status.SUCCEEDED, Status.HELD, Status.INCOMPLETE)


class AlertWatcher:
    """Alerts of a daemon; a `serve.Watcher`. Messages leave in a thread of their own, one after the other."""

    def __init__(
        self, state: State, channel: Channel, baseline: Baseline | None = None, promises: Sequence[Promise] = ()
    ) -> None:
        self._alert_log = AlertLog(state, channel, baseline, promises)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerts")
        self._said: dict[Trouble, bool] = {}
        self._tried: dict[Trouble, tuple[bool, float]] = {}

    def close(self) -> None:
        """Waits for messages that are leaving."""
        self._thread.shutdown()

    def beat(self) -> None:
        """See `serve.Watcher`."""

    def leads(self, leading: bool) -> None:  # noqa: FBT001
        """See `serve.Watcher`."""

    def lost(self, error: errors.SyncerError) -> None:
        """See `serve.Watcher`: the lookout says so, if that lasts. A full disk does not pass by itself."""
        if isinstance(error, errors.NoRoomError):
            self.could_not_run(error)

    def stands(self, trouble: Trouble, why: str | None) -> None:
        """There is this trouble, or (None) no longer; see `lateness.Lookout`. What nobody took is sent again."""
        is_wrong, now = why is not None, time.monotonic()
        tried, again = self._tried.get(trouble, (None, 0.0))
        if self._said.get(trouble) == is_wrong or (tried == is_wrong and now < again):
            return
        self._tried[trouble] = is_wrong, now + _AGAIN_SECONDS
        self._thread.submit(_logged, self._say, trouble, why)

    def _say(self, trouble: Trouble, why: str | None) -> None:
        condition = Condition(*trouble)
        if why is None:
            self._alert_log.review({}, ended=[condition])
        else:
            self._alert_log.review({condition: why})
        if self._alert_log.is_open(condition) == (why is not None):
            self._said[trouble] = why is not None

    def ran(self, result: sync.Result) -> None:
        """See `serve.Watcher`."""
        self._thread.submit(_logged, self._alert_log.review_run, result)

    def could_not_run(self, error: errors.SyncerError) -> None:
        """See `serve.Watcher`."""
        self._thread.submit(_logged, self._alert_log.no_run, error)


def _logged(review: Callable[..., None], *arguments: object) -> None:
    """Logs what goes wrong: nothing waits for this thread's results."""
    try:
        review(*arguments)
    except Exception:
        log.exception("alerts could not be sent")
