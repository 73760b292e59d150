-- Purpose: says whether this session may read the warehouse's table itself: whether the rows are certainly those that
-- the warehouse's role sees in its own session, and nobody's code runs with the rights of the state's role.
-- So it has to be a plain table with columns of built-in types whose text depends on no setting, without row security
-- and without children, which belongs to this role or to one that it is a member of (a superuser is none).
-- Parameters: table (oid), schema, columns (those that are read).
-- Rows: one: allowed.
WITH RECURSIVE owner (roleid) AS (
    SELECT pg_roles.oid FROM pg_catalog.pg_roles WHERE pg_roles.rolname = current_user
    UNION
    SELECT pg_auth_members.roleid
    FROM owner
    JOIN pg_catalog.pg_auth_members ON pg_auth_members.member = owner.roleid
)
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_class
    JOIN owner ON owner.roleid = pg_class.relowner
    WHERE pg_class.oid = %(table)s::pg_catalog.oid
        AND pg_class.relkind = 'r'
        AND pg_class.relpersistence <> 't'
        AND NOT pg_class.relrowsecurity
        AND NOT pg_class.relhassubclass
        AND pg_catalog.has_schema_privilege(%(schema)s, 'USAGE')
        AND pg_catalog.has_table_privilege(pg_class.oid, 'SELECT')
        AND (
            SELECT count(*)
            FROM pg_catalog.pg_attribute
            WHERE pg_attribute.attrelid = pg_class.oid
                AND pg_attribute.attname = ANY (%(columns)s::pg_catalog.text[])
                AND pg_attribute.attnum > 0
                AND NOT pg_attribute.attisdropped
                AND pg_attribute.attgenerated <> 'v'
                AND pg_attribute.atttypid = ANY (
                    '{text,varchar,bpchar,name,int2,int4,int8,numeric,bool,uuid,json,jsonb}'::pg_catalog.regtype[]
                )
        ) = cardinality(%(columns)s::pg_catalog.text[])
) AS allowed
