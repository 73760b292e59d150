-- Purpose: an audience of a run.
-- Parameters: run_id, position, audience_id, name, property, members, problem.
-- Rows: none.
INSERT INTO run_audience (run_id, position, audience_id, name, property, members, problem)
VALUES (
    %(run_id)s, %(position)s, %(audience_id)s, %(name)s, %(property)s, %(members)s, %(problem)s
)
