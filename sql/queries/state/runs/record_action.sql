-- Purpose: what a person told syncer to do.
-- Parameters: actor, action, arguments, run_id.
-- Rows: none.
INSERT INTO operator_action (actor, action, arguments, run_id)
VALUES (%(actor)s, %(action)s, %(arguments)s, %(run_id)s)
