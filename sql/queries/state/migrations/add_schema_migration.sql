-- Purpose: records a migration, in the transaction that applies it.
-- Parameters: number, name, checksum.
-- Rows: none.
INSERT INTO schema_migration (number, name, checksum)
VALUES (%(number)s, %(name)s, %(checksum)s)
