-- Purpose: lets nobody leave an audience whose property another name claims as well: those who seem to leave may be
-- among the rows of the other name, which is set aside. Whoever is suppressed leaves by whatever name.
-- Rows: none.
UPDATE contact_change
SET waits = 'contested'
FROM plan_audience
WHERE plan_audience.audience_id = contact_change.audience_id
    AND plan_audience.contested
    AND contact_change.op = 'removed'
    AND NOT EXISTS (SELECT FROM suppressed_contact WHERE suppressed_contact.contact = contact_change.contact)
