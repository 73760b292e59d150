-- Purpose: lets customers order on some days: everyone on the day of joining, later each with an appetite of their own.
CREATE FUNCTION shop.add_orders(first_day date, last_day date) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        WITH added AS (
            INSERT INTO shop.orders (customer_id, ordered_on, amount, status)
            SELECT c.customer_id, day.day,
                round((12 - 45 * ln(1 - shop.dice('amount', c.number, day.day)))::numeric, 2),
                CASE WHEN shop.dice('cancelled', c.number, day.day) < 0.04 THEN 'cancelled' ELSE 'completed' END
            FROM shop.customers AS c
            CROSS JOIN LATERAL (
                SELECT first_day + n AS day
                FROM generate_series(greatest(0, c.joined_on - first_day), last_day - first_day) AS n
            ) AS day
            WHERE day.day = c.joined_on
                OR shop.dice('order', c.number, day.day)
                    < 0.004 + 0.06 * shop.dice('appetite', c.number, '2000-01-01') ^ 4
            RETURNING 1
        )
        SELECT count(*) FROM added;
    END
