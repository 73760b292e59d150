-- Purpose: lets customers change their email on some days: to another provider, or to one at all.
CREATE FUNCTION shop.change_addresses(first_day date, last_day date) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        WITH changed AS (
            UPDATE shop.customers AS c
            SET email = split_part(shop.address_of(c.number), '@', 1) || CASE split_part(lower(btrim(c.email)), '@', 2)
                WHEN 'example.com' THEN '@example.net'
                WHEN 'example.net' THEN '@example.org'
                ELSE '@example.com'
            END
            WHERE EXISTS (
                SELECT FROM generate_series(0, last_day - first_day) AS n
                WHERE shop.dice('new address', c.number, first_day + n) < 0.0015
            )
            RETURNING 1
        )
        SELECT count(*) FROM changed;
    END
