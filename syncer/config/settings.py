"""What can be configured: one frozen model per TOML table, each key checked by itself.

Defaults live here and nowhere else. Rules between keys are in `rules`; here a key looks at most at a neighbour
that decides how it is to be read. A validator raises ValueError with the sentence that the user reads.
"""

import json
import math
import re
import string
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
import psycopg.conninfo
import sqlalchemy
import sqlalchemy.exc
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Secret,
    SecretStr,
    Tag,
    ValidationInfo,
    field_validator,
)

from syncer import models, schedule
from syncer.reserved import SENDABLE_TRAITS
from syncer.spelling import suggest

SEGMENT_ENDPOINTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
MAILMODO_ENDPOINT = "https://api.mailmodo.com/api/v1"

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OUR_HEADERS = {"content-type", "content-length", "host", "x-syncer-timestamp", "x-syncer-signature"}

_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+(?:\.[0-9]+)?){unit})?" for unit in ("d", "h", "m", "s", "ms")))
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MAX_KEEP_DAYS = 36_500
_MIN_EVERY, _MAX_EVERY = 1.0, 366 * 86400.0

# The same as `contact_of` and `skip_reason` in the state's SQL, which decide about the warehouse's rows.
_AROUND_EMAIL = " \t\r\n\xa0"
_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ADDRESS = re.compile(r"[^\x00-\x20\x7f-\x9f@]+@[^\x00-\x20\x7f-\x9f@]+")
_MAX_ADDRESS = 254


def duration(text: object) -> float:
    """Seconds of `30s`, `2h30m`, `400d`, `500ms`: units from large to small, each at most once."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not match or not match.group():
        raise ValueError('must be a duration in quotes such as "30s", "2h30m", "400d" or "500ms"')
    seconds = math.fsum(float(n) * _SECONDS[unit] for unit, n in match.groupdict(default="0").items())
    if not math.isfinite(seconds):
        raise ValueError("is longer than any time there is")
    return seconds


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004 - pydantic lets a TypeError through
    return value


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _filled_secret(secret: SecretStr) -> SecretStr:
    _filled(secret.get_secret_value())
    return secret


def _contact(email: str, info: ValidationInfo) -> str:
    """The contact of an email, by the rule that the state is keyed by; a user id stays as it is."""
    if info.data.get("identity") == "user_id":
        return _filled(email)
    contact = email.strip(_AROUND_EMAIL).translate(_LOWER_ASCII)
    if len(contact) > _MAX_ADDRESS or not _ADDRESS.fullmatch(contact):
        raise ValueError('is not an email address; write it like "qa@example.com"')
    return contact


def _is_one_word(text: str) -> bool:
    return text.isprintable() and " " not in text  # of all blanks only the space is printable


def _one_word_secret(secret: SecretStr) -> SecretStr:
    if not _is_one_word(secret.get_secret_value()):
        raise ValueError("must not hold blanks, line ends or control characters; copy the key again")
    return secret


def _header_value(secret: SecretStr) -> SecretStr:
    text = _filled(secret.get_secret_value())
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("must hold plain letters, digits and signs only, without blanks around them")
    return secret


Text = Annotated[str, AfterValidator(_filled)]
Password = Annotated[SecretStr, AfterValidator(_filled_secret)]
Key = Annotated[Password, AfterValidator(_one_word_secret)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
Contact = Annotated[str, AfterValidator(_contact)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Growth = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DatabaseUrl(Secret[sqlalchemy.URL]):
    """A database's address. Prints without its password and without its options, which may hold tokens."""

    def _display(self) -> str:
        return self.get_secret_value().set(query={}).render_as_string(hide_password=True)


