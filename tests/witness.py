"""What the warehouse said over time and what receivers were told: heard from outside, for the `auditor` to judge.

A witness belongs to a warehouse. It reads every source that the configuration names, with the eyes of the configured
reader and over a connection of its own, after each write of the test and whenever the configuration changed: so it
misses no state that a run can have read. A test that writes past `Write` has to say so (`Write.changing`).
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

import psycopg
import sqlalchemy
from psycopg.rows import dict_row

from syncer.audit import Story
from syncer.receivers.loopback import Receiver
from syncer.receivers.mailmodo import MailmodoReceiver
from syncer.receivers.segment import SegmentReceiver
from tests.list_receiver import ListReceiver
from tests.recipes.receiver import RecipeReceiver
from tests.suppressing import Named, Suppressed, suppressed
from tests.webhook_receiver import WebhookReceiver
from tests.withholding import withheld

Config = Mapping[str, Any]
SourceRow = dict[str, object]


@dataclass(frozen=True, slots=True)
class Said:
    """A row of a source: what of whom. A membership says True."""

    name: str | None
    user: str | None
    email: str | None
    value: object = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What all sources said, until the next one: surely since `ended`, and not before `began`.

    None where they could not be read. Rows of whoever is suppressed say nothing, nor those that are withheld.
    """

    began: datetime
    ended: datetime
    said: Sequence[Said] | None
    config: Config
    suppressed: Suppressed = field(default_factory=Suppressed)


@dataclass(frozen=True, slots=True)
class Telling:
    """A call that took effect, in the order of arrival. Not `answered`: it may come again, without another name."""

    at: datetime
    user: str | None
    email: str | None
    values: Mapping[str, object]
    message_id: str | None
    answered: bool = True


class Witness:
    """What a warehouse said. `forgets`: a test forgets people, without the command that would record the order."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._config: Config = {}
        self.snapshots: list[Snapshot] = []
        self.forgets = False

    def changed(self, began: datetime) -> None:
        """The test wrote rows; nobody can have seen them before `began`."""
        if self._text is not None:
            self._look(began, self._config)

    def configured(self, text: str) -> None:
        """From now on commands have this configuration.

        Where a test ends a process between any two statements, these may be the witness's: it looks again next time.
        """
        if text != self._text:
            config = _parsed(text)
            self._look(datetime.now(UTC), config)
            self._text, self._config = text, config

    def says_now(self) -> Sequence[Said] | None:
        """What the sources say at this moment, in the last configuration."""
        return _says(self._config)[0]

    def _look(self, began: datetime, config: Config) -> None:
        said, without = _says(config)
        self.snapshots.append(Snapshot(began, datetime.now(UTC), said, config, without))


def _says(config: Config) -> tuple[Sequence[Said] | None, Suppressed]:
    try:
        url = str(config["warehouse"]["url"])
        said = [said for source in _sources(config) for said in source.said(url)]
        people = [(each.user, each.email) for each in said]
        without = suppressed(*_suppressing(config, url), people)
    except Exception:  # of whatever driver: a source that is missing, locked or broken says nothing
        return None, Suppressed()
    there = {place: each for place, each in enumerate(said) if not without.has(each.user, each.email)}
    gone = withheld(config, {place: (each.name, each.user, each.email) for place, each in there.items()})
    return [each for place, each in there.items() if place not in gone], without


@dataclass(frozen=True, slots=True)
class _Source:
    """A table or query of members, or of values; `name` for one that is about one audience or trait."""

    query: str
    columns: Mapping[str, Any]
    name: str | None = None
    is_trait: bool = False

    def said(self, url: str) -> Iterator[Said]:
        for row in read(url, self.query):
            if "member" in self.columns and not _means_yes(row[self.columns["member"]]):
                continue
            name = self.name or _text(row[self.columns.get("audience", "audience_name")])
            user, email = (_text(row[self.columns.get(each, each)]) for each in ("user_id", "email"))
            yield Said(name, user, email, _in_utc(row["value"]) if self.is_trait else True)


class Audited(Protocol):
    """A world: its warehouse's witness, and the views of its state."""

    @property
    def witness(self) -> Witness: ...

    def asking(self) -> AbstractContextManager[psycopg.Connection[Any]]: ...

    def explain(self, who: str) -> Story: ...


@dataclass
class Watched:
    """The worlds and the receivers of one test."""

    worlds: list[Audited] = field(default_factory=list)
    receivers: list[Receiver] = field(default_factory=list)


