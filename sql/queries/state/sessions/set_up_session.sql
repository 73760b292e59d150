-- Purpose: how every session of ours is set up, whatever role, database and server have as defaults. Memory bounds hold
-- for each hash or sort; jit costs more than it gives on these statements. Names are looked up in pg_catalog, then in
-- the state's schema, and nowhere else. Row policies of somebody else are an error, not fewer rows. Nobody's time
-- limits cut off a long plan. A commit is on the disk when it is acknowledged: a page may leave after that. Parameters,
-- which name people, stay out of the server's log of slow statements, where this role may say so.
-- Placeholders: schema, longest_pause (milliseconds; 0: any), may_hide_parameters (a condition).
-- Rows: none of interest.
SET jit = off;
SET work_mem = '64MB';
SET client_min_messages = warning;
SET search_path TO {schema};
SET default_transaction_isolation = 'read committed';
SET default_transaction_read_only = off;
SET default_transaction_deferrable = off;
SET default_tablespace = '';
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_session_timeout = 0;
SET idle_in_transaction_session_timeout = {longest_pause};
-- PostgreSQL 17 and later have it.
SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('log_parameter_max_length', '0', false) WHERE {may_hide_parameters};
SET row_security = off;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET array_nulls = on;
SET transform_null_equals = off;
SET standard_conforming_strings = on;
SET lc_monetary = 'C';
SET lc_numeric = 'C';
SET lc_time = 'C'
