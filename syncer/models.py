"""What modules hand to one another, and what warehouses promise. Imports nothing of ours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

Value = bool | int | float | str | None
"""What a property can hold: the JSON that is sent. None takes a computed trait back."""

Computation = Literal["audience", "trait"]
"""What a property is, in Segment's words."""

Identity = Literal["email", "user_id"]
"""What a destination knows its contacts by."""

Trigger = Literal["manual", "schedule", "resync", "request", "rollback"]
"""What began a run."""


class Outcome(StrEnum):
    """How an identify ended.

    `unknown` was sent and its answer lost; `aborted` was planned and never sent, or certainly not applied.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ABORTED = "aborted"


class Status(StrEnum):
    """How a run, or a destination's part in it, ended: the first that applies, in this order."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"
    HELD = "held"
    INCOMPLETE = "incomplete"
    SUCCEEDED = "succeeded"


# --- the warehouse -----------------------------------------------------------------------------------------


class MemberRow(NamedTuple):
    """One row as a warehouse that hands over values gives it, text for text as it stands there.

    `unsendable` marks a row in which some text cannot be stored or sent (a NUL, broken Unicode); in it the
    offending characters are replaced by U+FFFD, so that the row can be listed; None: it only says who moved (see
    `mirrors`). `traits` and `value` are JSON, in which a null stands for a value that is there and cannot be sent.
    `value_type` is set on every row of a computed trait, `value` only where there is one.
    """

    audience: str | None
    user_id: str | None
    email: str | None
    unsendable: bool | None
    traits: str | None = None
    value: str | None = None
    value_type: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Whom a question is about: contacts (addresses), and user ids."""

    contacts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def __or__(self, others: "People") -> "People":
        return People(self.contacts | others.contacts, self.users | others.users)


@dataclass(frozen=True, slots=True)
class Source:
    """Where members come from: the membership table or query, or the query of one audience or computed trait.

    Exactly one of `table` (as configured: `schema.table` or `table`) and `query` is set. `audience` is the column
    with the audience's name, or None for the query of one audience, whose rows all belong to `audience_name`.
    `member` is an optional column: rows where it is false or null are no members, all but a yes or no is an error.
    `traits` are columns that go along with a call, each with the name that it is sent under; `value` is the column of
    a computed trait. `path` is where the configuration says so (`warehouse.membership.table`), for messages.

    With `people` only the members that are about them are asked for, and perhaps some others; and, where there is no
    `value`, a row without anybody for each audience that is named, so that it is known which there are.

    A list of people may have `either` column alone, their user ids or their emails. With `unless`, those rows are asked
    for whose `member` column does not say yes.
    """

    path: str
    user_id: str
    email: str
    table: str | None = None
    query: str | None = None
    audience: str | None = None
    audience_name: str | None = None
    member: str | None = None
    traits: Mapping[str, str] = field(default_factory=dict)
    value: str | None = None
    people: People | None = None
    either: bool = False
    unless: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """What every row of its stream holds, in order."""
        traits = ("traits",) if self.traits else ()
        return ("audience", "user_id", "email", "unsendable", *traits, *(("value", "value_type") if self.value else ()))


LISTED, WITHOUT_CONSENT = "list", "consent"
"""The two kinds of people who are in no audience, whatever rows they have: they stand in the place of an audience."""


@dataclass(frozen=True, slots=True)
class TableInState:
    """The membership table, found to live in the very database that keeps the state: perhaps nothing need be copied.

    `oid`, `schema`, `name` and `columns` (those that are read) are the table's, so that the state's session can ask
    whether it would read the same there as the warehouse's; `members` is the statement that gives its members:
    audience, user_id, email (text) and unsendable (boolean). `statement_timeout` and `lock_timeout` are those of the
    reader's session, in the words of PostgreSQL; "0": no limit.
    """

    oid: int
    schema: str
    name: str
    columns: Sequence[str]
    members: str
    statement_timeout: str
    lock_timeout: str


@dataclass(frozen=True, slots=True)
class CopyStream:
    """Blocks of one of PostgreSQL's `COPY` formats: `Source.columns`, as text, but unsendable (boolean), traits and
    value (jsonb: see `MemberRow`)."""

    blocks: Iterator[bytes]
    format: Literal["binary", "csv"]


@dataclass(frozen=True, slots=True)
class RowStream:
    """Rows, for a warehouse that hands over values."""

    rows: Iterator[MemberRow]


class Reading(Protocol):
    """One open, consistent, read-only view of the warehouse. Every method may raise `WarehouseError`."""

    @property
    def snapshot_at(self) -> datetime:
        """When the warehouse's snapshot was taken; the whole reading is as of then. Aware, UTC."""

    def stream(self, source: Source) -> CopyStream | RowStream:
        """Every member of one source, streamed. Raises in the middle if the connection is lost."""

    def answer(self, query: str) -> object:
        """The one value of a query of one row and one column; None if it has no row. `guard.ready` asks this way."""

    def rows_read(self) -> int:
        """How many rows the streams so far handed over, by the warehouse's own count where it has one."""

    def confirm(self) -> None:
        """Says that what was read so far is whole. Raises `WarehouseError` if a table was rebuilt meanwhile, and reads
        as if its rows were gone."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds to wait for a warehouse: for its session to be opened (None: as its kind needs), and for more of a
    statement's rows, or the first of them."""

    opening: float | None = None
    silence: float = 3600.0


