-- Purpose: how every session of ours is set up. Memory bounds hold for each hash or sort; jit costs more than it
-- gives on these statements. Names are looked up in the state's schema, wherever it is.
-- Placeholders: schema, longest_pause (milliseconds; 0: any).
-- Rows: none.
SET jit = off;
SET work_mem = '64MB';
SET temp_buffers = '64MB';
SET idle_in_transaction_session_timeout = {longest_pause};
SET timezone = 'UTC';
SET client_min_messages = warning;
SET search_path TO {schema}, pg_catalog
