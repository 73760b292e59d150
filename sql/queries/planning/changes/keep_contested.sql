-- Purpose: lets nobody leave an audience whose property another name claims as well: those who seem to leave may be
-- among the rows of the other name, which is set aside.
-- Rows: none.
UPDATE contact_change
SET waits = 'contested'
FROM plan_audience
WHERE plan_audience.audience_id = contact_change.audience_id
    AND plan_audience.contested
    AND contact_change.op = 'removed'
