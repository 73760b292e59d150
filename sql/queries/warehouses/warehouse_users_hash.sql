-- Purpose: a number of its own for each group of users of each audience, of a row of a table that keeps a snapshot;
-- stands inside other statements.
-- Placeholders: group (warehouse_group).
hashtextextended(audience, {group})
