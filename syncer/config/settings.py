"""What can be configured: one frozen model per TOML table, each key checked by itself.

The tables of destinations stand with their destinations. Defaults live in these models and nowhere else. Rules between
keys are in `rules`; here a key looks at most at a neighbour that decides how it is to be read.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, Secret, SecretStr, ValidationInfo, field_validator

from syncer import fields, models, schedule
from syncer.config.databases import StateUrl, WarehouseUrl, conninfo
from syncer.config.serving import Console, Health
from syncer.destinations.registry import AnyDestination
from syncer.fields import Duration, Growth, Password, Share, Table, Text
from syncer.reserved import SENDABLE_TRAITS
from syncer.spelling import suggest

_DAY = 86400.0
_MAX_KEEP_DAYS = 36_500
_MIN_EVERY, _MAX_EVERY = 1.0, 366 * _DAY


def _alert_url(secret: SecretStr) -> SecretStr:
    try:
        import apprise  # takes a quarter of a second, and most configurations send no alerts
    except ImportError as error:
        raise ValueError("alerts need Apprise, which is not installed: pip install 'engage-syncer[alerts]'") from error
    if not apprise.Apprise.instantiate(secret.get_secret_value()):
        raise ValueError('is no URL that Apprise understands, such as "slack://…"; see https://appriseit.com/services/')
    return secret


def _heartbeat_url(secret: SecretStr) -> SecretStr:
    fields.http_url(secret.get_secret_value(), "https://hc-ping.com/…", whole=True)
    return secret


AlertUrl = Annotated[Password, AfterValidator(_alert_url)]
HeartbeatUrl = Annotated[Password, AfterValidator(_heartbeat_url)]


class Membership(Table):
    """`[warehouse.membership]`: one row per member and audience. The rest are names of columns."""

    table: Text | None = None
    query: Text | None = None
    audience: Text = "audience_name"
    user_id: Text = "user_id"
    email: Text = "email"
    member: Text | None = None
    consent: Text | None = None
    traits: dict[Text, Text] = Field(default={})

    @field_validator("traits")
    @classmethod
    def _known_traits(cls, traits: dict[str, str]) -> dict[str, str]:
        for name in traits.values():
            if name not in SENDABLE_TRAITS:
                near = suggest(name, SENDABLE_TRAITS)
                hint = f"did you mean {near[0]!r}" if near else f"known are {', '.join(sorted(SENDABLE_TRAITS))}"
                raise ValueError(
                    f"has {name!r}, which is neither a reserved trait of Segment's nor a field of Mailmodo's; {hint}?"
                    " Anything else is a computed trait"
                )
        if len(set(traits.values())) < len(traits):
            raise ValueError("sends two columns under one name; keep one of them")
        return traits


class Warehouse(Table):
    """`[warehouse]`: the database that is read. `url` already carries `password`."""

    ways_out: ClassVar = {"url": 'add url = "postgresql://reader@db.internal/analytics"'}

    password: Password | None = None
    url: WarehouseUrl
    connect_args: Secret[dict[str, Any]] = Secret({})
    connect_timeout: Duration | None = Field(default=None, gt=0)
    timeout: Duration = Field(default="1h", validate_default=True, gt=0)
    scratch: Text | None = None
    membership: Membership | None = None

    @property
    def waits(self) -> models.Waits:
        """How long it may be silent."""
        return models.Waits(self.connect_timeout, self.timeout)


class Suppress(Table):
    """`[suppress]`: who is in no audience anywhere, by emails, user ids or both. The rest are names of columns."""

    table: Text | None = None
    query: Text | None = None
    user_id: Text = "user_id"
    email: Text = "email"


class Audience(Table):
    """`[[audiences]]`: settings of an audience of the table, or an audience defined by a query."""

    ways_out: ClassVar = {"name": 'add name = "…"'}

    name: Text
    query: Text | None = None
    property: Text | None = None
    max_removed_fraction: Share | None = None
    max_added_fraction: Growth | None = None
    holdout: Share = 0.0
    holdout_seed: Text | None = None
    fresh_within: Duration | None = None


class Priority(Table):
    """`[[priority]]`: audiences of which a person is in the first only."""

    ways_out: ClassVar = {"name": 'add name = "…"', "audiences": 'add audiences = ["…", "…"], the first one first'}

    name: Text
    audiences: Annotated[tuple[Text, ...], Field(strict=False)]


class ComputedTrait(Table):
    """`[[computed_traits]]`: a value for each contact, by a query with a column `value`."""

    ways_out: ClassVar = {"name": 'add name = "…"', "query": 'add query = "SELECT user_id, email, value FROM …"'}

    name: Text
    query: Text
    property: Text | None = None
    on_missing: Literal["keep", "null"] = "keep"


class State(Table):
    """`[state]`: where syncer remembers what was sent. Without `url` an embedded PostgreSQL in `data_dir`."""

    password: Password | None = None
    url: StateUrl | None = None
    data_dir: Path = Field(default="./.syncer", validate_default=True)
    schema_name: Text = Field(default="syncer", alias="schema")

    @field_validator("data_dir", mode="before")
    @classmethod
    def _beside_the_file(cls, value: object, info: ValidationInfo) -> Path:
        """Absolute: what is relative is so to the configuration file, wherever the command is started."""
        folder = info.context["folder"] if info.context else "."
        return Path(folder, fields.filled(fields.text(value))).absolute()

    @field_validator("schema_name")
    @classmethod
    def _possible_schema(cls, name: str) -> str:
        if len(name.encode()) > 63:
            raise ValueError("must not be longer than 63 bytes, PostgreSQL's limit")
        if name.startswith("pg_"):
            raise ValueError("must not start with pg_, which PostgreSQL keeps for itself")
        return name

    def conninfo(self) -> SecretStr | None:
        """`url` as psycopg's connection string, or None for the embedded PostgreSQL."""
        return SecretStr(conninfo(self.url.get_secret_value())) if self.url else None


