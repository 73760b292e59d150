"""The truth table of contacts (see `planning.changes`), row by row on the strict receivers of both destinations."""

import re
from collections.abc import Iterable, Iterator

import pytest

from syncer.planning import changes
from syncer.receivers.mailmodo import MailmodoReceiver
from syncer.receivers.segment import SegmentReceiver
from tests.world import VIP, Row, World

pytestmark = pytest.mark.usefixtures("unguarded")

TABLE = re.search(r"\n    before +after .*\n((?:    .+\n)+)", changes.__doc__ or "")
assert TABLE is not None
CASES = [re.split(r" {2,}", line.strip()) for line in TABLE[1].splitlines()]

OTHERS = """
[[destinations]]
name = "by user"
write_key = "by-user"
identity = "user_id"
endpoint = "{by_user}"
max_events_per_second = 0
[[destinations]]
name = "mailmodo"
type = "mailmodo"
api_key = "AAAAAAA-BBBBBBB"
list_name = "Audiences"
endpoint = "{mailmodo}"
max_requests_per_second = 0
"""


@pytest.fixture
def by_user() -> Iterator[SegmentReceiver]:
    with SegmentReceiver("by-user") as receiver:
        yield receiver
        assert receiver.violations == []


@pytest.fixture
def mailmodo() -> Iterator[MailmodoReceiver]:
    with MailmodoReceiver("AAAAAAA-BBBBBBB", lists=["Audiences"]) as receiver:
        yield receiver
        assert receiver.violations == []


def rows_of(number: int, cell: str) -> list[Row]:
    """The rows of a case, whose people are nobody else's."""
    rows: list[Row] = []
    for pair in cell.split(", ") if cell != "-" else []:
        user, address = pair.split(" ")
        rows.append(
            (
                VIP,
                None if user == "-" else f"{number:02d}.{user}",
                None if address == "-" else f"{number:02d}.{address}@x.io",
            )
        )
    return rows


def ops_of(number: int, cell: str) -> dict[str, str]:
    pairs = [pair.split(" ") for pair in cell.split(", ")] if cell != "-" else []
    return {f"{number:02d}.{contact}": op for contact, op in pairs}


def calls_of(ops: dict[str, str]) -> dict[str, str]:
    return {contact: op for contact, op in ops.items() if op != "covered"}


def of(number: int, names: Iterable[str]) -> set[str]:
    """Of these names those of a case, as the table has them."""
    return {name.removeprefix(f"{number:02d}.") for name in names if name.startswith(f"{number:02d}.")}


def test_the_table_is_read() -> None:
    assert len(CASES) == 23
    assert all(len(case) == 4 for case in CASES)


def test_every_row_of_the_table(world: World, by_user: SegmentReceiver, mailmodo: MailmodoReceiver) -> None:
    """All at once, each with people of its own: what becomes of some depends on nobody else."""
    world.destination_extra += OTHERS.format(by_user=by_user.url, mailmodo=mailmodo.url)
    world.warehouse.replace(row for number, case in enumerate(CASES) for row in rows_of(number, case[0]))
    world.sync()
    world.warehouse.replace(row for number, case in enumerate(CASES) for row in rows_of(number, case[1]))
    run_id = world.sync().report.run_id

    changes = world.query(
        "SELECT DISTINCT destination, split_part(contact, '@', 1), op FROM sync_changelog WHERE run_id = %s", [run_id]
    )
    believed = {contact.removesuffix("@x.io") for contact, _ in world.believed()}
    at_mailmodo = {
        email.removesuffix("@x.io") for email, values in mailmodo.belief.items() if values["vip_buyers"] is True
    }
    at_users = {user for user, values in by_user.belief_by_user.items() if values["vip_buyers"] is True}
    wrong: list[tuple[str, str, str, object]] = []
    for number, (before, after, by_email, by_user_id) in enumerate(CASES):
        found: dict[str, dict[str, str]] = {"segment": {}, "by user": {}, "mailmodo": {}}
        for destination, contact, op in changes:
            if of(number, [contact]):
                found[destination][contact] = op
        emails, users = present(before, after)
        told = (found["segment"], found["by user"], found["mailmodo"])
        # Mailmodo knows no user ids: nobody has to be followed there.
        unfollowed = {contact: op for contact, op in ops_of(number, by_email).items() if op != "reasserted"}
        expected = (ops_of(number, by_email), ops_of(number, by_user_id), calls_of(unfollowed))
        if (*told[:2], calls_of(told[2])) != expected:
            wrong.append((before, after, "told", told))
        if (of(number, believed), of(number, at_mailmodo), of(number, at_users)) != (emails, emails, users):
            wrong.append((before, after, "believed", (believed, at_mailmodo, at_users)))
    assert wrong == []
    assert [each.planned for each in world.sync().report.destinations] == [0, 0, 0]
    assert world.verify().differences == 0


def present(before: str, after: str) -> tuple[set[str], set[str]]:
    """The contacts that have the property afterwards, by email and by user id: those that a row names, now or still."""
    was, rows = pairs_of(before), pairs_of(after)
    whole = [(user, email) for user, email in rows if user and email]
    emails = {email for _, email in whole} | {email for user, email in rows if email and not user}
    emails |= {email for user, email in was if (user, "") in rows and not any(other == user for other, _ in whole)}
    return emails, {user for user, _ in rows if user}


def pairs_of(cell: str) -> list[tuple[str, str]]:
    """(user, email) of the rows; "" is none."""
    pairs = [pair.split(" ") for pair in cell.split(", ")] if cell != "-" else []
    return [("" if user == "-" else user, "" if email == "-" else email) for user, email in pairs]
