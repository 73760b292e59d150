-- Purpose: what a person told syncer to do.
-- Parameters: actor, uid, database_user (null: of this session), action, arguments, run_id.
-- Rows: none.
INSERT INTO operator_action (actor, uid, database_user, action, arguments, run_id)
VALUES (
    %(actor)s,
    %(uid)s,
    coalesce(%(database_user)s::text, session_user::text),
    %(action)s,
    %(arguments)s,
    %(run_id)s
)
