-- Purpose: the identity of this state.
-- Rows: one: installation_id.
SELECT installation_id
FROM installation
