-- Purpose: nobody asks any more how often a contact that is being forgotten gave no answer.
-- Rows: none.
DELETE FROM unanswered_contact AS n
USING forgotten_contact AS p
WHERE n.contact = p.name
