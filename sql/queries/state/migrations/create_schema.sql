-- Purpose: the schema that holds the state.
-- Placeholders: schema.
-- Rows: none.
CREATE SCHEMA {schema}
