-- Purpose: lets commands (approve, retry, retire, pause, resume) wait that write what a plan writes too. Taken before
-- the transaction sees its first row: so whatever they had changed is seen, and nothing that they change later is met.
-- Readers do not wait.
-- Rows: none.
LOCK TABLE held_change, refused_contact, audience IN SHARE ROW EXCLUSIVE MODE