class Guard(Table):
    """`[guard]`: what waits for a human's approval. Fractions are of the contacts told before; `min_…` are contacts."""

    max_removed_fraction: Share = 0.25
    min_removed: int = Field(default=100, ge=0)
    max_added_fraction: Growth = 1.0
    min_added: int = Field(default=1000, ge=0)
    max_new_audiences: int = Field(default=100, ge=0)
    hold_initial: bool = False
    ready: Text | None = None

    @property
    def limits(self) -> models.Guard:
        """The same, for those who know no configuration."""
        return models.Guard(**self.model_dump())


class History(Table):
    """`[history]`: how long what was sent can be looked up."""

    keep: Duration = Field(default="400d", validate_default=True)

    @field_validator("keep")
    @classmethod
    def _possible_keep(cls, seconds: float) -> float:
        """Bounded, because no calendar reaches back further than some thousand years."""
        if not 0 < seconds <= _MAX_KEEP_DAYS * _DAY:
            raise ValueError(f'must be more than nothing and at most "{_MAX_KEEP_DAYS}d"')
        return seconds


class Schedule(Table):
    """`[schedule]`: when the daemon runs; see `schedule.Cadence`."""

    every: Duration = Field(default="2h30m", validate_default=True)
    jitter: Duration = Field(default="30m", validate_default=True)
    cron: Text | None = None
    timezone: Text = "UTC"

    @field_validator("every")
    @classmethod
    def _possible_interval(cls, seconds: float) -> float:
        if not _MIN_EVERY <= seconds <= _MAX_EVERY:
            raise ValueError('must be at least "1s" and at most "366d"')
        return seconds

    @field_validator("cron")
    @classmethod
    def _known_expression(cls, text: str | None) -> str | None:
        problem = schedule.cron_problem(text) if text is not None else None
        if problem:
            raise ValueError(problem)
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError('is no time zone that this machine knows; write it like "Europe/Berlin"') from None
        return name

    @property
    def cadence(self) -> schedule.Cadence:
        """The same, for those who know no configuration."""
        return schedule.Cadence(self.every, self.jitter, self.cron, self.timezone)


class Daemon(Table):
    """`[daemon]`: how long pages in flight have to land, and how long nothing may happen."""

    shutdown_timeout: Duration = Field(default="30s", validate_default=True)
    stall_timeout: Duration = Field(default="15m", validate_default=True)


Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
_IN_ANY_CASE = "|".join("".join(f"[{letter}{letter.lower()}]" for letter in level) for level in get_args(Level))
_AnyCase = Level | Annotated[str, Field(pattern=f"^({_IN_ANY_CASE})$")]


class Log(Table):
    """`[log]`: the format and the level of the log on stderr. `auto` is `human` on a terminal, else `json`."""

    format: Literal["auto", "human", "json"] = "auto"
    level: Level = "INFO"

    @field_validator("level", mode="before", json_schema_input_type=_AnyCase)
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Alerts(Table):
    """`[alerts]`: where to send word when something goes wrong or is well again, and what to ping after a good run.

    See `daemon.baseline` for what is unusual; 0 runs: nothing is.
    """

    urls: Annotated[tuple[AlertUrl, ...], Field(strict=False)] = ()
    heartbeat_url: HeartbeatUrl | None = None
    unusual_after_runs: int = Field(default=0, ge=0, le=1000)
    unusual_factor: float = Field(default=5.0, gt=0, allow_inf_nan=False)


