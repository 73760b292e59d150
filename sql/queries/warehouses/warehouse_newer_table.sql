-- Purpose: the table that a configured name means by now, if it is newer than this transaction's snapshot.
-- Parameters: table, a quoted name for to_regclass.
-- Rows: none or one: name.
-- noqa: disable=LT01
SELECT found.oid::pg_catalog.text AS name
FROM pg_catalog.to_regclass(%(table)s) AS found (oid)
WHERE found.oid IS NOT NULL
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE pg_class.oid OPERATOR(pg_catalog.=) found.oid)
