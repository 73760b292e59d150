-- Purpose: says whether the state knows a run as it was once noted, at least as far as it was then, or somebody said
-- since that it may not: of this run, whatever the clock of the server is by now, or later than it.
-- Parameters: run_id, nonce, closed, settled, at (of the note).
-- Rows: one: known.
SELECT
    EXISTS (
        SELECT FROM run
        WHERE run.run_id = %(run_id)s
            AND run.nonce = %(nonce)s
            AND (
                run.phase = 'closed'
                OR (
                    NOT %(closed)s
                    AND %(settled)s <= (
                        SELECT count(*)
                        FROM sync_page
                        WHERE sync_page.run_id = run.run_id AND sync_page.status IN ('done', 'aborted')
                    )
                )
            )
    )
    OR EXISTS (
        SELECT FROM operator_action
        WHERE operator_action.action = 'restored'
            AND (operator_action.at > %(at)s OR operator_action.arguments ->> 'nonce' = %(nonce)s::text)
    ) AS known