class Settings(Table):
    """The whole file. Obtained from `syncer.config.load`, which also checks the rules between keys."""

    ways_out: ClassVar = {
        "warehouse": 'add [warehouse] with url = "postgresql://reader@db.internal/analytics"',
        "destinations": "add [[destinations]] with `name` and `write_key`",
    }

    warehouse: Warehouse
    suppress: Suppress | None = None
    audiences: Annotated[tuple[Audience, ...], Field(strict=False)] = ()
    priority: Annotated[tuple[Priority, ...], Field(strict=False)] = ()
    computed_traits: Annotated[tuple[ComputedTrait, ...], Field(strict=False)] = ()
    state: State = Field(default_factory=dict, validate_default=True)
    destinations: Annotated[tuple[AnyDestination, ...], Field(strict=False)]
    guard: Guard = Guard()
    history: History = History()
    schedule: Schedule = Schedule()
    daemon: Daemon = Daemon()
    health: Health = Health()
    console: Console = Console()
    log: Log = Log()
    alerts: Alerts = Alerts()

    @property
    def sources(self) -> list[models.Source]:
        """Where members come from: the membership table or query, then every audience with one, then the traits."""
        queries = [
            models.Source(
                path=f"audiences[{index}].query",
                user_id="user_id",
                email="email",
                query=audience.query,
                audience_name=audience.name,
            )
            for index, audience in enumerate(self.audiences)
            if audience.query is not None
        ]
        traits = [
            models.Source(
                path=f"computed_traits[{index}].query",
                user_id="user_id",
                email="email",
                value="value",
                query=trait.query,
                audience_name=trait.name,
            )
            for index, trait in enumerate(self.computed_traits)
        ]
        return [*self._membership_source(), *queries, *traits]

    def _membership_source(self) -> list[models.Source]:
        membership = self.warehouse.membership
        if membership is None:
            return []
        kind = "query" if membership.table is None else "table"
        columns = membership.model_dump(exclude={"consent"})
        return [models.Source(path=f"warehouse.membership.{kind}", **columns)]

    @property
    def suppression(self) -> list[models.Source]:
        """Where those come from who are in no audience: the list, and the members who do not consent."""
        membership, found = self.warehouse.membership, []
        if self.suppress is not None:
            kind = "query" if self.suppress.table is None else "table"
            columns = self.suppress.model_dump()
            found.append(models.Source(path=f"suppress.{kind}", audience_name=models.LISTED, either=True, **columns))
        if membership is not None and membership.consent is not None:
            columns = membership.model_dump(exclude={"consent", "member", "traits", "audience"})
            found.append(
                models.Source(
                    path="warehouse.membership.consent",
                    audience_name=models.WITHOUT_CONSENT,
                    member=membership.consent,
                    unless=True,
                    **columns,
                )
            )
        return found

    @property
    def priorities(self) -> list[models.Priority]:
        """The lists of audiences of which a person is in the first only."""
        return [models.Priority(priority.name, priority.audiences) for priority in self.priority]

    @property
    def exclusions(self) -> models.Exclusions:
        """Whose rows are taken out of the snapshot."""
        return models.Exclusions(self.suppression, self.priorities, self.configured_audiences)

    @property
    def configured_audiences(self) -> list[models.ConfiguredAudience]:
        """The audiences that the file names, in its order, then its computed traits."""
        traits = [
            models.ConfiguredAudience(
                path=f"computed_traits[{index}]",
                name=trait.name,
                property=trait.property,
                is_trait=True,
                keeps=trait.on_missing == "keep",
            )
            for index, trait in enumerate(self.computed_traits)
        ]
        return [*self._named_audiences(), *traits]

    def _named_audiences(self) -> list[models.ConfiguredAudience]:
        return [
            models.ConfiguredAudience(
                path=f"audiences[{index}]",
                name=audience.name,
                property=audience.property,
                max_removed_fraction=audience.max_removed_fraction,
                max_added_fraction=audience.max_added_fraction,
                holdout=audience.holdout,
                holdout_seed=audience.holdout_seed,
                fresh_within=audience.fresh_within,
            )
            for index, audience in enumerate(self.audiences)
        ]
