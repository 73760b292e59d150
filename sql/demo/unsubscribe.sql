-- Purpose: lets a customer unsubscribe who is in many audiences, was told so, and shares the address with nobody.
-- Rows: none or one: name, contact.
WITH chosen AS (
    SELECT customers.name, lower(btrim(customers.email)) AS contact
    FROM shop.audience_membership
    JOIN shop.customers ON customers.customer_id = audience_membership.user_id
    WHERE lower(btrim(customers.email)) IN (SELECT h.contact FROM syncer.audience_membership_history AS h)
        AND NOT EXISTS (
            SELECT FROM shop.customers AS others
            WHERE others.customer_id <> customers.customer_id
                AND lower(btrim(others.email)) = lower(btrim(customers.email))
        )
    GROUP BY customers.customer_id, customers.name, customers.email
    ORDER BY count(*) DESC, customers.customer_id
    LIMIT 1
),
added AS (
    INSERT INTO shop.unsubscribed (email) SELECT chosen.contact FROM chosen
)
SELECT chosen.name, chosen.contact
FROM chosen
