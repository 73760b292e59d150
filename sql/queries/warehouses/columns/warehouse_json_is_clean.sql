-- Purpose: whether a json column can become jsonb: it escapes no NUL and no half of a surrogate pair, and has no number
-- of hundreds of digits. PostgreSQL keeps json as it was written, and fails on these once it looks into it.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
pg_catalog.regexp_replace(
    {column}::pg_catalog.text,
    '\\\\|\\u[dD][89abAB][0-9a-fA-F][0-9a-fA-F]\\u[dD][c-fC-F][0-9a-fA-F][0-9a-fA-F]',
    '',
    'g'
) OPERATOR(pg_catalog.!~) '\\u(0000|[dD][89a-fA-F])'
AND pg_catalog.regexp_replace({column}::pg_catalog.text, '"(\\.|[^"\\])*"', '', 'g')
    OPERATOR(pg_catalog.!~) '[eE][-+]?0*[1-9][0-9][0-9][0-9]|[0-9]{{155}}[0-9]{{155}}'
