-- Purpose: the shop's customers, with their email as they typed it.
CREATE TABLE shop.customers (
    customer_id text PRIMARY KEY,
    number bigint NOT NULL UNIQUE,
    name text NOT NULL,
    email text,
    joined_on date NOT NULL
)
