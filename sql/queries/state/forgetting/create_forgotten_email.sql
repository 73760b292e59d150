-- Purpose: the addresses of those who are being forgotten, each with what stands for it from now on.
-- Rows: none.
CREATE TEMPORARY TABLE forgotten_email (
    name text COLLATE "C" PRIMARY KEY,
    token text COLLATE "C" NOT NULL DEFAULT 'forgotten ' || replace(gen_random_uuid()::text, '-', '')
) ON COMMIT DROP
