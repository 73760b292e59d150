-- Purpose: hands over rows of tables that keep a snapshot in DuckDB, as they are staged.
-- Placeholders: rows (the statement for them, in which texts are encoded).
-- Rows: audience, user_id, email, unsendable.
SELECT
    decode(kept.audience) AS audience,
    decode(kept.user_id) AS user_id,
    decode(kept.email) AS email,
    kept.unsendable
FROM (
{rows}
) AS kept