_watched = Watched()


@contextmanager
def watching() -> Iterator[Watched]:
    """Watches every world that is made, and every receiver that is started, until the end of the block."""
    global _watched
    before, _watched = _watched, Watched()
    enter = Receiver.__enter__

    def entered(receiver: Any) -> Any:
        _watched.receivers.append(receiver)
        return enter(receiver)

    Receiver.__enter__ = entered  # type: ignore[method-assign]
    try:
        yield _watched
    finally:
        Receiver.__enter__ = enter  # type: ignore[method-assign]
        _watched = before


def watch(world: Audited) -> None:
    """Lets a world be audited at the end of the test that makes it."""
    _watched.worlds.append(world)


def hears(receiver: Receiver) -> bool:
    """Whether a receiver keeps all that it was told."""
    return not isinstance(receiver, SegmentReceiver) or receiver.event_count == len(receiver.events)


def tellings(receiver: Receiver) -> list[Telling]:
    """What a receiver was told, in the order in which it took effect."""
    match receiver:
        case SegmentReceiver():
            return [_telling(each.at, each.event) for each in receiver.events if each.event["type"] == "identify"]
        case MailmodoReceiver():
            return [Telling(each.at, None, each.email, each.data, None, each.answered) for each in receiver.accepted]
        case WebhookReceiver() | ListReceiver():
            return [_telling(at, item) for at, item in receiver.accepted]
        case RecipeReceiver():
            return [Telling(at, told.user, told.email, told.values, None, sure) for at, told, sure in receiver.accepted]
        case _:
            return []


def _telling(at: datetime, event: Mapping[str, Any]) -> Telling:
    values = dict(event["traits"])
    return Telling(at, event.get("userId"), values.pop("email", None), values, event.get("messageId"))


def read(url: str, query: str) -> list[SourceRow]:
    """The rows of a query as the reader of this URL sees them, without waiting for what somebody has locked."""
    kind, _, rest = url.partition("://")
    if not kind.startswith("postgres"):
        with sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool).connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]
    with psycopg.connect(
        f"postgresql://{rest}", autocommit=True, connect_timeout=5, row_factory=dict_row
    ) as connection:
        connection.execute("SET extra_float_digits = 3; SET datestyle = 'ISO'")
        connection.execute("SET lock_timeout = '100ms'; SET statement_timeout = '10s'")
        return connection.execute(query).fetchall()


def _sources(config: Config) -> Iterator[_Source]:
    membership = config["warehouse"].get("membership")
    if membership is not None:
        query = membership.get("query") or f"SELECT * FROM {membership['table']}"
        yield _Source(query, membership)
    for audience in config.get("audiences", ()):
        if "query" in audience:
            yield _Source(audience["query"], audience, audience["name"])
    for trait in config.get("computed_traits", ()):
        yield _Source(trait["query"], trait, trait["name"], is_trait=True)


def _suppressing(config: Config, url: str) -> tuple[list[Named], list[Named]]:
    """Who is listed, and whose rows say that they do not consent."""

    def named(source: Mapping[str, Any], *, without: str | None = None) -> list[Named]:
        rows = read(url, source.get("query") or f"SELECT * FROM {source['table']}")
        user, email = (source.get(each, each) for each in ("user_id", "email"))
        return [
            (_text(row.get(user)), _text(row.get(email))) for row in rows if not without or not _means_yes(row[without])
        ]

    membership = config["warehouse"].get("membership", {})
    consent = membership.get("consent")
    return (
        named(config["suppress"]) if "suppress" in config else [],
        named(membership, without=consent) if consent else [],
    )


def _parsed(text: str) -> Config:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def _means_yes(value: object) -> bool:
    return str(value).strip().lower() in ("true", "t", "yes", "y", "1", "1.0")


def same(one: object, other: object) -> bool:
    """Whether two values are one, whatever types JSON and the warehouse have for it."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, int | float | Decimal) and isinstance(other, int | float | Decimal):
        return float(one) == float(other)
    if isinstance(one, date | datetime) or isinstance(other, date | datetime):
        return _moment(one) == _moment(other)
    return str(one) == str(other)


def _moment(value: object) -> str:
    """To the second, at UTC; a day begins at midnight."""
    if isinstance(value, datetime):
        value = (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    elif isinstance(value, date):
        value = f"{value.isoformat()}T00:00:00"
    return str(value)[:19]
