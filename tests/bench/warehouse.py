"""The data: a membership table as a warehouse keeps it, and changes of it, made by set-based SQL.

A million memberships are stored audience by audience; `shapes` says who is in which. In most shapes every contact has
one user id and one clean email, so that rivals without rules for shared, missing or oddly written addresses are not
counted wrong for those. `updated_at` is there for rivals that need a cursor. The view `warehouse.clean` has the
addresses as they have to be sent: the scripts read it, which costs nothing where it is the table as it stands.
"""

from tests.bench.server import Server
from tests.bench.shapes import EVEN, Shape

CREATE = """
DROP SCHEMA IF EXISTS warehouse CASCADE;
CREATE SCHEMA warehouse;
CREATE TABLE warehouse.member (
    audience text NOT NULL,
    user_id text NOT NULL,
    email text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE VIEW warehouse.clean AS SELECT audience, user_id, {contact} AS email, updated_at FROM warehouse.member;
CREATE UNLOGGED TABLE warehouse.before (audience text, user_id text, email text);
CREATE UNLOGGED TABLE warehouse.told (property text COLLATE "C", contact text COLLATE "C", value boolean);
"""

FILL = """
INSERT INTO warehouse.member (audience, user_id, email)
SELECT {audience}, {user}, {email}
FROM ({members}) AS members
ORDER BY audience, hashint8extended(person, 11)
"""

REMEMBER = """
TRUNCATE warehouse.before;
INSERT INTO warehouse.before SELECT audience, user_id, email FROM warehouse.clean
"""

FORGET = "TRUNCATE warehouse.before"

# Half of the changes are exits, half are entries of people who are in other audiences already, or, where there is one
# audience only, of new people.
LEAVE = """
DELETE FROM warehouse.member
WHERE hashtextextended(audience || user_id, {round}) & 9223372036854775807 < {share} * 9223372036854775807 / 2
    AND ctid NOT IN (SELECT min(ctid) FROM warehouse.member GROUP BY audience)
"""
ENTER = """
INSERT INTO warehouse.member (audience, user_id, email)
SELECT chosen.audience, chosen.user_id, chosen.email
FROM (
    SELECT DISTINCT ON (user_id) user_id, email, {audience} AS audience
    FROM warehouse.member
    WHERE hashtextextended(user_id, {round}) & 9223372036854775807 < {share} * 9223372036854775807 * {per_contact} / 2
) AS chosen
WHERE NOT EXISTS (
    SELECT FROM warehouse.member AS m WHERE m.user_id = chosen.user_id AND m.audience = chosen.audience
)
"""
_ANY_AUDIENCE = "((hashtextextended(user_id, {round}) >> 8) & 9223372036854775807) % {audiences}"

# As many leave the largest audience as new people enter it.
LEAVE_THE_LARGEST = """
DELETE FROM warehouse.member
WHERE audience = {largest} AND user_id IN (
    SELECT user_id FROM warehouse.member
    WHERE audience = {largest}
    ORDER BY hashtextextended(user_id, {round})
    LIMIT {number}
)
"""
NEW_PEOPLE = """
SELECT {round} * 100000000::bigint + nth AS person, 0 AS audience, 0 AS dice, nth
FROM generate_series(1, {number}) AS nth
"""
# One member of each audience stays.
LEAVE_ALL = """
CREATE TABLE warehouse.gone AS SELECT * FROM warehouse.member;
TRUNCATE warehouse.member;
INSERT INTO warehouse.member SELECT DISTINCT ON (audience) * FROM warehouse.gone ORDER BY audience, user_id, email
"""
COME_BACK = """
TRUNCATE warehouse.member;
INSERT INTO warehouse.member SELECT * FROM warehouse.gone;
DROP TABLE warehouse.gone
"""
_COUNT = "SELECT count(*) FROM warehouse.member"
_SIZES = "SELECT audience, count(*) FROM warehouse.member GROUP BY audience ORDER BY count(*) DESC, audience LIMIT 1"


def remember(server: Server) -> None:
    """Makes what the warehouse says now what every contestant has sent."""
    for statement in REMEMBER.split(";\n"):
        server.run(statement)


def generate(server: Server, memberships: int, shape: Shape = EVEN) -> None:
    """Makes the warehouse anew."""
    for statement in CREATE.format(contact=shape.contact).split(";\n"):
        server.run(statement)
    members = shape.members.format(contacts=memberships // shape.per_contact, audiences=shape.audiences)
    server.run(FILL.format(members=members, audience=shape.audience("audience"), user=shape.user, email=shape.email))
    server.run("VACUUM (ANALYZE) warehouse.member")


def largest(server: Server) -> tuple[str, int]:
    """The largest audience, and how many are in it."""
    ((name, members),) = server.run(_SIZES)
    return str(name), int(str(members))


def change(server: Server, number: int, share: float = 0.01, shape: Shape = EVEN) -> None:
    """Changes a share of the memberships, others for each number, and remembers what was before."""
    remember(server)
    server.run(LEAVE.format(round=number, share=share))
    if shape.audiences == 1:
        name, members = largest(server)
        _enter_new_people(server, number, name, round(members * share / 2), shape)
    else:
        audience = shape.audience(_ANY_AUDIENCE.format(round=number, audiences=shape.audiences))
        server.run(ENTER.format(round=number, share=share, audience=audience, per_contact=shape.per_contact))
    server.run("VACUUM (ANALYZE) warehouse.member")


def change_few(server: Server, number: int, changes: int = 100, shape: Shape = EVEN) -> None:
    """Changes this many memberships of the largest audience, and remembers what was before."""
    remember(server)
    name, _ = largest(server)
    server.run(LEAVE_THE_LARGEST.format(largest=f"'{name}'", round=number, number=changes // 2))
    _enter_new_people(server, number, name, changes // 2, shape)
    server.run("VACUUM (ANALYZE) warehouse.member")


def change_largest(server: Server, number: int, share: float = 0.01, shape: Shape = EVEN) -> None:
    """Changes a share of all memberships, all of them in the largest audience, of which half may leave at most."""
    ((members,),) = server.run(_COUNT)
    _, most = largest(server)
    change_few(server, number, min(most, round(share * int(str(members)))), shape)


def leave(server: Server) -> None:
    """Everybody leaves, and what was before is remembered; `come_back` brings them back."""
    remember(server)
    _run_each(server, LEAVE_ALL)


def come_back(server: Server) -> None:
    """All who left are there again."""
    remember(server)
    _run_each(server, COME_BACK)


def _run_each(server: Server, statements: str) -> None:
    for statement in (*statements.split(";\n"), "VACUUM (ANALYZE) warehouse.member"):
        server.run(statement)


def _enter_new_people(server: Server, number: int, audience: str, people: int, shape: Shape) -> None:
    members = NEW_PEOPLE.format(round=number, number=people)
    server.run(FILL.format(members=members, audience=f"'{audience}'", user=shape.user, email=shape.email))
