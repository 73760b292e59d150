"""What can be configured of every destination, and what a type of destination says of itself."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from syncer import models
from syncer.calls import Destination
from syncer.destinations.shaping import Digest, Shape
from syncer.fields import Contact, Duration, Share, Table, Text


class EventNames(Table):
    """`track` of a destination: the names of its events, and whether initial syncs send them too."""

    entered: Text = Field(default="Audience Entered", description="The event of a contact that entered an audience.")
    exited: Text = Field(default="Audience Exited", description="The event of a contact that left an audience.")
    initial: bool = Field(default=False, description="Whether first syncs and full resyncs have events, too.")


class DestinationSettings(Table, ABC):
    """`[[destinations]]`: an account that identify calls go to. A type adds its own keys, and how it is built.

    A key whose type hides what it holds (`Key`, `Password`, `HeaderValue`, `SecretStr`) is shown in no message.
    """

    ways_out: ClassVar = {"name": 'add name = "…"'}

    counterparts: ClassVar[Mapping[str, str]] = {}
    """What keys of other types are called here: for hints."""

    keys_users: ClassVar[bool] = False
    """Whether it keeps profiles by user id beside those by contact."""

    takes_null: ClassVar[bool] = True
    """Whether a computed trait can be taken back by sending null."""

    own_names: ClassVar[frozenset[str]] = frozenset({"email", "user_id", "userId", "id"})
    """What a call calls things by itself: `rename` gives none of these names."""

    in_clear: ClassVar[Mapping[str, str]] = {}
    """The fields that no key may change, each with why."""

    email_in_clear: ClassVar[str | None] = None
    """Why no key may change the email of a call either, if contacts are known by it."""

    type: str
    name: Text
    allow_http: bool = False
    timeout: Duration = Field(default="30s", validate_default=True)
    audiences: list[Text] | None = None
    identity: models.Identity = "email"
    contacts: list[Contact] | None = None
    rollout: Share | None = None
    retract: bool = True
    calls: Literal["combined", "per_audience"] = "combined"
    traits_trigger: bool = False
    refresh: Duration | None = None
    suppress: Literal["remove", "freeze"] = "remove"
    track: EventNames | None = None
    hash: dict[Text, Digest] = Field(default={})
    rename: dict[Text, Text] = Field(default={})
    lowercase: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    drop: Annotated[tuple[Text, ...], Field(strict=False)] = ()

    @abstractmethod
    def build(self) -> Destination:
        """The destination, not yet connected."""

    @classmethod
    def between_keys(cls, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: ARG003
        """What keys of this type contradict one another: each key (`a.b` inside of a table `a`) with its message.
        `table` is not validated."""
        yield from ()

    @field_validator("track", mode="before", json_schema_input_type=EventNames | bool)
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

    @field_validator("refresh")
    @classmethod
    def _possible_refresh(cls, seconds: float | None) -> float | None:
        if seconds is not None and not 60 <= seconds <= 10 * 366 * 86400:
            raise ValueError('must be at least "1m" and at most ten years')
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
        """How this destination is kept up to date: see `models.Mode`."""
        events = None if self.track is None else models.Events(**self.track.model_dump())
        return models.Mode(
            self.identity,
            self.calls == "per_audience",
            self.traits_trigger,
            events,
            self.keys_users,
            freezes=self.suppress == "freeze",
            new_names=frozenset(self.rename.values()),
            refresh=self.refresh,
        )

    @property
    def shape(self) -> Shape:
        """How the fields of its calls are to look."""
        return Shape(self.hash, self.rename, frozenset(self.lowercase), frozenset(self.drop))

    @property
    def reach(self) -> models.Reach:
        """Which audiences and contacts this destination is about."""
        return models.Reach(
            audiences=None if self.audiences is None else frozenset(self.audiences),
            contacts=None if self.contacts is None else frozenset(self.contacts),
            rollout=self.rollout,
            retract=self.retract,
        )


class AskableSettings(DestinationSettings):
    """A destination that can be asked what it believes, and how often the daemon asks it about how many contacts."""

    reconcile_every: Duration | None = None
    reconcile_sample: int = Field(default=500, ge=1, le=1_000_000)

    @field_validator("reconcile_every")
    @classmethod
    def _now_and_then(cls, seconds: float | None) -> float | None:
        if seconds is not None and seconds < 60:
            raise ValueError('must be at least "1m"; "1d" is once a day')
        return seconds
