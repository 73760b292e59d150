"""What the receiver believes at the end, against what the warehouse says.

Before a measurement it believes what the warehouse said before the change (`warehouse.before`, which is empty before an
initial sync). The events that it received are applied to that, in their order. A call that names an address in another
way than `warehouse.clean` is about another contact.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg

from tests.bench import sink
from tests.bench.server import Server

# A contact is wrong if it has a property whose last value is not the warehouse's, whether sent wrongly or not sent.
WRONG = """
WITH present AS (
    SELECT lower(replace(audience, ' ', '_')) COLLATE "C" AS property, email COLLATE "C" AS contact
    FROM warehouse.clean
),
past AS (
    SELECT lower(replace(audience, ' ', '_')) COLLATE "C" AS property, email COLLATE "C" AS contact
    FROM warehouse.before
)
SELECT count(DISTINCT coalesce(told.contact, truth.contact))
FROM warehouse.told AS told
FULL JOIN (
    SELECT coalesce(present.property, past.property) AS property, coalesce(present.contact, past.contact) AS contact,
        present.property IS NOT NULL AS is_member, past.property IS NOT NULL AS was_member
    FROM present
    FULL JOIN past ON present.property = past.property AND present.contact = past.contact
) AS truth ON truth.property = told.property AND truth.contact = told.contact
WHERE coalesce(told.value, truth.was_member, false) <> coalesce(truth.is_member, false)
"""


class _Event(msgspec.Struct):
    """An identify call as all contestants send it."""

    traits: dict[str, bool | str]


class _Body(msgspec.Struct):
    batch: list[_Event]


class Told(NamedTuple):
    """What a call said about one property of a contact; `at` is the monotonic clock when it was accepted."""

    at: float
    contact: str
    property: str
    value: bool


def property_of(audience: str) -> str:
    """What contestants call an audience of the benchmark; SQL says the same in `WRONG`."""
    return audience.lower().replace(" ", "_")


def wrong_contacts(server: Server, spool: Path) -> int:
    """The number of contacts of which the receiver believes something wrong."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("TRUNCATE warehouse.told")
        with connection.cursor() as cursor, cursor.copy("COPY warehouse.told FROM STDIN") as copy:
            for property_name, contact, value in _told(spool):
                copy.write_row((property_name, contact, value))
        connection.execute("ANALYZE warehouse.told")
        row = connection.execute(WRONG).fetchone()
        assert row is not None
        return int(row[0])


def _told(spool: Path) -> Iterator[tuple[str, str, bool]]:
    """The last value of every property of every contact."""
    last: dict[str, dict[str, bool]] = {}
    for each in told(spool):
        last.setdefault(each.contact, {})[each.property] = each.value
    for contact, values in last.items():
        for name, value in values.items():
            yield name, contact, value


def told(spool: Path) -> Iterator[Told]:
    """Every property of every call, in their order."""
    decoder = msgspec.json.Decoder(_Body)
    for at, body in sink.received(spool):
        for event in decoder.decode(body).batch:
            contact = event.traits.pop("email")
            assert isinstance(contact, str)
            for name, value in event.traits.items():
                yield Told(at, contact, name, value is True)
