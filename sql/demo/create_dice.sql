-- Purpose: chance that can be repeated: a number from 0 to 1 that follows from what is diced for, whose it is, the
-- day and the seed alone, in whatever order the rows are visited.
-- Placeholders: seed, a literal.
CREATE FUNCTION shop.dice(what text, whose bigint, day date) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashtextextended(what, hashint8extended(whose, hashint8extended(day - date '2000-01-01', {seed})))
        & 9007199254740991) / 9007199254740992.0::double precision
