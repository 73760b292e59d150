-- Purpose: the identity of this state.
-- Rows: one: installation_id.
SELECT i.installation_id
FROM installation AS i
