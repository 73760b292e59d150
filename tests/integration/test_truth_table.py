"""The truth table of contacts (see `planning.changes`), row by row on the strict receivers of both destinations."""

import re
from collections.abc import Iterator

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


def rows_of(cell: str) -> list[Row]:
    rows: list[Row] = []
    for pair in cell.split(", ") if cell != "-" else []:
        user, address = pair.split(" ")
        rows.append((VIP, None if user == "-" else user, None if address == "-" else f"{address}@x.io"))
    return rows


def ops_of(cell: str) -> dict[str, str]:
    return dict(pair.split(" ") for pair in cell.split(", ")) if cell != "-" else {}


def calls_of(ops: dict[str, str]) -> dict[str, str]:
    return {contact: op for contact, op in ops.items() if op != "covered"}


def test_the_table_is_read() -> None:
    assert len(CASES) == 23
    assert all(len(case) == 4 for case in CASES)


@pytest.mark.parametrize(("before", "after", "by_email", "by_user_id"), CASES, ids=[" > ".join(c[:2]) for c in CASES])
def test_a_row_of_the_table(
    world: World,
    by_user: SegmentReceiver,
    mailmodo: MailmodoReceiver,
    before: str,
    after: str,
    by_email: str,
    by_user_id: str,
) -> None:
    world.destination_extra += OTHERS.format(by_user=by_user.url, mailmodo=mailmodo.url)
    world.warehouse.replace(rows_of(before))
    world.sync()
    world.warehouse.replace(rows_of(after))
    run_id = world.sync().report.run_id

    changes = world.query(
        "SELECT DISTINCT destination, split_part(contact, '@', 1), op FROM sync_changelog WHERE run_id = %s", [run_id]
    )
    found: dict[str, dict[str, str]] = {"segment": {}, "by user": {}, "mailmodo": {}}
    for destination, contact, op in changes:
        found[destination][contact] = op
    assert (found["segment"], found["by user"]) == (ops_of(by_email), ops_of(by_user_id))
    # Mailmodo knows no user ids: nobody has to be followed there.
    assert calls_of(found["mailmodo"]) == {
        contact: op for contact, op in calls_of(ops_of(by_email)).items() if op != "reasserted"
    }

    emails, users = present(before, after)
    assert world.believed() == {(f"{email}@x.io", "vip_buyers") for email in emails}
    assert {email for email, values in mailmodo.belief.items() if values["vip_buyers"] is True} == {
        f"{email}@x.io" for email in emails
    }
    assert {user for user, values in by_user.belief_by_user.items() if values["vip_buyers"] is True} == users
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


def present(before: str, after: str) -> tuple[set[str], set[str]]:
    """The contacts that have the property afterwards, by email and by user id: those that a row names, now or still."""
    was = [(user, (email or "").removesuffix("@x.io")) for _, user, email in rows_of(before)]
    rows = [(user, (email or "").removesuffix("@x.io")) for _, user, email in rows_of(after)]
    whole = [(user, email) for user, email in rows if user and email]
    emails = {email for _, email in whole} | {email for user, email in rows if email and not user}
    emails |= {email for user, email in was if (user, "") in rows and not any(other == user for other, _ in whole)}
    return emails, {user for user, _ in rows if user}
