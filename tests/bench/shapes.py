"""The shapes of the data: how many audiences there are, who is in which, and how addresses are written."""

from dataclasses import dataclass

# One to nine audiences a person, five on average. Eleven has no factor in common with the numbers of audiences, so no
# audience comes twice.
_SPREAD = """
SELECT person, ((dice >> 8) + nth * 11) % {audiences} AS audience, dice, nth
FROM (SELECT person, hashint8extended(person, 7) & 9223372036854775807 AS dice
    FROM generate_series(1, {contacts}) AS person) AS people
CROSS JOIN LATERAL generate_series(1, 1 + dice % 9) AS nth
"""
_ONE = "SELECT person, 0 AS audience, 0 AS dice, 0 AS nth FROM generate_series(1, {contacts}) AS person"
# A person's first three audiences are the three large ones.
_SKEWED = f"""
SELECT person, CASE WHEN nth <= 3 THEN nth - 1 ELSE 3 + audience END AS audience, dice, nth
FROM ({_SPREAD.replace("{audiences}", "3000")}) AS spread
"""
# Of ten persons the last two live together: they are in the same audiences, and share an address.
_CROWD = f"""
SELECT person, audience, dice, nth FROM ({_SPREAD}) AS apart WHERE person % 10 <> 0
UNION ALL SELECT person + 1, audience, dice, nth FROM ({_SPREAD}) AS together WHERE person % 10 = 9
UNION ALL SELECT 0, audience, 0, 0 FROM generate_series(0, {{audiences}} - 1) AS audience
"""

_USER = "'u' || lpad(person::text, greatest(9, length(person::text)), '0')"
_CLEAN = "'person' || person || '@example.com'"
_SHARED = "'person' || person - (person > 0 AND person % 10 = 0)::integer || '@example.com'"
_MESSY = """
CASE (dice + nth) % 6
    WHEN 0 THEN 'Person' || person || '@Example.com'
    WHEN 1 THEN ' person' || person || '@example.com '
    WHEN 2 THEN 'PERSON' || person || '@EXAMPLE.COM' || chr(9)
    WHEN 3 THEN chr(160) || 'Person' || person || '@example.com'
    WHEN 4 THEN 'person' || person || '@Example.Com' || chr(13) || chr(10)
    ELSE '  PeRSoN' || person || '@EXAMPLE.com  '
END
"""
# Each membership is there twice: at both addresses of its user.
_TWO = f"""
SELECT person, audience, dice, 2 * nth + half AS nth
FROM ({_SPREAD}) AS spread CROSS JOIN generate_series(0, 1) AS half
"""
_BOTH = "'person' || person || CASE nth % 2 WHEN 0 THEN '' ELSE '.other' END || '@example.com'"
# What differs comes last.
_LONG_USER = "repeat('user', 50) || lpad(person::text, 9, '0')"
_LONG = "repeat('person', 36) || lpad(person::text, 9, '0') || '@example.com'"

_FOLDED = """lower(btrim(email, ' ' || chr(9) || chr(13) || chr(10) || chr(160)) COLLATE "C")"""


@dataclass(frozen=True, slots=True)
class Shape:
    """One of them. `members` has a row per membership: a person, the number of an audience, and two numbers by which
    `email` writes the address. `contact` is the address as it has to be sent, `name` how audiences' names begin."""

    about: str
    audiences: int = 100
    per_contact: int = 5
    members: str = _SPREAD
    user: str = _USER
    email: str = _CLEAN
    contact: str = "email"
    name: str = "Audience "

    def audience(self, number: str) -> str:
        """The name of the audience whose number this expression is."""
        digits = max(3, len(str(self.audiences - 1)))
        return f"'{self.name}' || lpad(({number})::text, {digits}, '0')"


SHAPES = {
    "even": Shape("a hundred audiences of one size"),
    "one": Shape("one audience", audiences=1, per_contact=1, members=_ONE),
    "many": Shape("5,000 audiences", audiences=5000),
    "skewed": Shape("three audiences with half of the memberships, 3,000 with the rest", 3003, members=_SKEWED),
    "crowd": Shape(
        "one user in all audiences, and two users in the same audiences at every ninth address",
        members=_CROWD,
        email=_SHARED,
    ),
    "messy": Shape(
        "blanks and capitals in every address, a person's are never the same", email=_MESSY, contact=_FOLDED
    ),
    "two": Shape("two addresses of every user", per_contact=10, members=_TWO, email=_BOTH),
    "long": Shape(
        "names of 183, ids of 209 and addresses of 237 characters, which differ in the last ones",
        user=_LONG_USER,
        email=_LONG,
        name="Audience " * 20,
    ),
}
EVEN = SHAPES["even"]
