-- Purpose: the contacts that several customers share: true examples, but not the first that one should see.
-- Rows: contact.
SELECT lower(btrim(email)) AS contact
FROM shop.customers
GROUP BY lower(btrim(email))
HAVING count(*) > 1
