"""The data: a membership table as a warehouse keeps it, and a churn of one per cent, made by set-based SQL.

Ten million memberships are two million contacts in one to nine of a hundred audiences, five on average, stored audience
by audience. Every contact has one user id and one clean email, so that rivals who do not know of shared, missing or
oddly written addresses are not counted wrong for it. `updated_at` is there for those that need a cursor.
"""

from tests.bench.server import Server

CREATE = """
DROP SCHEMA IF EXISTS warehouse CASCADE;
CREATE SCHEMA warehouse;
CREATE TABLE warehouse.member (
    audience text NOT NULL,
    user_id text NOT NULL,
    email text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNLOGGED TABLE warehouse.before (audience text, user_id text, email text);
CREATE UNLOGGED TABLE warehouse.told (property text COLLATE "C", contact text COLLATE "C", value boolean);
"""

# The number of audiences is one to nine; eleven has no factor in common with a hundred, so no audience comes twice.
FILL = """
INSERT INTO warehouse.member (audience, user_id, email)
SELECT 'Audience ' || lpad(audience::text, 3, '0'), 'u' || lpad(person::text, 9, '0'),
    'person' || person || '@example.com'
FROM (
    SELECT person, ((dice >> 8) + nth * 11) % 100 AS audience, dice
    FROM (SELECT person, hashint8extended(person, 7) & 9223372036854775807 AS dice
        FROM generate_series(1, {contacts}) AS person) AS people
    CROSS JOIN LATERAL generate_series(1, 1 + dice % 9) AS nth
) AS members
ORDER BY audience, hashint8extended(person, 11)
"""

REMEMBER = """
TRUNCATE warehouse.before;
INSERT INTO warehouse.before SELECT audience, user_id, email FROM warehouse.member
"""

FORGET = "TRUNCATE warehouse.before"

# Half of the churn are exits, half entries of people who are there already.
LEAVE = """
DELETE FROM warehouse.member
WHERE hashtextextended(audience || user_id, {round}) & 9223372036854775807 < 9223372036854775807 / 200
"""
ENTER = """
INSERT INTO warehouse.member (audience, user_id, email)
SELECT chosen.audience, chosen.user_id, chosen.email
FROM (
    SELECT DISTINCT ON (user_id) user_id, email,
        'Audience ' || lpad((((hashtextextended(user_id, {round}) >> 8) & 9223372036854775807) % 100)::text, 3, '0')
            AS audience
    FROM warehouse.member
    WHERE hashtextextended(user_id, {round}) & 9223372036854775807 < 9223372036854775807 / 40
) AS chosen
WHERE NOT EXISTS (
    SELECT FROM warehouse.member AS m WHERE m.user_id = chosen.user_id AND m.audience = chosen.audience
)
"""


def remember(server: Server) -> None:
    """What the warehouse says now is what everybody was told."""
    for statement in REMEMBER.split(";\n"):
        server.run(statement)


def generate(server: Server, memberships: int) -> None:
    """The warehouse, anew."""
    for statement in CREATE.split(";\n"):
        server.run(statement)
    server.run(FILL.format(contacts=memberships // 5))
    server.run("VACUUM (ANALYZE) warehouse.member")


def change(server: Server, number: int) -> None:
    """One per cent of the memberships; another one for every number. What was before is remembered."""
    remember(server)
    server.run(LEAVE.format(round=number))
    server.run(ENTER.format(round=number))
    server.run("VACUUM (ANALYZE) warehouse.member")
