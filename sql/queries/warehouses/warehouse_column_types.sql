-- Purpose: asks for the types of the columns that are read of a table, and reads no row.
-- Placeholders: columns, relation.
-- Rows: none; the result's description is what is wanted: of a domain it has the type beneath.
SELECT {columns}
FROM {relation} AS members
WHERE false