def _parsed_url(value: object, info: ValidationInfo) -> DatabaseUrl:
    """Never repeats the URL in a message: where it cannot be parsed, nobody knows where its password is."""
    text = _string(value)
    try:
        url = sqlalchemy.make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise ValueError(
            'is not a database URL; write it like "postgresql://reader@db.internal:5432/analytics"'
            " and put a password with special characters into `password` beside it"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    _check_dialect(url)
    return DatabaseUrl(_with_password(url, info.data.get("password")))


def _check_dialect(url: sqlalchemy.URL) -> None:
    try:
        url.get_dialect()
    except (sqlalchemy.exc.NoSuchModuleError, ImportError):
        raise ValueError(
            f"no SQLAlchemy dialect `{url.drivername}` is installed; install the package that brings it"
            " beside syncer, or correct what stands before `://`"
        ) from None


def _with_password(url: sqlalchemy.URL, password: SecretStr | None) -> sqlalchemy.URL:
    if password is None:
        return url
    if url.password is not None:
        raise ValueError("holds a password and `password` stands beside it; keep one of them")
    return url.set(password=password.get_secret_value())


def _state_url(url: DatabaseUrl) -> DatabaseUrl:
    if url.get_secret_value().get_backend_name() != "postgresql":
        raise ValueError(
            'must be PostgreSQL, such as "postgresql://syncer@db.internal/syncer"; leave it out for the embedded one'
        )
    try:
        _conninfo(url.get_secret_value())
    except (psycopg.ProgrammingError, sqlalchemy.exc.ArgumentError):
        raise ValueError(
            "holds options that PostgreSQL's client library does not know; correct what stands after `?`"
        ) from None
    return DatabaseUrl(url.get_secret_value().set(drivername="postgresql+psycopg"))


def _conninfo(url: sqlalchemy.URL) -> str:
    _, parameters = url.set(drivername="postgresql+psycopg").get_dialect()().create_connect_args(url)
    return psycopg.conninfo.make_conninfo("", **parameters)


Url = Annotated[DatabaseUrl, BeforeValidator(_parsed_url)]


def _base_address(text: str, info: ValidationInfo, *, like: str, key: str, calls: str) -> str:
    """Without a trailing `/`, nor one of the `calls` that we add: people copy the address with any of them."""
    parts = _http_url(text, like)
    _check_clear_text(parts, info, key=key)
    return parts._replace(path=re.sub(rf"({calls})?/*$", "", parts.path)).geturl()


def _check_clear_text(parts: SplitResult, info: ValidationInfo, *, key: str) -> None:
    loopback_only = parts.scheme == "http" and not info.data.get("allow_http", True)
    if loopback_only and not _is_loopback(parts.hostname or ""):
        raise ValueError(f"would send the {key} in clear; use https://, or set `allow_http = true`")


def _http_url(text: str, like: str, *, whole: bool = False) -> SplitResult:
    """Never repeats the URL in a message: it may hold a password. A `whole` address may have a query."""
    problem = f'is not a web address; write it like "{like}"'
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not _is_one_word(text):
        raise ValueError(problem)
    if whole and ("@" in parts.netloc or parts.fragment):
        raise ValueError("must not hold a user, a password or `#`; put credentials of a webhook into `headers`")
    if not whole and ("@" in parts.netloc or parts.query or parts.fragment):
        raise ValueError("must not hold a user, a password, `?` or `#`; only the base of the address")
    return parts


def _alert_url(secret: SecretStr) -> SecretStr:
    import apprise  # takes a quarter of a second, and most configurations alert nobody

    if not apprise.Apprise.instantiate(secret.get_secret_value()):
        raise ValueError('is no URL that Apprise understands, such as "slack://…"; see https://appriseit.com/services/')
    return secret


def _heartbeat_url(secret: SecretStr) -> SecretStr:
    _http_url(secret.get_secret_value(), "https://hc-ping.com/…", whole=True)
    return secret


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


AlertUrl = Annotated[Password, AfterValidator(_alert_url)]
HeartbeatUrl = Annotated[Password, AfterValidator(_heartbeat_url)]


class Table(BaseModel):
    """A TOML table: TOML's own types only, no unknown keys, never changed, its input never printed."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", frozen=True, hide_input_in_errors=True, strict=True
    )


class Membership(Table):
    """`[warehouse.membership]`: one row per member and audience. The rest are names of columns."""

    table: Text | None = None
    query: Text | None = None
    audience: Text = "audience_name"
    user_id: Text = "user_id"
    email: Text = "email"
    member: Text | None = None
    traits: dict[Text, Text] = {}

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

    password: Password | None = None
    url: Url
    connect_args: Secret[dict[str, Any]] = Secret({})
    membership: Membership | None = None


class Audience(Table):
    """`[[audiences]]`: settings of an audience of the table, or an audience defined by a query."""

    name: Text
    query: Text | None = None
    property: Text | None = None
    max_removed_fraction: Share | None = None
    max_added_fraction: Growth | None = None


class ComputedTrait(Table):
    """`[[computed_traits]]`: a value for each contact, by a query with a column `value`."""

    name: Text
    query: Text
    property: Text | None = None
    on_missing: Literal["keep", "null"] = "keep"


class Track(Table):
    """`track` of a destination: the names of its events, and whether initial syncs tell them too."""

    entered: Text = "Audience Entered"
    exited: Text = "Audience Exited"
    initial: bool = False


class State(Table):
    """`[state]`: where syncer keeps what it told. Without `url` an embedded PostgreSQL in `data_dir`."""

    password: Password | None = None
    url: Annotated[Url, AfterValidator(_state_url)] | None = None
    data_dir: Path = Field(default="./.syncer", validate_default=True)
    schema_name: Text = Field(default="syncer", alias="schema")

    @field_validator("data_dir", mode="before")
    @classmethod
    def _beside_the_file(cls, value: object, info: ValidationInfo) -> Path:
        """Absolute: what is relative is so to the configuration file, wherever the command is started."""
        folder = info.context["folder"] if info.context else "."
        return Path(folder, _filled(_string(value))).absolute()

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
        return SecretStr(_conninfo(self.url.get_secret_value())) if self.url else None


class Destination(Table):
    """`[[destinations]]`: an account that identify calls go to; what all types have in common."""

    name: Text
    allow_http: bool = False
    timeout: Annotated[float, BeforeValidator(duration)] = Field(default="30s", validate_default=True)
    audiences: list[Text] | None = None
    identity: Literal["email", "user_id"] = "email"
    contacts: list[Contact] | None = None
    rollout: Share | None = None
    retract: bool = True
    calls: Literal["combined", "per_audience"] = "combined"
    traits_trigger: bool = False
    track: Track | None = None

    @field_validator("track", mode="before")
    @classmethod
    def _true_or_named(cls, track: object) -> object:
        """`true` stands for the usual names, `false` for none."""
        return ({} if track else None) if isinstance(track, bool) else track

    @field_validator("timeout")
    @classmethod
    def _possible_timeout(cls, seconds: float) -> float:
        if not 0 < seconds <= 3600:
            raise ValueError('must be more than nothing and at most "1h"')
        return seconds

    @field_validator("audiences")
    @classmethod
    def _some_audience(cls, audiences: list[str] | None) -> list[str] | None:
        if audiences == []:
            raise ValueError("is empty; name an audience, or leave `audiences` out to send all of them")
        return audiences

    @field_validator("contacts")
    @classmethod
    def _some_contact(cls, contacts: list[str] | None) -> list[str] | None:
        if contacts == []:
            raise ValueError("is empty; leave `contacts` out to send to everybody, or set `rollout = 0` for nobody")
        return contacts

    @property
    def sync_mode(self) -> models.Mode:
        """How this destination is told."""
        events = None if self.track is None else models.Events(**self.track.model_dump())
        return models.Mode(self.identity, self.calls == "per_audience", self.traits_trigger, events)

    @property
    def reach(self) -> models.Reach:
        """What of the warehouse this destination is about."""
        return models.Reach(
            audiences=None if self.audiences is None else frozenset(self.audiences),
            contacts=None if self.contacts is None else frozenset(self.contacts),
            rollout=self.rollout,
            retract=self.retract,
        )


class Segment(Destination):
    """`type = "segment"`, the default. `endpoint` is the base, whatever was written."""

    type: Literal["segment"] = "segment"
    write_key: Key
    region: Literal["eu", "us"] | None = None
    endpoint: str = Field(default=None, validate_default=True)
    max_events_per_second: Rate = 1000.0
    integrations: dict[str, Any] = {}
    gzip: bool = False
    concurrency: int = Field(default=4, ge=1, le=64)

    @field_validator("endpoint", mode="before")
    @classmethod
    def _of_the_region(cls, value: object, info: ValidationInfo) -> object:
        return SEGMENT_ENDPOINTS[info.data.get("region") or "us"] if value is None else value

    @field_validator("endpoint")
    @classmethod
    def _base(cls, text: str, info: ValidationInfo) -> str:
        return _base_address(text, info, like=SEGMENT_ENDPOINTS["us"], key="write key", calls="/v1(/batch)?")

    @field_validator("integrations", mode="before")
    @classmethod
    def _small_json(cls, value: object) -> object:
        try:
            size = len(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
        except (TypeError, ValueError):
            raise ValueError("must hold JSON values only: text, numbers, true, false, lists and tables") from None
        if size > 4096:
            raise ValueError("must not take more than 4096 bytes as JSON")
        return value


class Mailmodo(Destination):
    """`type = "mailmodo"`. There is no `concurrency`: Mailmodo takes one call at a time."""

    type: Literal["mailmodo"] = "mailmodo"
    identity: Literal["email"] = "email"
    api_key: Key
    list_name: Text
    endpoint: str = MAILMODO_ENDPOINT
    max_requests_per_second: Rate = 5.0
    mode: Literal["batch", "single"] = "batch"
    create_list: bool = False

    @field_validator("identity", mode="before")
    @classmethod
    def _by_email(cls, identity: object) -> object:
        if identity == "user_id":
            raise ValueError('must be "email": Mailmodo knows its contacts by nothing else')
        return identity

    @field_validator("calls", mode="before")
    @classmethod
    def _combined(cls, calls: object) -> object:
        if calls == "per_audience":
            raise ValueError('must be "combined": Mailmodo updates contacts, and more calls would tell it nothing more')
        return calls

    @field_validator("api_key")
    @classmethod
    def _fit_for_a_header(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().isascii():
            raise ValueError("must hold plain letters, digits and signs only; copy the key again")
        return key

    @field_validator("endpoint")
    @classmethod
    def _base(cls, text: str, info: ValidationInfo) -> str:
        return _base_address(text, info, like=MAILMODO_ENDPOINT, key="api key", calls="/addToList(/batch)?")


class Webhook(Destination):
    """`type = "webhook"`. `url` is the whole address, and may hold a token."""

    type: Literal["webhook"] = "webhook"
    url: SecretStr
    headers: dict[Text, HeaderValue] = {}
    batch: int = Field(default=0, ge=0, le=1000)
    hmac_secret: Password | None = None
    max_requests_per_second: Rate = 0.0
    concurrency: int = Field(default=4, ge=1, le=64)

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        like = "https://example.com/hooks/syncer"
        parts = _http_url(url.get_secret_value(), like, whole=True)
        _check_clear_text(parts, info, key="contacts")
        return url

    @field_validator("headers")
    @classmethod
    def _free_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name in headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"has {name!r}, which is no name of an HTTP header")
            if name.lower() in _OUR_HEADERS:
                raise ValueError(f"has {name!r}, which syncer sets itself")
        return headers


DESTINATIONS: dict[str, type[Segment] | type[Mailmodo] | type[Webhook]] = {
    "segment": Segment,
    "mailmodo": Mailmodo,
    "webhook": Webhook,
}
"""By `type`."""


def _type_of(destination: object) -> str:
    """Also of what is no table at all: then the default says what is wrong with it."""
    match destination:
        case Segment() | Mailmodo() | Webhook():
            return destination.type
        case {"type": written}:
            return str(written)
    return "segment"


AnyDestination = Annotated[
    Annotated[Segment, Tag("segment")] | Annotated[Mailmodo, Tag("mailmodo")] | Annotated[Webhook, Tag("webhook")],
    Discriminator(_type_of),
]


class Guard(Table):
    """`[guard]`: what waits for a human's approval. Fractions of those who were told; the rest are contacts."""

    max_removed_fraction: Share = 0.25
    min_removed: int = Field(default=100, ge=0)
    max_added_fraction: Growth = 1.0
    min_added: int = Field(default=1000, ge=0)
    hold_initial: bool = False
    ready: Text | None = None

    @property
    def limits(self) -> models.Guard:
        """The same, for those who know no configuration."""
        return models.Guard(**self.model_dump())


class History(Table):
    """`[history]`: how long what was sent can be looked up."""

    keep: Annotated[float, BeforeValidator(duration)] = Field(default="400d", validate_default=True)

    @field_validator("keep")
    @classmethod
    def _possible_keep(cls, seconds: float) -> float:
        """Bounded, because no calendar reaches back further than some thousand years."""
        if not 0 < seconds <= _MAX_KEEP_DAYS * _SECONDS["d"]:
            raise ValueError(f'must be more than nothing and at most "{_MAX_KEEP_DAYS}d"')
        return seconds


class Schedule(Table):
    """`[schedule]`: when the daemon runs; see `schedule.Cadence`."""

    every: Annotated[float, BeforeValidator(duration)] = Field(default="2h30m", validate_default=True)
    jitter: Annotated[float, BeforeValidator(duration)] = Field(default="30m", validate_default=True)
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

    shutdown_timeout: Annotated[float, BeforeValidator(duration)] = Field(default="30s", validate_default=True)
    stall_timeout: Annotated[float, BeforeValidator(duration)] = Field(default="15m", validate_default=True)


class Health(Table):
    """`[health]`: where the daemon answers probes and scrapes; nowhere if empty."""

    listen: str = "127.0.0.1:9464"

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, text: str) -> str:
        host, _, port = text.rpartition(":")
        if text and not (host and port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError('must be a host and a port such as "127.0.0.1:9464", or "" for nothing')
        return text


class Log(Table):
    """`[log]`: how syncer talks on stderr. `auto` is `human` on a terminal, else `json`."""

    format: Literal["auto", "human", "json"] = "auto"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Alerts(Table):
    """`[alerts]`: who is told when something begins or ceases to be wrong, and what is pinged when a run succeeded."""

    urls: Annotated[tuple[AlertUrl, ...], Field(strict=False)] = ()
    heartbeat_url: HeartbeatUrl | None = None


class Settings(Table):
    """The whole file. Obtained from `syncer.config.load`, which also checks the rules between keys."""

    warehouse: Warehouse
    audiences: Annotated[tuple[Audience, ...], Field(strict=False)] = ()
    computed_traits: Annotated[tuple[ComputedTrait, ...], Field(strict=False)] = ()
    state: State = Field(default_factory=dict, validate_default=True)
    destinations: Annotated[tuple[AnyDestination, ...], Field(strict=False)]
    guard: Guard = Guard()
    history: History = History()
    schedule: Schedule = Schedule()
    daemon: Daemon = Daemon()
    health: Health = Health()
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
        return [models.Source(path=f"warehouse.membership.{kind}", **membership.model_dump())]

    @property
    def configured_audiences(self) -> list[models.ConfiguredAudience]:
        """The audiences that the file names, in its order, then its computed traits."""
        traits = [
            models.ConfiguredAudience(
                path=f"computed_traits[{index}]",
                name=trait.name,
                property=trait.property,
                has_query=True,
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
                has_query=audience.query is not None,
                max_removed_fraction=audience.max_removed_fraction,
                max_added_fraction=audience.max_added_fraction,
            )
            for index, audience in enumerate(self.audiences)
        ]
