"""The account that each destination points at, so that calls never go to another one by accident.

A destination is known by its name. Once a call was sent there, another type, host or identity behind the same name is
another account, and nothing is sent to it. Another key alone is a rotation. The key itself is not kept, only a hash of
it that is keyed with the installation's id.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg.sql
from psycopg.types.json import Jsonb

from syncer import errors
from syncer.calls import Destination
from syncer.log import Logger
from syncer.state import Connection, execute, fetch_all, fetch_value, fetch_values, locks

log = Logger(__name__)

_PARTITIONED = ("synced_member", "told_false")
_ADDRESS = {"endpoint"}
"""What may change although the account is the same, if a human says so."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The key of each destination by name, and why some of them are refused."""

    ids: Mapping[str, int]
    refused: Mapping[str, errors.ConfigError]


@dataclass(frozen=True, slots=True)
class _Known:
    """A destination as the state remembers it; `told`: whether a call was ever sent there."""

    destination_id: int
    name: str
    account: Mapping[str, str]
    told: bool


def known(connection: Connection) -> dict[str, int]:
    """The key of each destination that the state knows, by name."""
    return {each.name: each.destination_id for each in _list_known(connection)}


def refuse_unknown(names: Collection[str], known: Collection[str]) -> None:
    """Raises `ConfigError` for the names that are of no destination that is known."""
    there_is = ", ".join(known)
    problems = [
        errors.Problem("--destination", f"there is no destination {name!r}; there is {there_is}")
        for name in names
        if name not in known
    ]
    if problems:
        raise errors.ConfigError(problems)


def refused(connection: Connection, destinations: Sequence[Destination]) -> dict[str, errors.ConfigError]:
    """The destinations that point at another account than the state remembers, each with the ways out."""
    return _refused(_list_known(connection), destinations, same_account=())


def register(
    connection: Connection, destinations: Sequence[Destination], same_account: Collection[str] = ()
) -> Registered:
    """Gives a new destination its key and its partitions, and remembers what each points at.

    `same_account` names those of which a human says that they are the same account behind another address.
    """
    remembered = {each.name: each for each in _list_known(connection)}
    refusals = _refused(remembered.values(), destinations, same_account)
    salt = fetch_value(connection, "show_installation").bytes
    for destination in destinations:
        account = {**destination.account(), "key": destination.key_hash(salt)}
        before = remembered.get(destination.name)
        if before is None:
            with connection.transaction():
                _add(connection, destination.name, account)
        elif destination.name not in refusals and before.account != account:
            _remember(connection, before, account)
    ids = {name: each.destination_id for name, each in remembered.items()}
    is_new = any(destination.name not in ids for destination in destinations)
    return Registered(known(connection) if is_new else ids, refusals)


def _list_known(connection: Connection) -> list[_Known]:
    return fetch_all(connection, _Known, "list_destinations")


def _refused(
    known: Iterable[_Known], destinations: Sequence[Destination], same_account: Collection[str]
) -> dict[str, errors.ConfigError]:
    remembered = {each.name: each.account for each in known if each.told}
    problems: dict[str, errors.ConfigError] = {}
    for destination in destinations:
        before = remembered.get(destination.name, {})
        changed = {key: now for key, now in destination.account().items() if before.get(key, now) != now}
        if not changed or (destination.name in same_account and changed.keys() <= _ADDRESS):
            continue
        problems[destination.name] = errors.ConfigError([_problem(destination.name, before, changed)])
    return problems


def _problem(name: str, before: Mapping[str, str], changed: Mapping[str, str]) -> errors.Problem:
    differences = ", ".join(f"its {key} was {before[key]} and is {now}" for key, now in changed.items())
    ways = "give it a new `name` to begin anew there"
    if changed.keys() <= _ADDRESS:
        ways += f", or say `syncer resync --destination {name}` if it is the same account behind another address"
    return errors.Problem(
        f"destination {name}",
        f"points at another account than the one that was told so far: {differences}. Nothing is sent there; {ways}",
    )


def _add(connection: Connection, name: str, account: Mapping[str, str]) -> None:
    added = fetch_values(connection, "add_destination", {"name": name, "account": Jsonb(dict(account))})
    with locks.changing_tables(connection):
        for destination_id, table in itertools.product(added, _PARTITIONED):
            partition = psycopg.sql.Identifier(f"{table}_{destination_id}")
            parent = psycopg.sql.Identifier(table)
            bound = psycopg.sql.Literal(destination_id)
            execute(connection, "create_destination_partition", partition=partition, parent=parent)
            execute(
                connection, "attach_destination_partition", partition=partition, parent=parent, destination_id=bound
            )


def _remember(connection: Connection, before: _Known, account: Mapping[str, str]) -> None:
    key = before.account.get("key")
    if key is not None and key != account["key"]:
        log.warning("the key of a destination is another one; taken to be the same account", destination=before.name)
    execute(connection, "remember_account", {"name": before.name, "account": Jsonb(dict(account))})
