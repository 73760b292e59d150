-- Purpose: the destinations and the properties that runs can be chosen by.
-- Rows: destination or property, the other one null.
SELECT name AS destination, NULL AS property
FROM destination
UNION ALL
SELECT NULL, property
FROM audience
ORDER BY destination, property
