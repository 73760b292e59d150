"""What people do from a page or by the API: the same functions as the commands, in two steps.

    review ──▶ a question, its counts, and a digest of them ──▶ act, unless the digest is another one by then

Both are one transaction that sees one moment: what is done is what was reviewed. A run that is asked for is begun after
its transaction.
"""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from syncer import control
from syncer.app import App
from syncer.console.asked import Asked, OfAudience, OfPeople, OfRun, OfSome
from syncer.console.running import Look, Outcome, Runner, Wish
from syncer.state import Connection, execute, history, leadership, migrations, retried, status
from syncer.state.asking import Asker
from syncer.state.pauses import list_pauses


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody has to know who decides: a question, and counts. `digest` is another one if any of it is another.

    `command` does the same in a shell.
    """

    action: str
    question: str
    rows: Sequence[Mapping[str, Any]]
    command: str
    digest: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in a sentence, and to how many: changes, contacts, pauses."""

    action: str
    sentence: str
    count: int


class MovedError(Exception):
    """What was reviewed is not so any more; `review` is how it is now."""

    def __init__(self, review: Review) -> None:
        super().__init__("what was reviewed moved meanwhile; nothing was done")
        self.review = review


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a review says; `rest` is what its digest knows beyond that."""

    question: str
    rows: Sequence[Mapping[str, Any]]
    arguments: Sequence[str]
    rest: object = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """An action: what it takes, what is reviewed, what is done, and which run follows."""

    takes: type[Asked]
    see: Callable[[App, Connection, Any], _Seen]
    act: Callable[[App, Connection, Any, Asker], Done]
    wish: Callable[[Any, Asker], Wish] | None = None


class Actions:
    """The actions on what `opened` names."""

    def __init__(self, opened: App, runner: Runner) -> None:
        self._opened = opened
        self._runner = runner

    def review(self, name: str, asked: Asked) -> Review:
        """What somebody has to know who decides. Raises `SyncerError`."""
        with self._connected() as connection, connection.transaction():
            execute(connection, "limit_page")
            return self._review(connection, name, asked)

    def act(self, name: str, asked: Asked, asker: Asker) -> Done | Outcome | Look:
        """Does it; of one that begins a run, what becomes of that. Raises `MovedError` and `SyncerError`."""
        kind = KINDS[name]
        with self._connected() as connection:

            def once() -> Done:
                with connection.transaction():
                    execute(connection, "begin_action")
                    self._refuse_moved(connection, name, asked)
                    return kind.act(self._opened, connection, asked, asker)

            done = retried(once)
        return done if kind.wish is None else self._runner.begin(kind.wish(asked, asker))

    def _refuse_moved(self, connection: Connection, name: str, asked: Asked) -> None:
        now = self._review(connection, name, asked)
        if asked.digest not in (None, now.digest):
            raise MovedError(now)

    def _review(self, connection: Connection, name: str, asked: Asked) -> Review:
        seen = KINDS[name].see(self._opened, connection, asked)
        subject = msgspec.structs.replace(asked, digest=None)
        reviewed = msgspec.json.encode([name, subject, seen], order="deterministic")
        command = shlex.join(["syncer", name, *seen.arguments])
        return Review(name, seen.question, seen.rows, command, hashlib.sha256(reviewed).hexdigest())

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._opened.state.connect("console") as connection:
            migrations.check(connection, self._opened.state.schema)
            yield connection


# --- what each is about ------------------------------------------------------------------------------------------


def _see_approve(_: App, connection: Connection, asked: OfRun) -> _Seen:
    here = (connection, asked.run, asked.audiences, asked.destinations)
    rows = [asdict(each) for each in control.waiting(*here)]
    lists = [row for row in rows if row["op"] == "suppress"]
    changes = _counted(sum(row["contacts"] for row in rows if row not in lists), "change")
    what = f"{changes} and {_counted(len(lists), 'list')} of the suppressed" if lists else changes
    question = f"Let {what} pass with the next run, which run {asked.run} held?"
    return _Seen(question, rows, [str(asked.run), *_options(asked)], control.checksum(*here))


def _approve(_: App, connection: Connection, asked: OfRun, asker: Asker) -> Done:
    count = control.approve(connection, asked.run, asked.audiences, asked.destinations, asker)
    return Done("approve", f"approved {_counted(count, 'change')}; they go out with the next run", count)


def _see_retire(_: App, connection: Connection, asked: OfAudience) -> _Seen:
    audience = control.known_audience(connection, asked.audience)
    told = control.members_told(connection, asked.audience)
    rows = [{"destination": name, "contacts": contacts} for name, contacts in told.items()]
    question = f"Retire {audience.name!r}? The next run tells false to everyone in it, past the guard."
    if audience.retired:
        question = f"{audience.name!r} is retired already. Retire it again?"
    return _Seen(question, rows, [asked.audience], audience.retired)


def _retire(_: App, connection: Connection, asked: OfAudience, asker: Asker) -> Done:
    told = sum(control.members_told(connection, asked.audience).values())
    if not control.retire(connection, asked.audience, asker):
        return Done("retire", f"{asked.audience!r} was retired already", 0)
    return Done("retire", f"{asked.audience!r} is retired; the next run tells false to {told:,} contacts", told)


def _see_pause(app: App, connection: Connection, asked: OfSome) -> _Seen:
    app.chosen(asked.destinations)
    configured = {audience.name for audience in app.settings.configured_audiences}
    for name in set(asked.audiences) - configured:
        control.known_audience(connection, name)
    return _Seen(f"Stop telling {_whom(asked)}?", _pauses(connection), _given(asked))


def _pause(app: App, connection: Connection, asked: OfSome, asker: Asker) -> Done:
    chosen = app.chosen(asked.destinations) if asked.destinations else ()
    control.pause(connection, asked.audiences, chosen, app.settings.configured_audiences, asker)
    return Done("pause", f"paused {_whom(asked)}", len(list_pauses(connection)))


def _see_resume(app: App, connection: Connection, asked: OfSome) -> _Seen:
    app.chosen(asked.destinations)
    retired = [control.known_audience(connection, name).retired for name in asked.audiences]
    question = f"Tell {_whom(asked)} again from the next run on?"
    if any(retired):
        question += " What is retired is reopened, and begins with an initial sync."
    return _Seen(question, _pauses(connection), _given(asked), retired)


def _resume(app: App, connection: Connection, asked: OfSome, asker: Asker) -> Done:
    lifted = control.resume(
        connection, asked.audiences, app.chosen(asked.destinations) if asked.destinations else (), asker
    )
    sentence = f"resumed {_whom(asked)}; the next run goes on" if lifted else "that was neither paused nor retired"
    return Done("resume", sentence, lifted)


def _see_retry(_: App, connection: Connection, asked: OfPeople) -> _Seen:
    rows = [asdict(each) for each in control.refused(connection, asked.who)]
    contacts = sum(row["contacts"] for row in rows)
    return _Seen(f"Try {_counted(contacts, 'refused contact')} again, now?", rows, asked.who, _last_run(connection))


def _retry(_: App, connection: Connection, asked: OfPeople, asker: Asker) -> Done:
    released = control.release(connection, asked.who, asker)
    return Done("retry", f"{_counted(released, 'refused contact')} will be tried again", released)


def _see_sync(app: App, connection: Connection, asked: OfSome) -> _Seen:
    app.chosen(asked.destinations)
    leader = leadership.find_leader(connection)
    due = status.due(connection).next_due_at
    rows = [
        {
            "leader": f"{leader.kind} on {leader.host}" if leader else "nobody",
            "in progress": status.running(connection, leader),
            "last run": _last_run(connection),
            "next run due": f"{due:%Y-%m-%d %H:%M:%S} UTC" if due else None,
        }
    ]
    return _Seen(f"Run once, now: tell {_whom(asked)} what changed?", rows, _options(asked))


def _see_resync(app: App, connection: Connection, asked: OfSome) -> _Seen:
    app.chosen(asked.destinations)
    for name in asked.audiences:
        control.known_audience(connection, name)
    rows = [asdict(each) for each in history.told(connection)]
    return _Seen(f"Tell {_whom(asked)} everything again, now?", rows, _options(asked), _last_run(connection))


def _leave_to_run(*_: object) -> Done:
    return Done("run", "the run does it", 0)


def _sync(asked: OfSome, asker: Asker) -> Wish:
    return Wish("sync", asker, asked.audiences, asked.destinations)


def _resync(asked: OfSome, asker: Asker) -> Wish:
    return Wish("resync", asker, asked.audiences, asked.destinations)


def _run_again(_: OfPeople, asker: Asker) -> Wish:
    return Wish("sync", asker, recorded=False)


KINDS: Mapping[str, _Kind] = {
    "approve": _Kind(OfRun, _see_approve, _approve),
    "pause": _Kind(OfSome, _see_pause, _pause),
    "resume": _Kind(OfSome, _see_resume, _resume),
    "retire": _Kind(OfAudience, _see_retire, _retire),
    "retry": _Kind(OfPeople, _see_retry, _retry, _run_again),
    "sync": _Kind(OfSome, _see_sync, _leave_to_run, _sync),
    "resync": _Kind(OfSome, _see_resync, _leave_to_run, _resync),
}
"""The actions, by the names of their commands."""


def _pauses(connection: Connection) -> Sequence[Mapping[str, Any]]:
    return [
        {"destination": each.destination or "all", "audience": each.audience or "all", "since": each.since.isoformat()}
        for each in list_pauses(connection)
    ]


def _last_run(connection: Connection) -> int | None:
    return next((run.run_id for run in history.latest(connection, 1)), None)


def _options(asked: OfRun | OfSome) -> list[str]:
    audiences = (part for name in asked.audiences for part in ("--audience", name))
    return [*audiences, *(part for name in asked.destinations for part in ("--destination", name))]


def _given(asked: OfSome) -> list[str]:
    return [*asked.audiences, *(part for name in asked.destinations for part in ("--destination", name))]


def _whom(asked: OfSome) -> str:
    what = ", ".join(map(repr, asked.audiences)) or "every audience"
    return f"{what} at {', '.join(asked.destinations) or 'every destination'}"


def _counted(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count:,} {what}s"
