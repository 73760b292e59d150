-- Purpose: a column of warehouse_members: the traits that go along, by the name that they are sent under. A null among
-- them is a value that cannot be sent; a trait that is not there has no value.
-- Placeholders: traits (objects, one put upon the other).
-- Rows: stands inside warehouse_members.
, {traits} AS traits
