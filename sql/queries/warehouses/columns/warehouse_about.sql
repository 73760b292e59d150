-- Purpose: whether a row may be about somebody. More rows than theirs may come of an email.
-- Placeholders: user_id, email (as texts), users, patterns (of emails in lower case; arrays).
-- Rows: stands inside warehouse_members.
({user_id}) OPERATOR(pg_catalog.=) ANY ({users})
OR pg_catalog.lower(({email}) COLLATE pg_catalog."C") OPERATOR(pg_catalog.~~) ANY ({patterns})
