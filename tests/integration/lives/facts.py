"""What the model knows of a life: what the state says, and how it is configured, in the words of the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from syncer import naming
from tests.suppressing import Suppressed, suppressed
from tests.world import Row

VIP, CHURN, QUARTER = NAMES = ("VIP Buyers", "Churn Risk", "Q4")
PROPERTY = {name: naming.property_of(name) for name in NAMES}
CONFIGURED = {QUARTER}
SUPPRESS = '[suppress]\ntable = "unsubscribed"'
CONTACTS = ("a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io")

Member = tuple[str, str, str]
"""contact, audience, user id"""
Pair = tuple[str, str]
"""contact, audience"""
Held = tuple[str, str, str]
"""contact, audience, op"""
Call = tuple[str, Mapping[str, bool]]
"""The user that a call names, and what it tells."""


@dataclass
class Setting:
    """The configuration that matters here. `listed_people` are the suppressed; None: there is no list."""

    hold_initial: bool = False
    max_removed_fraction: float = 0.5
    min_removed: int = 2
    max_added_fraction: float = 1.0
    min_added: int = 3
    listed: frozenset[str] | None = None
    reach: frozenset[str] | None = None
    listed_people: tuple[frozenset[str], frozenset[str]] | None = None
    freezes: bool = False

    def suppressed(self, rows: Sequence[Row]) -> Suppressed:
        """Who is in no audience."""
        contacts, users = self.listed_people or (frozenset(), frozenset())
        listed = [*((None, contact) for contact in contacts), *((user, None) for user in users)]
        return suppressed(listed, [], [(user, email) for _, user, email in rows])

    def said(self, rows: Sequence[Row]) -> list[Row]:
        """What the warehouse says, without them."""
        without = self.suppressed(rows)
        return [row for row in rows if not without.has(*row[1:])]

    def lists(self, name: str) -> bool:
        return self.listed is None or name in self.listed

    def reaches(self, contact: str) -> bool:
        return self.reach is None or contact in self.reach

    @property
    def extra(self) -> str:
        return f"""
{SUPPRESS if self.listed_people is not None else ""}
[[audiences]]
name = "{QUARTER}"
max_removed_fraction = 0.25
[guard]
hold_initial = {str(self.hold_initial).lower()}
max_removed_fraction = {self.max_removed_fraction}
min_removed = {self.min_removed}
max_added_fraction = {self.max_added_fraction}
min_added = {self.min_added}
"""

    @property
    def destination_extra(self) -> str:
        lines = ["max_events_per_second = 0"]
        if self.listed is not None:
            lines.append(f"audiences = {sorted(self.listed)}")
        if self.reach is not None:
            lines.append(f"contacts = {sorted(self.reach)}")
        if self.freezes:
            lines.append('suppress = "freeze"')
        return "\n".join(lines)


@dataclass
class Facts:
    """What the state says, in the words of the contract. The numbers are runs."""

    members: dict[Member, int]
    retracted: dict[Pair, tuple[int, str]]
    users_false: dict[tuple[str, str], bool]
    """(user id, audience) whose profile was last told false; whether a plan found them back."""
    uncertain: dict[Pair, str]
    held: dict[Held, bool]
    refused: dict[str, tuple[int, int | None]]
    passed: set[Held]
    known: set[str]
    begun: dict[str, frozenset[str] | None]
    retired: set[str]
    paused: set[str]
    all_paused: bool
    due_before: dict[str | None, int]
    next_run: int
    open_run: int | None
    sending: bool
    """Pages are on their way, or were when their process died."""

    def is_initial(self, name: str, contact: str) -> bool:
        """Whether this contact's part of the audience's initial sync has not ended."""
        of = self.begun.get(name, frozenset())
        return of is not None and contact not in of

    def due(self, name: str) -> int:
        return max((run for audience, run in self.due_before.items() if audience in (None, name)), default=0)


FACTS = """
SELECT contact, a.name, user_id, told_run_id FROM synced_member JOIN audience AS a USING (audience_id);
SELECT contact, a.name, told_run_id, user_id FROM told_false JOIN audience AS a USING (audience_id);
SELECT user_id, a.name, is_back FROM user_told_false JOIN audience AS a USING (audience_id);
SELECT contact, a.name, user_id FROM uncertain JOIN audience AS a USING (audience_id);
SELECT contact, a.name, op::text, approved_at IS NOT NULL FROM held_change JOIN audience AS a USING (audience_id);
SELECT contact, tries, next_try_run_id FROM refused_contact;
SELECT contact, a.name, op::text FROM passed_change JOIN audience AS a USING (audience_id);
SELECT a.name, retired_at IS NOT NULL, i.audience_id IS NOT NULL, i.reach_hashes
    FROM audience AS a LEFT JOIN initial_sync AS i USING (audience_id);
SELECT forget_hash(forget_key, 'contact', contact), contact
    FROM installation CROSS JOIN regexp_split_to_table('CONTACTS', ',') AS given (contact);
SELECT a.name FROM pause LEFT JOIN audience AS a USING (audience_id);
SELECT a.name, before_run_id FROM resync LEFT JOIN audience AS a USING (audience_id);
SELECT coalesce(max(run_id), 0) + 1, max(run_id) FILTER (WHERE phase <> 'closed') FROM run;
SELECT contact, a.name, coalesce(told_as, user_id)
    FROM sync_page AS p
    JOIN sync_change AS c USING (run_id, destination_id, page)
    JOIN audience AS a USING (audience_id)
    WHERE p.status = 'sending' AND c.lead
""".replace("CONTACTS", ",".join(CONTACTS))


def facts_of(connection: psycopg.Connection[Any]) -> Facts:
    cursor = connection.cursor()
    cursor.execute(FACTS)
    tables = []
    while True:
        tables.append(cursor.fetchall())
        if not cursor.nextset():
            break
    members, retracted, users_false, uncertain, held, refused, passed, audiences, hashes = tables[:9]
    pauses, resyncs, runs, sending_now = tables[9:]
    contact_of = dict(hashes)
    return Facts(
        members={(contact, name, user): run for contact, name, user, run in members},
        retracted={(contact, name): (run, user) for contact, name, run, user in retracted},
        users_false={(user, name): is_back for user, name, is_back in users_false},
        uncertain={(contact, name): user for contact, name, user in [*uncertain, *sending_now]},
        held={(contact, name, op): approved for contact, name, op, approved in held},
        refused={contact: (tries, next_try) for contact, tries, next_try in refused},
        passed=set(passed),
        known={name for name, *_ in audiences},
        begun={
            name: frozenset(contact_of[each] for each in of) if of is not None else None
            for name, _, begun, of in audiences
            if begun
        },
        retired={name for name, retired, _, _ in audiences if retired},
        paused={name for (name,) in pauses if name is not None},
        all_paused=any(name is None for (name,) in pauses),
        due_before=dict(resyncs),
        next_run=runs[0][0],
        open_run=runs[0][1],
        sending=bool(sending_now),
    )


def properties(pairs: Any) -> set[tuple[str, str]]:
    return {(contact, PROPERTY[name]) for contact, name in pairs}
