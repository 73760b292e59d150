-- Purpose: who else may put something into the state's schema: it would run with our rights, because names are looked
-- up there. We trust ourselves, the roles that we are a member of, and superusers; rights that we have only because we
-- are a superuser count for nothing.
-- Parameters: schema.
-- Placeholders: more (of what may_write is made: see list_object_owners).
-- Rows: name, of each such role; PUBLIC is everybody.
WITH RECURSIVE ours (role) AS (
    SELECT pg_roles.oid
    FROM pg_catalog.pg_roles
    WHERE pg_roles.rolname = current_user
    UNION
    SELECT pg_auth_members.roleid
    FROM pg_catalog.pg_auth_members
    JOIN ours ON pg_auth_members.member = ours.role
),
schema AS (
    SELECT pg_namespace.oid, pg_namespace.nspowner, pg_namespace.nspacl
    FROM pg_catalog.pg_namespace
    WHERE pg_namespace.nspname = %(schema)s
),
may_write (role) AS (
    SELECT CASE WHEN owner.rolname = 'pg_database_owner' THEN pg_database.datdba ELSE schema.nspowner END
    FROM schema
    JOIN pg_catalog.pg_roles AS owner ON owner.oid = schema.nspowner
    JOIN pg_catalog.pg_database ON pg_database.datname = pg_catalog.current_database()
    UNION
    SELECT granted.grantee
    FROM schema
    CROSS JOIN LATERAL pg_catalog.aclexplode(schema.nspacl) AS granted
    WHERE granted.privilege_type = 'CREATE'
    UNION
    SELECT pg_class.relowner -- of what says which migrations were applied
    FROM schema
    JOIN pg_catalog.pg_class ON pg_class.relname = 'schema_migration' AND pg_class.relnamespace = schema.oid
    {more}
)
SELECT coalesce(pg_roles.rolname, 'PUBLIC') AS name
FROM may_write
LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = may_write.role
WHERE may_write.role NOT IN (SELECT ours.role FROM ours)
    AND pg_roles.rolsuper IS NOT TRUE
ORDER BY name
