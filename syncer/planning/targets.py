"""What a plan is asked for: which audiences, for which destinations, from which sources."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import psycopg.sql

from syncer import __version__, models
from syncer.calls import Destination
from syncer.mirrors import Mirrors
from syncer.planning import saved
from syncer.planning.snapshot import Snapshot, take_snapshot
from syncer.state import Connection

UNKNOWN = -1
"""The id of a destination that the state does not know yet; only a preview meets one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is about: all audiences, or those of these names or properties."""

    audiences: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        return not self.audiences

    def covers(self, audience: models.Audience) -> bool:
        return self.whole or audience.name in self.audiences or audience.property in self.audiences


@dataclass(frozen=True, slots=True)
class Target:
    """A destination to sync to: what it is about, and how it is told.

    `destination_id` is the state's. Once `tellable` identifies are planned, the least urgent changes (backfills,
    reassertions, retirements) wait for the next run; None: never. A question narrows the `reach` to a part of the
    `whole` one. `described` is all that is configured of it but for secrets.
    """

    destination: Destination
    reach: models.Reach = field(default_factory=models.Reach)
    mode: models.Mode = field(default_factory=models.Mode)
    destination_id: int = UNKNOWN
    tellable: int | None = None
    whole: models.Reach | None = None
    described: str = ""

    @property
    def name(self) -> str:
        return self.destination.name

    def lists(self, audience: models.Audience) -> bool:
        """Whether the destination is about this audience."""
        listed = self.reach.audiences
        return listed is None or audience.name in listed or audience.property in listed

    def reads(self, audience: models.Audience) -> bool:
        """Whether the snapshot's rows of this audience count here."""
        return self.lists(audience) and not audience.retired

    @property
    def in_reach(self) -> dict[str, object]:
        """The parameters of `is_in_reach`."""
        return _parameters(self.reach)

    @property
    def only_contacts(self) -> Sequence[str] | None:
        """The contacts that it is about, where they are a list; else None."""
        contacts = self.reach.contacts
        return None if contacts is None or self.reach.rollout is not None else sorted(contacts)

    @property
    def in_whole_reach(self) -> dict[str, object]:
        """The same of all that the destination is about."""
        return _parameters(self.whole or self.reach)

    @property
    def reading(self) -> str:
        """A digest of every setting that decides which contact a row of the snapshot is."""
        settings = [__version__, self.mode.identity, self.mode.freezes, self.in_reach]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:32]

    @property
    def contact(self) -> psycopg.sql.Composable:
        """SQL for the contact of a row of the snapshot."""
        if self.mode.identity == "email":
            return psycopg.sql.SQL("contact_of(source.email)")
        return psycopg.sql.SQL("CASE WHEN NOT source.unsendable THEN source.user_id END")

    @property
    def email(self) -> psycopg.sql.Composable:
        """SQL for the email that goes along with a call about a row of the snapshot; null if it is the contact."""
        by_email = self.mode.identity == "email"
        return psycopg.sql.SQL("NULL::text" if by_email else "contact_of(source.email)")

    def compared(self, *, padded: bool) -> dict[str, psycopg.sql.Composable]:
        """SQL for contacts and addresses while memberships are compared: see `diff_members`. `padded`: blanks surround
        many addresses."""
        by_email = self.mode.identity == "email"
        joins_contacts = padded or not by_email
        return {
            "join_key": self.contact if joins_contacts else psycopg.sql.SQL("lower(source.email)"),
            "contact": psycopg.sql.SQL("snapshot.join_key" if joins_contacts else "contact_of(snapshot.email)"),
            "address": psycopg.sql.SQL("folded.contact" if by_email else "contact_of(folded.email)"),
            "judges": psycopg.sql.SQL("false" if by_email else "true"),
        }

    def known(self, audiences: Iterable[models.Audience]) -> dict[str, psycopg.sql.Composable]:
        """SQL for what a plan about these audiences needs of the state's rows beside contact and user: see
        `gather_known`."""
        columns = {
            "email": "NULL::text" if self.mode.identity == "email" else "synced_member.email",
            "value": "synced_member.value" if any(audience.is_trait for audience in audiences) else "NULL::jsonb",
        }
        return {name: psycopg.sql.SQL(text) for name, text in columns.items()}


def _parameters(reach: models.Reach) -> dict[str, object]:
    contacts = None if reach.contacts is None else sorted(reach.contacts)
    return {"reach_contacts": contacts, "rollout": reach.rollout}


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan, from what. `everywhere`: the targets are all the destinations that there are. `mirrors`: where the
    warehouse keeps the snapshot of the last run, if it does. `suppressed` are the sources of those who are in no
    audience, `priorities` the lists of audiences of which a person is in the first only. What is planned has to be what
    was `reviewed`, if anything was. `slice_rows`: a large first sync is planned in slices of about so many."""

    warehouse: models.Warehouse
    sources: Sequence[models.Source]
    configured: Sequence[models.ConfiguredAudience]
    scope: Scope
    targets: Sequence[Target]
    guard: models.Guard = field(default_factory=models.Guard)
    everywhere: bool = True
    mirrors: Mirrors | None = None
    suppressed: Sequence[models.Source] = ()
    reviewed: saved.Plan | None = None
    priorities: Sequence[models.Priority] = ()
    slice_rows: int | None = None

    @property
    def exclusions(self) -> models.Exclusions:
        """Whose rows are taken out of the snapshot."""
        return models.Exclusions(self.suppressed, self.priorities, self.configured)

    def guard_of(self, name: str) -> models.Guard:
        """The limits for the audience of this name: its own where it has some."""
        limits = self.guard
        for audience in self.configured:
            if audience.name == name and audience.max_removed_fraction is not None:
                limits = replace(limits, max_removed_fraction=audience.max_removed_fraction)
            if audience.name == name and audience.max_added_fraction is not None:
                limits = replace(limits, max_added_fraction=audience.max_added_fraction)
        return limits

    @property
    def traits(self) -> psycopg.sql.Composable:
        """SQL for the traits that go along with a call about a row of the snapshot."""
        has_traits = any(source.traits for source in self.sources)
        return psycopg.sql.SQL("source.traits" if has_traits else "NULL::jsonb")

    def has_profiles(self, target: Target) -> bool:
        """Whether a call to this destination carries more than properties."""
        return target.mode.identity == "user_id" or any(source.traits for source in self.sources)

    def snapshot(self, connection: Connection) -> AbstractContextManager[Snapshot]:
        """The members as of now: see `take_snapshot`."""
        return take_snapshot(connection, self.warehouse, self.sources, self.guard.ready, self.exclusions)
