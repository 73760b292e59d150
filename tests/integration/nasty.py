"""Warehouses at their worst, and what must hold whatever their rows are.

A `Case` is a few snapshots in a row. Their rows draw on few names, so that they meet: keys that are doubled, texts that
look like tokens, addresses that are user ids of others, names that collide in snake case, nulls, blanks and very long
texts everywhere. Left out is what no warehouse of text can hold (NUL bytes, broken UTF-8).
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from hypothesis import strategies as st

from syncer import models, naming, sync
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset
from tests.integration.nasty_texts import BLANK, TRAITS, Text, Value, emails, names, numbers, texts, users
from tests.world import World

members = st.lists(st.tuples(names, users, emails, texts), max_size=12)


@dataclass(frozen=True)
class Snapshot:
    """What the warehouse says: memberships, and the values of two computed traits, numbers and texts.

    A membership is audience, user id, email and first name.
    """

    members: Sequence[tuple[Text, Text, Text, Text]]
    numbers: Sequence[tuple[Text, Text, Value]]
    texts: Sequence[tuple[Text, Text, Value]]


snapshots = st.builds(
    Snapshot,
    members,
    st.lists(st.tuples(users, emails, numbers), max_size=8),
    st.lists(st.tuples(users, emails, texts), max_size=6),
)


@dataclass(frozen=True)
class Case:
    """A life. `lost` are the snapshots (by number) in whose run every answer is lost, or the receiver is down.

    `unasked` is the snapshot from which on the configuration has no computed traits. `named`: a first name goes along
    with the calls. `limited`: there is a run for a single audience after each. `resync`: in the end all is told again.
    """

    snapshots: Sequence[Snapshot]
    identity: str
    per_audience: bool
    on_missing: str
    lost: Mapping[int, Fault]
    unasked: int
    named: bool
    limited: bool
    resync: bool

    def reads_traits(self, number: int) -> bool:
        return number < self.unasked


lost_answers = st.sampled_from([Reset(apply=EVERYTHING), Reset(), Answer(503, apply=1), Answer(500, apply=EVERYTHING)])
cases = st.builds(
    Case,
    st.lists(snapshots, min_size=2, max_size=4),
    st.sampled_from(["email", "email", "user_id"]),
    st.sampled_from([False, False, True]),
    st.sampled_from(["keep", "null"]),
    st.dictionaries(st.integers(0, 2), lost_answers, max_size=1),
    st.sampled_from([9, 9, 9, 2]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)

CREATE = (
    "CREATE TABLE members (audience_name {text}, user_id {text}, email {text}, first_name {text})",
    "CREATE TABLE numbers (user_id {text}, email {text}, value {number})",
    "CREATE TABLE texts (user_id {text}, email {text}, value {text})",
)

Fill = Callable[[Snapshot], None]


def fill_postgres(url: str) -> Fill:
    """Makes the tables in a database of PostgreSQL; returns what fills them."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in CREATE:
            connection.execute("DROP TABLE IF EXISTS " + statement.split()[2])
            connection.execute(statement.format(text="text", number="numeric"))

    def fill(snapshot: Snapshot) -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            for table, rows in _tables(snapshot):
                cursor.execute(f"DELETE FROM {table}")
                for row in rows:
                    cursor.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)

    return fill


def fill_sqlite(file: Path) -> Fill:
    return _fill_file(lambda: closing(sqlite3.connect(file)), text="text", number="")


def fill_duckdb(file: Path) -> Fill:
    return _fill_file(lambda: duckdb.connect(str(file)), text="varchar", number="double")


def _fill_file(connect: Callable[[], Any], **types: str) -> Fill:
    with connect() as connection:
        for statement in CREATE:
            connection.execute(statement.format(**types))
        connection.commit()

    def fill(snapshot: Snapshot) -> None:
        with connect() as connection:
            connection.execute("BEGIN")
            for table, rows in _tables(snapshot):
                connection.execute(f"DELETE FROM {table}")
                for row in rows:
                    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            connection.execute("COMMIT")

    return fill


def _tables(snapshot: Snapshot) -> Iterable[tuple[str, Sequence[Any]]]:
    return (("members", snapshot.members), ("numbers", snapshot.numbers), ("texts", snapshot.texts))


def live(world: World, case: Case, fill: Fill) -> None:
    """Plays a case, and asks after each run what must hold."""
    world.receiver.allowed_nulls = frozenset(map(naming.property_of, TRAITS))
    world.receiver.allowed_traits = frozenset({"firstName"})
    lines = ["max_events_per_second = 0", f'identity = "{case.identity}"']
    if case.per_audience:
        lines.append('calls = "per_audience"')
    if case.named:
        lines.append("traits_trigger = true")
    world.destination_extra = "\n".join(lines)
    seen: list[Snapshot] = []
    for number, snapshot in enumerate(case.snapshots):
        fill(snapshot)
        seen.append(snapshot)
        world.extra = 'traits = { first_name = "firstName" }\n' if case.named else ""
        world.extra += _traits(case) if case.reads_traits(number) else ""
        fault = case.lost.get(number)
        world.receiver.script = (lambda _, fault=fault: fault) if fault else None
        sound = [each.name for each in _run(world).report.audiences if each.problem is None]
        world.receiver.script = None
        if case.limited and sound:
            _run(world, audiences=sound[:1])
    result = _run(world, "resync" if case.resync else "manual")
    if case.resync:
        result = _run(world)
    for _ in range(6):  # a call can name one user: the others wait for the next run
        if result.report.destinations[0].planned == 0:
            break
        result = _run(world)
    assert result.report.destinations[0].planned == 0
    _judge(world, case, seen, result)


