-- Purpose: forgetting changes the state beside any plan, so nothing is known of any group of users, and all
-- is compared.
-- Rows: none.
UPDATE member_sum
SET fingerprint = NULL, sums = array_fill(NULL::bigint, ARRAY[cardinality(sums)])
WHERE fingerprint IS NOT NULL OR sums IS DISTINCT FROM array_fill(NULL::bigint, ARRAY[cardinality(sums)])
