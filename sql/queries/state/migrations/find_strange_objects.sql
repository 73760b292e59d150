-- Purpose: who else owns something in the schema that is to hold the state: see find_strangers. Asked before a
-- migration only: once nobody else may put anything there, nobody else can own what is there.
-- Parameters: schema.
-- Rows: name, of each such role.
WITH RECURSIVE ours (role) AS (
    SELECT pg_roles.oid
    FROM pg_catalog.pg_roles
    WHERE pg_roles.rolname = current_user
    UNION
    SELECT pg_auth_members.roleid
    FROM pg_catalog.pg_auth_members
    JOIN ours ON pg_auth_members.member = ours.role
),
object (namespace, owner) AS (
    SELECT pg_proc.pronamespace, pg_proc.proowner FROM pg_catalog.pg_proc
    UNION
    SELECT pg_class.relnamespace, pg_class.relowner FROM pg_catalog.pg_class
    UNION
    SELECT pg_operator.oprnamespace, pg_operator.oprowner FROM pg_catalog.pg_operator
    UNION
    SELECT pg_type.typnamespace, pg_type.typowner FROM pg_catalog.pg_type
)
SELECT DISTINCT pg_roles.rolname AS name
FROM object
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = object.namespace
JOIN pg_catalog.pg_roles ON pg_roles.oid = object.owner
WHERE pg_namespace.nspname = %(schema)s
    AND object.owner NOT IN (SELECT ours.role FROM ours)
    AND NOT pg_roles.rolsuper
ORDER BY name