def _traits(case: Case) -> str:
    return "\n".join(
        f'[[computed_traits]]\nname = "{name}"\nquery = "SELECT * FROM {table}"\non_missing = "{case.on_missing}"'
        for name, table in zip(TRAITS, ("numbers", "texts"), strict=True)
    )


def _run(world: World, trigger: models.Trigger = "manual", **only: Sequence[str]) -> sync.Result:
    result = world.sync(None, trigger, **only)
    assert sync.exit_code(result) in (0, 5, 6, 7, 8), result
    assert result.report.status in ("succeeded", "incomplete", "held", "failed"), result
    assert not [error for error in result.failures if sync.exit_code(sync.Result(result.report, [error])) == 1]
    return result


# --- what must be so in the end ----------------------------------------------------------------------------------


def contact_of(email: Text) -> str:
    """Only ASCII is lower-cased: the same bytes in every dialect."""
    return "".join(each.lower() if each.isascii() else each for each in (email or "").strip(BLANK))


def is_address(contact: str) -> bool:
    parts = contact.split("@")
    odd = any(each.isspace() or ord(each) < 32 or ord(each) == 127 for each in contact)
    return len(parts) == 2 and all(parts) and len(contact) <= 254 and not odd


def is_user(user: Text) -> bool:
    named = user is not None and user.strip(BLANK) != "" and len(user.encode()) <= 512
    return named and not (str(user).startswith("forgotten ") and str(user)[10:] == "0" * 32)


@dataclass(frozen=True)
class Truth:
    """What the last snapshot says of one property: the contacts' values, and the rows that cannot be sent."""

    values: Mapping[str, Collection[str]]
    broken: Sequence[tuple[Text, Text]]

    def names(self, contact: str, users: Collection[str]) -> bool:
        """Whether a row that cannot be sent may be about this contact, or about a user that it had."""
        return any(contact_of(email) == contact or user == contact or user in users for user, email in self.broken)


def _judge(world: World, case: Case, seen: Sequence[Snapshot], result: sync.Result) -> None:
    """Belief is the warehouse, or a reason is listed."""
    belief = {contact: dict(values) for contact, values in _belief(world, case).items()}
    sound = {each.name: str(each.property) for each in result.report.audiences if each.problem is None}
    set_aside = {each.name for each in result.report.audiences if each.problem is not None}
    last = len(case.snapshots) - 1
    for name, property_name in sound.items():
        is_trait = name in TRAITS and case.reads_traits(last)
        truth = _values_of(case, seen[-1], name) if is_trait else _members_of(case, seen[-1], name)
        rivals = {row[0] for snapshot in seen for row in snapshot.members if row[0] in set_aside}
        contested = any(naming.property_of(str(rival)) == property_name for rival in rivals)
        for contact in belief.keys() | truth.values.keys():
            believed = _text(belief.get(contact, {}).get(property_name))
            wanted = truth.values.get(contact)
            if wanted is not None:
                assert believed in wanted, (name, contact, believed, wanted)
            elif believed not in (None, "false", "null"):
                users = {
                    str(user) for each in seen for user, email in _people(each) if _key(case, user, email) == contact
                }
                left_alone = is_trait and case.on_missing == "keep"
                assert left_alone or contested or truth.names(contact, users), (name, contact, believed)
    unanswered = world.query("SELECT contact, audience.name FROM uncertain JOIN audience USING (audience_id)")
    assert all(name in TRAITS or name in set_aside for _, name in unanswered), unanswered
    assert world.verify().differences == 0


def _belief(world: World, case: Case) -> Mapping[str, Mapping[str, object]]:
    return world.receiver.belief if case.identity == "email" else world.receiver.belief_by_user


def _text(value: object) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
    return None if value is None else json.dumps(value)


def _key(case: Case, user: Text, email: Text) -> str:
    return contact_of(email) if case.identity == "email" else str(user)


def _people(snapshot: Snapshot) -> Iterable[tuple[Text, Text]]:
    yield from ((user, email) for _, user, email, _ in snapshot.members)
    yield from ((user, email) for user, email, _ in [*snapshot.numbers, *snapshot.texts])


def _members_of(case: Case, snapshot: Snapshot, name: str) -> Truth:
    rows = [row for row in snapshot.members if row[0] == name or (row[0] or "").strip(BLANK) == ""]
    sendable = [row for row in rows if row[0] == name and is_user(row[1]) and is_address(contact_of(row[2]))]
    broken = [row[1:3] for row in rows if row not in sendable]
    return Truth({_key(case, *row[1:3]): {"true"} for row in sendable}, broken)


def _values_of(case: Case, snapshot: Snapshot, name: str) -> Truth:
    """Where rows disagree, one of the values of the smallest user is right."""
    rows = snapshot.numbers if name == TRAITS[0] else snapshot.texts
    sendable = [row for row in rows if is_user(row[0]) and is_address(contact_of(row[1])) and row[2] is not None]
    smallest: dict[str, str] = {}
    for user, email, _ in sendable:
        key = _key(case, user, email)
        smallest[key] = min(smallest.get(key, str(user)), str(user), key=str.encode)
    values: dict[str, set[str]] = {}
    for user, email, value in sendable:
        key = _key(case, user, email)
        if user == smallest[key]:
            values.setdefault(key, set()).add(str(_text(value)))
    nameless = [row[1:3] for row in snapshot.members if (row[0] or "").strip(BLANK) == ""]
    return Truth(values, [row[:2] for row in rows if row not in sendable and row[2] is not None] + nameless)
