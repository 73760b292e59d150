"""The data: a membership table as a warehouse keeps it, and changes of one per cent, made by set-based SQL.

Ten million memberships are two million contacts in one to nine of a hundred audiences, five on average, stored audience
by audience. Every contact has one user id and one clean email, so that rivals without rules for shared, missing or
oddly written addresses are not counted wrong for those. `updated_at` is there for rivals that need a cursor.
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

# One to nine audiences a person. Eleven has no factor in common with a hundred, so no audience comes twice.
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

# Half of the changes are exits, half are entries of people who are in other audiences already. People have five
# memberships on average.
LEAVE = """
DELETE FROM warehouse.member
WHERE hashtextextended(audience || user_id, {round}) & 9223372036854775807 < {share} * 9223372036854775807 / 2
"""
ENTER = """
INSERT INTO warehouse.member (audience, user_id, email)
SELECT chosen.audience, chosen.user_id, chosen.email
FROM (
    SELECT DISTINCT ON (user_id) user_id, email,
        'Audience ' || lpad((((hashtextextended(user_id, {round}) >> 8) & 9223372036854775807) % 100)::text, 3, '0')
            AS audience
    FROM warehouse.member
    WHERE hashtextextended(user_id, {round}) & 9223372036854775807 < {share} * 9223372036854775807 * 2.5
) AS chosen
WHERE NOT EXISTS (
    SELECT FROM warehouse.member AS m WHERE m.user_id = chosen.user_id AND m.audience = chosen.audience
)
"""


def remember(server: Server) -> None:
    """Makes what the warehouse says now what every contestant has sent."""
    for statement in REMEMBER.split(";\n"):
        server.run(statement)


def generate(server: Server, memberships: int) -> None:
    """Makes the warehouse anew."""
    for statement in CREATE.split(";\n"):
        server.run(statement)
    server.run(FILL.format(contacts=memberships // 5))
    server.run("VACUUM (ANALYZE) warehouse.member")


def change(server: Server, number: int, share: float = 0.01) -> None:
    """Changes a share of the memberships, others for each number, and remembers what was before."""
    remember(server)
    server.run(LEAVE.format(round=number, share=share))
    server.run(ENTER.format(round=number, share=share))
    server.run("VACUUM (ANALYZE) warehouse.member")
