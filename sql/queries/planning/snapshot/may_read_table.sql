-- Purpose: says whether the state's role may read the warehouse's table itself.
-- Parameters: oid, schema.
-- Rows: one: allowed.
SELECT has_schema_privilege(%(schema)s, 'USAGE') AND has_table_privilege(%(oid)s::oid, 'SELECT') AS allowed