class Warehouse(Protocol):
    """The database that is read; only ever read. One file per kind in `syncer.warehouses`."""

    def reading(self, sources: Sequence[Source] = ()) -> AbstractContextManager[Reading]:
        """Opens one consistent read-only view. Raises `WarehouseError` if the warehouse cannot be reached.

        `sources` are what will be read: where the database can promise it, nobody rebuilds them from then on.
        """

    def table_in_state(self, source: Source, state_lock: int) -> TableInState | None:
        """The table of `source` if this warehouse is the database in which a session holds the advisory lock
        `state_lock` (a signed 64-bit key, held by our own state session), else None. Raises `WarehouseError` if the
        warehouse's own role may not read it."""

    def problems(self, sources: Sequence[Source]) -> list[tuple[str, str]]:
        """What `syncer check` finds wrong, as (path, message): connection, rights, tables, columns, queries."""

    def caveats(self) -> list[str]:
        """What `syncer check` says of this kind of database although nothing is wrong with it."""

    def close(self) -> None:
        """Closes every connection."""


# --- audiences ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfiguredAudience:
    """An audience that the configuration names, or a computed trait. `path` is where (`audiences[2]`).

    A contact that drops out of a computed trait is left as last told if it `keeps`, else told null. `holdout` is the
    share of people (0 to 1) who are told nothing of the audience, chosen by a hash of the user id with `holdout_seed`;
    None: with the audience's property. `fresh_within`: how old what destinations know of it may get, in seconds.
    """

    path: str
    name: str
    property: str | None = None
    max_removed_fraction: float | None = None
    max_added_fraction: float | None = None
    holdout: float = 0.0
    holdout_seed: str | None = None
    fresh_within: float | None = None
    is_trait: bool = False
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class Priority:
    """Audiences of which a person is in the first only, as they stand here: by their names, else by their properties,
    as an audience is found again that has another name."""

    name: str
    audiences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Whose rows are taken out of the snapshot: those of whoever the sources `suppressed` name, those that come after
    another audience of their person in one of the `priorities`, and those that an audience of `configured` holds out.
    """

    suppressed: Sequence[Source] = ()
    priorities: Sequence[Priority] = ()
    configured: Sequence[ConfiguredAudience] = ()

    @property
    def holds_out(self) -> bool:
        """Whether an audience has a holdout."""
        return any(audience.holdout for audience in self.configured)

    @property
    def any(self) -> bool:
        """Whether anything can be taken out."""
        return bool(self.suppressed or self.priorities) or self.holds_out


@dataclass(frozen=True, slots=True)
class KnownAudience:
    """An audience or computed trait as the state knows it. `pinned`: its property was sent once, so it cannot change.

    `value_type` is the type that a computed trait's values were last sent with.
    """

    audience_id: int
    name: str
    property: str
    pinned: bool
    retired: bool = False
    is_trait: bool = False
    value_type: str | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience of this run, or a computed trait. One with a `problem` is set aside: its rows are neither sent nor
    read as exits. Of one that is `contested` another name claims the property as well, so nobody leaves it.
    """

    name: str
    property: str | None
    audience_id: int | None = None
    problem: str | None = None
    retired: bool = False
    contested: bool = False
    is_trait: bool = False
    keeps: bool = True
    value_type: str | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """What holds a run, or an audience's removals or additions, until a human approves. `min_…` are contacts.

    `ready` is a query for the warehouse: anything but true holds the whole run, and so does, unless nobody
    `watches_suppression`, a list of the suppressed that is suddenly empty, or grows too much.
    """

    max_removed_fraction: float = 0.25
    min_removed: int = 100
    max_added_fraction: float = 1.0
    min_added: int = 1000
    max_new_audiences: int = 100
    hold_initial: bool = False
    ready: str | None = None
    watches_suppression: bool = True


# --- destinations ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """What of the warehouse a destination is about; all of it by default.

    `audiences` are names or properties. `contacts` are those listed, `rollout` the fraction (0 to 1) of all contacts,
    chosen by a hash of the contact; if either is set, all other contacts are out of reach. Without `retract` a full
    resync does not tell `false` again.
    """

    audiences: frozenset[str] | None = None
    contacts: frozenset[str] | None = None
    rollout: float | None = None
    retract: bool = True

    @property
    def everybody(self) -> bool:
        """Whether no contact is out of reach."""
        return self.contacts is None and self.rollout is None


@dataclass(frozen=True, slots=True)
class Events:
    """The names of the events about contacts that entered and that left; `initial`: of initial syncs too."""

    entered: str = "Audience Entered"
    exited: str = "Audience Exited"
    initial: bool = False


@dataclass(frozen=True, slots=True)
class Mode:
    """How a destination is told: what it knows contacts by, whether a change of traits alone is told, and events.

    `per_audience`: every audience of a contact has a call of its own. `keys_users`: it keeps profiles by user id beside
    those by contact, and a call tells both. `freezes`: who is suppressed is told nothing at all, instead of `false`.
    `new_names`: what fields of a call are called here, so that no property may be. `refresh`: seconds after which the
    destination forgets that it was told `true`, unless it is told again before.
    """

    identity: Identity = "email"
    per_audience: bool = False
    traits_trigger: bool = False
    events: Events | None = None
    keys_users: bool = False
    freezes: bool = False
    new_names: frozenset[str] = frozenset()
    refresh: float | None = None

    @property
    def tells_profiles(self) -> bool:
        """Whether a change of a contact's email or traits is told by itself."""
        return self.identity == "user_id" or self.traits_trigger
