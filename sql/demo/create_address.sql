-- Purpose: a customer's own email address, written properly.
CREATE FUNCTION shop.address_of(customer bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(lower(shop.name_of(customer)), ' ', '.') || customer || '@example.com'
