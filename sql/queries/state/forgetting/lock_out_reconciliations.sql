-- Purpose: lets reconciliations wait that choose whom to ask about, or record what they found: they need no lock
-- otherwise. What they have written is seen from now on, and whoever is forgotten is not there for what they write
-- next. Readers do not wait.
-- Rows: none.
LOCK TABLE contact_to_ask IN SHARE ROW EXCLUSIVE MODE
