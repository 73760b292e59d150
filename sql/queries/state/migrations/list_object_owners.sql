-- Purpose: a part of find_strangers: who owns what is in the schema already. Asked before a migration only: once nobody
-- else may put anything there, nobody else can own what is there.
-- Rows: owner.
SELECT object.owner
FROM schema
JOIN (
    SELECT pg_proc.pronamespace, pg_proc.proowner FROM pg_catalog.pg_proc
    UNION
    SELECT pg_class.relnamespace, pg_class.relowner FROM pg_catalog.pg_class
    UNION
    SELECT pg_operator.oprnamespace, pg_operator.oprowner FROM pg_catalog.pg_operator
    UNION
    SELECT pg_type.typnamespace, pg_type.typowner FROM pg_catalog.pg_type
) AS object (namespace, owner) ON object.namespace = schema.oid
