-- Purpose: the shop's own date. Audiences look at it instead of the clock, so that days can pass in a second.
CREATE TABLE shop.calendar (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    today date NOT NULL
)
