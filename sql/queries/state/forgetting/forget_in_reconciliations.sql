-- Purpose: nobody is asked about people who are being forgotten, and what was found out about them stays countable.
-- Rows: none.
WITH not_asked AS (
    DELETE FROM contact_to_ask
    USING reconciliation, forgotten_contact
    WHERE contact_to_ask.reconciliation_id = reconciliation.reconciliation_id
        AND reconciliation.destination_id = forgotten_contact.destination_id
        AND contact_to_ask.contact = forgotten_contact.contact
)

UPDATE reconciled_difference
SET contact = forgotten_contact.token, believed = NULL, accepted = NULL
FROM forgotten_contact
WHERE reconciled_difference.destination_id = forgotten_contact.destination_id
    AND reconciled_difference.contact = forgotten_contact.contact
