-- Purpose: fills suppressed_contact with those that the warehouse names.
-- Parameters: kind (contact or user: what the destination knows its contacts by).
-- Rows: none.
INSERT INTO suppressed_contact (contact)
SELECT DISTINCT suppressed_person.name
FROM suppressed_person
WHERE suppressed_person.kind = %(kind)s
