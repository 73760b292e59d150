-- Purpose: what a customer typed as email: mostly the address; else nothing, blanks, nonsense, the address with blanks
-- and capitals, or the address of the customer before, whose household it is.
CREATE FUNCTION shop.typed_address_of(customer bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN shop.dice('typing', customer, '2000-01-01') < 0.020 THEN NULL
        WHEN shop.dice('typing', customer, '2000-01-01') < 0.023 THEN '   '
        WHEN shop.dice('typing', customer, '2000-01-01') < 0.028 THEN 'n/a'
        WHEN shop.dice('typing', customer, '2000-01-01') < 0.060 THEN ' ' || initcap(shop.address_of(customer)) || ' '
        WHEN shop.dice('typing', customer, '2000-01-01') < 0.080 AND customer > 1 THEN shop.address_of(customer - 1)
        ELSE shop.address_of(customer)
    END
