"""The private tables of a plan, in which one destination after the other is planned: temporary, gone with the plan.

`member_delta` is the exception: the comparison makes it, because PostgreSQL fills a table with several processes only
where the same statement makes it.
"""

import psycopg.sql

from syncer import sql
from syncer.state import Connection, execute

_CREATE = (
    "create_plan_audience",
    "create_known_member",
    "create_contact_change",
    "create_profile",
    "create_caller",
    "create_moved_user",
    "create_follow_edge",
    "create_planned_identify",
    "create_left_uncertain",
    "create_suppressed_contact",
    "create_changed_group",
)


def create(connection: Connection) -> None:
    """Once a plan, inside its transaction; in one trip, because there are many of them."""
    connection.execute(psycopg.sql.SQL(";\n").join(psycopg.sql.SQL(sql.query(name)) for name in _CREATE))


def empty(connection: Connection) -> None:
    """Makes room for the next destination."""
    execute(connection, "empty_plan")
    execute(connection, "drop_member_delta")
