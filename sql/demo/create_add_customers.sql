-- Purpose: lets people become customers, spread over some days.
CREATE FUNCTION shop.add_customers(how_many bigint, first_day date, last_day date) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        WITH known AS (SELECT count(*) AS customers FROM shop.customers),
        added AS (
            INSERT INTO shop.customers (customer_id, number, name, email, joined_on)
            SELECT 'C' || lpad(number::text, 6, '0'), number, shop.name_of(number), shop.typed_address_of(number),
                first_day + floor((last_day - first_day + 1) * shop.dice('joining', number, '2000-01-01'))::integer
            FROM known, generate_series(known.customers + 1, known.customers + how_many) AS number
            RETURNING 1
        )
        SELECT count(*) FROM added;
    END
