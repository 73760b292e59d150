"""A warehouse that does not stand still: memberships begin and end in small commits, each with its time.

A pool of memberships comes and goes, half of it members at a time, over all audiences: whoever left is a member again
some minutes later. So what a state has to remember is as much in the end as it was after the first minutes, and if a
state grows nevertheless, the changes are no excuse.
"""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

from tests.bench.belief import property_of
from tests.bench.server import Server

COMMITS_PER_SECOND = 10
ROUND_SECONDS = 300
"""In so many seconds the whole pool changes once, so each membership twice in twice that time."""

_INDEX = "CREATE INDEX IF NOT EXISTS member_by_user ON warehouse.member (user_id)"
_MEMBERS = """
SELECT audience, user_id, email
FROM warehouse.member
ORDER BY hashtextextended(audience || user_id, 5)
LIMIT %s
"""
# One audience for each person, of which they are no member.
_OTHERS = """
SELECT other.audience, other.user_id, other.email
FROM (
    SELECT DISTINCT ON (user_id) user_id, email,
        'Audience ' || lpad(((hashtextextended(user_id, 6) & 9223372036854775807) %% 100)::text, 3, '0') AS audience
    FROM warehouse.member
) AS other
WHERE NOT EXISTS (
    SELECT FROM warehouse.member AS m WHERE m.user_id = other.user_id AND m.audience = other.audience
)
ORDER BY hashtextextended(other.user_id, 7)
LIMIT %s
"""
_LEAVE = """
DELETE FROM warehouse.member AS m
USING unnest(%s::text[], %s::text[]) AS gone (audience, user_id)
WHERE m.user_id = gone.user_id AND m.audience = gone.audience
"""
_ENTER = """
INSERT INTO warehouse.member (audience, user_id, email)
SELECT audience, user_id, email FROM unnest(%s::text[], %s::text[], %s::text[]) AS come (audience, user_id, email)
"""


class Change(NamedTuple):
    """What the warehouse says from then on; `at` is the monotonic clock just before it was committed."""

    at: float
    contact: str
    property: str
    value: bool


@dataclass(slots=True)
class _Membership:
    audience: str
    user_id: str
    email: str
    stands: bool


@dataclass(slots=True)
class Writer:
    """Changes `rate` memberships a second until it is told to stop; `changes` are those that were committed.

    It keeps its pace by the clock: after a slow commit the next ones follow at once.
    """

    server: Server
    rate: int
    changes: list[Change] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def write(self, stop: threading.Event) -> None:
        """Returns once `stop` is set."""
        with psycopg.connect(self.server.url) as connection:
            connection.execute(_INDEX)
            pool = self._pool(connection)
            connection.commit()
            began = time.monotonic()
            for number, group in enumerate(self._groups(pool)):
                if stop.wait(max(0.0, began + number / self._commits - time.monotonic())):
                    return
                self._commit(connection, group)

    @property
    def _commits(self) -> int:
        return min(self.rate, COMMITS_PER_SECOND)

    def _pool(self, connection: psycopg.Connection[Any]) -> Sequence[_Membership]:
        half = self.rate * ROUND_SECONDS // 2
        return [
            _Membership(str(row[0]), str(row[1]), str(row[2]), stands)
            for rows, stands in ((_MEMBERS, True), (_OTHERS, False))
            for row in connection.execute(rows, [half])
        ]

    def _groups(self, pool: Sequence[_Membership]) -> Iterator[Sequence[_Membership]]:
        """Everybody once in each round, in another order each time; nobody twice in a commit."""
        size = self.rate // self._commits
        while True:
            order = self.dice.sample(pool, len(pool))
            yield from (order[first : first + size] for first in range(0, len(order), size))

    def _commit(self, connection: psycopg.Connection, group: Sequence[_Membership]) -> None:
        leave = [each for each in group if each.stands]
        enter = [each for each in group if not each.stands]
        connection.execute(_LEAVE, [[each.audience for each in leave], [each.user_id for each in leave]])
        rows = [[each.audience for each in enter], [each.user_id for each in enter], [each.email for each in enter]]
        connection.execute(_ENTER, rows)
        at = time.monotonic()
        connection.commit()
        for each in group:
            each.stands = not each.stands
            self.changes.append(Change(at, each.email, property_of(each.audience), each.stands))
