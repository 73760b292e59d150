-- Purpose: the shop's orders; one that was cancelled counts for no audience.
CREATE TABLE shop.orders (
    order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL REFERENCES shop.customers,
    ordered_on date NOT NULL,
    amount numeric(10, 2) NOT NULL,
    status text NOT NULL CHECK (status IN ('completed', 'cancelled'))
)
