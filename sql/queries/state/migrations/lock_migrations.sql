-- Purpose: one process migrates at a time; released with the transaction. Only whoever owns the state can take this
-- lock, while anybody who may connect could take an advisory one. Readers do not wait.
-- Rows: none.
LOCK TABLE schema_migration IN SHARE ROW EXCLUSIVE MODE
