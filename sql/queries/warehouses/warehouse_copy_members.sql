-- Purpose: streams the members of one source.
-- Placeholders: members, the statement warehouse_members.
-- Rows: PostgreSQL's binary COPY format.
COPY (
{members}
) TO STDOUT (FORMAT binary)
