-- The least that three roles need. Edit the names, then run it in psql as an administrator.
--
--   syncer_reader   reads the warehouse: `warehouse.url`. Only the membership table (or view), and nothing to write.
--   syncer_owner    keeps the state: `state.url`. Owns one schema, and may make temporary tables.
--   syncer_auditor  reads the history views, and no table below them.
--
-- Names that you may have to change: the three roles, the schema `syncer` (`state.schema`), and the membership table
-- `public.audience_membership`. Make the roles first, with passwords of your own:
--   CREATE ROLE syncer_reader LOGIN; CREATE ROLE syncer_owner LOGIN; CREATE ROLE syncer_auditor LOGIN;
-- Warehouse and state in two databases: run part 1 in the warehouse, parts 2 and 3 in the state's database.

-- Part 1: the warehouse. The table has to be there first: rights belong to it, so one that is made anew (by dbt, for
-- example) needs them again, or ALTER DEFAULT PRIVILEGES for the role that makes it. Queries of `[[audiences]]` need
-- SELECT on what they read, too.
DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO syncer_reader', current_database()); END $$;
GRANT USAGE ON SCHEMA public TO syncer_reader;
GRANT SELECT ON public.audience_membership TO syncer_reader;

-- If `warehouse.scratch` is set (here: syncer_scratch), the reader makes tables there, and temporary ones:
--   CREATE SCHEMA syncer_scratch; GRANT USAGE, CREATE ON SCHEMA syncer_scratch TO syncer_reader;
--   GRANT TEMPORARY ON DATABASE … TO syncer_reader; (as a rule everybody may)

-- Part 2: the state. Run it before `syncer migrate`. CREATE on the database is not needed: the schema is there.
CREATE SCHEMA IF NOT EXISTS syncer AUTHORIZATION syncer_owner;
DO $$ BEGIN EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO syncer_owner', current_database()); END $$;

-- So that addresses stay out of the server's log of slow statements (PostgreSQL 15 and later, as a superuser):
--   GRANT SET ON PARAMETER log_parameter_max_length TO syncer_owner;

-- Part 3: the auditor. Run it again after every `syncer migrate`: a view that was made anew has lost its readers.
DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO syncer_auditor', current_database()); END $$;
GRANT USAGE ON SCHEMA syncer TO syncer_auditor;
DO $$
DECLARE
    history_view regclass;
BEGIN
    FOR history_view IN
        SELECT oid FROM pg_class WHERE relnamespace = 'syncer'::regnamespace AND relkind = 'v'
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO syncer_auditor', history_view);
    END LOOP;
END $$;
