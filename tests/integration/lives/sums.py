"""What must add up in the state after every run, and what it knows of the profiles that Segment keys by user id."""

from collections.abc import Mapping
from typing import Any

import psycopg

from tests.integration.lives.audiences import contact_of, is_sendable
from tests.integration.lives.facts import PROPERTY, Facts, Setting
from tests.world import Row

COUNTED_WRONG = """
SELECT told.*, found.*
FROM (
    SELECT destination_id, 0 AS audience_id, contacts AS counted FROM contact_count
    UNION ALL
    SELECT destination_id, audience_id, users FROM user_count
) AS told
FULL JOIN (
    SELECT m.destination_id, 0 AS audience_id, count(DISTINCT m.contact) AS counted FROM synced_member AS m GROUP BY 1
    UNION ALL
    SELECT m.destination_id, m.audience_id, count(DISTINCT m.user_id) FROM synced_member AS m GROUP BY 1, 2
) AS found USING (destination_id, audience_id)
WHERE coalesce(told.counted, 0) <> coalesce(found.counted, 0) AND EXISTS (SELECT FROM contact_count)
"""

REFUSED_UNLISTED = """
SELECT contact FROM sync_changelog WHERE run_id = (SELECT max(run_id) FROM run) AND status = 'failed'
EXCEPT
SELECT contact FROM refused_contacts
"""


def assert_adds_up(connection: psycopg.Connection[Any], facts: Facts) -> None:
    """Every identify of a closed run has an outcome, no page waits, the counts of contacts and users are right, and
    whoever the last run says was refused is listed."""
    sums = connection.execute(
        "SELECT d.run_id FROM sync_run_destinations AS d JOIN run USING (run_id)"
        " WHERE phase = 'closed' AND planned <> succeeded + failed + unknown + aborted"
    ).fetchall()
    assert sums == []
    waiting = connection.execute(
        "SELECT FROM sync_page JOIN run USING (run_id)"
        " WHERE phase = 'closed' AND sync_page.status IN ('planned', 'sending')"
    ).fetchall()
    assert waiting == []
    if facts.open_run is None:
        assert connection.execute(COUNTED_WRONG).fetchall() == []
        assert connection.execute(REFUSED_UNLISTED).fetchall() == []


def assert_knows_profiles(facts: Facts, belief_by_user: Mapping[str, Mapping[str, object]]) -> None:
    """Of what is certain, the state knows whose profile may say false."""
    doubtful = {name for _, name in facts.uncertain}
    for name, property_name in PROPERTY.items():
        if name not in doubtful:
            false = {user for user, values in belief_by_user.items() if values.get(property_name) is False}
            assert false <= {user for user, there in facts.users_false if there == name}


def assert_profiles_are_right(facts: Facts, rows: list[Row], setting: Setting) -> None:
    """Once nothing waits, nobody's profile says false of an audience that they are in."""
    present = {
        (str(user), str(name))
        for name, user, email in filter(is_sendable, rows)
        if setting.reaches(contact_of(email)) and setting.lists(str(name))
    }
    present = {(user, name) for user, name in present if name not in facts.retired | facts.paused}
    assert facts.all_paused or not present & facts.users_false.keys()
