-- Purpose: lets days pass in the shop; says what they brought.
CREATE FUNCTION shop.pass_days(days integer, OUT orders bigint, OUT customers bigint, OUT addresses bigint)
    LANGUAGE plpgsql
    AS $$
    DECLARE
        first_day date := shop.today() + 1;
        last_day date := shop.today() + days;
    BEGIN
        addresses := shop.change_addresses(first_day, last_day);
        customers := shop.add_customers(
            (SELECT ceil(count(*) * 0.003 * days)::bigint FROM shop.customers), first_day, last_day);
        orders := shop.add_orders(first_day, last_day);
        UPDATE shop.calendar SET today = last_day;
    END
    $$
