-- The history, for people's own SQL: a contract that is widened, never narrowed.

CREATE VIEW sync_runs AS
SELECT
    run_id,
    trigger,
    coalesce(status, 'running') AS status,
    scheduled_at,
    started_at,
    finished_at,
    snapshot_at,
    memberships,
    contacts,
    error,
    syncer_version
FROM run;
COMMENT ON VIEW sync_runs IS 'A row per sync run';
COMMENT ON COLUMN sync_runs.run_id IS 'A growing integer';
COMMENT ON COLUMN sync_runs.trigger IS 'manual, schedule, resync or request';
COMMENT ON COLUMN sync_runs.status IS 'running; or interrupted, failed, held, incomplete, succeeded: the first that applies';
COMMENT ON COLUMN sync_runs.scheduled_at IS 'When the schedule wanted it; null for a run that was asked for';
COMMENT ON COLUMN sync_runs.snapshot_at IS 'The moment of the warehouse that this run read; null until it has';
COMMENT ON COLUMN sync_runs.memberships IS 'Rows in the snapshot, skipped ones included';
COMMENT ON COLUMN sync_runs.contacts IS 'Different email addresses in the snapshot, after trimming and lower-casing';
COMMENT ON COLUMN sync_runs.error IS 'Why it failed, in a sentence';

CREATE VIEW sync_run_destinations AS
SELECT
    d.run_id,
    destination.name AS destination,
    coalesce(d.status, 'running') AS status,
    d.planned,
    d.succeeded,
    d.failed,
    d.unknown,
    d.aborted,
    d.requests,
    d.retries,
    d.skipped,
    d.error
FROM run_destination AS d
JOIN destination USING (destination_id);
COMMENT ON VIEW sync_run_destinations IS 'A row per run and destination; counts are identify calls';
COMMENT ON COLUMN sync_run_destinations.planned IS 'Identifies of this run = succeeded + failed + unknown + aborted once it is closed';
COMMENT ON COLUMN sync_run_destinations.failed IS 'Refused by the destination';
COMMENT ON COLUMN sync_run_destinations.unknown IS 'Sent, and the answer was lost; told again by the next run';
COMMENT ON COLUMN sync_run_destinations.aborted IS 'Planned and never applied; planned afresh by the next run';
COMMENT ON COLUMN sync_run_destinations.requests IS 'HTTP requests, retries included';
COMMENT ON COLUMN sync_run_destinations.skipped IS 'Members that cannot be sent, counted by reason';

CREATE VIEW sync_run_counts AS
SELECT
    c.run_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    c.members,
    c.planned_add AS num_planned_add,
    c.planned_remove AS num_planned_remove,
    c.succeeded_add AS num_succeeded_add,
    c.succeeded_remove AS num_succeeded_remove,
    c.failed_add AS num_failed_add,
    c.failed_remove AS num_failed_remove,
    c.unknown AS num_unknown,
    c.aborted AS num_aborted,
    c.held AS num_held,
    c.initial
FROM run_count AS c
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW sync_run_counts IS 'A row per run, destination and audience; counts are contacts, reassertions not included';
COMMENT ON COLUMN sync_run_counts.members IS 'Different user ids in the snapshot';
COMMENT ON COLUMN sync_run_counts.initial IS 'This run belonged to the initial sync of the audience there';

CREATE VIEW sync_changelog AS
SELECT
    c.run_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    c.contact,
    c.user_id,
    coalesce(c.email, c.contact) AS email,
    c.op::text AS op,
    c.value,
    CASE
        WHEN e.outcome IS NOT NULL THEN e.outcome::text
        WHEN p.status = 'done' THEN 'succeeded'
        WHEN p.status = 'aborted' THEN 'aborted'
        ELSE 'planned'
    END AS status,
    e.reason AS failure_reason,
    e.http_status,
    CASE WHEN c.op <> 'covered' THEN
        message_id(installation.installation_id, run.nonce, destination.name, c.contact, c.part)
    END AS message_id,
    CASE
        WHEN c.op <> 'covered' AND e.outcome IS DISTINCT FROM 'aborted' THEN coalesce(e.attempted_at, p.attempted_at)
    END AS attempted_at
FROM sync_change AS c
JOIN sync_page AS p USING (run_id, destination_id, page)
JOIN run USING (run_id)
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
CROSS JOIN installation
LEFT JOIN sync_exception AS e
    ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
    AND e.contact = c.contact AND e.part = c.part;
COMMENT ON VIEW sync_changelog IS 'Every change that was ever planned: a row per membership, so a contact of two users has two';
COMMENT ON COLUMN sync_changelog.contact IS 'The key that the destination knows';
COMMENT ON COLUMN sync_changelog.op IS 'added, removed, reasserted, trait_changed, or covered: the row moved, the contact''s value did not, no call';
COMMENT ON COLUMN sync_changelog.value IS 'What was told, as JSON';
COMMENT ON COLUMN sync_changelog.status IS 'planned, succeeded, failed, unknown, aborted';
COMMENT ON COLUMN sync_changelog.failure_reason IS 'The destination''s own words, or what happened to the request';
COMMENT ON COLUMN sync_changelog.message_id IS 'The messageId of the identify; null for covered';
COMMENT ON COLUMN sync_changelog.attempted_at IS 'When its page was sent, or the refusal recorded; null for what was never sent';

CREATE VIEW audience_membership_history AS
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    interval.contact,
    interval.user_id,
    coalesce(interval.email, interval.contact) AS email,
    interval.entered_at,
    interval.exited_at,
    interval.entered_run_id,
    interval.exited_run_id
FROM (
    SELECT destination_id, audience_id, contact, user_id, email, entered_at, NULL::timestamptz AS exited_at,
        entered_run_id, NULL::integer AS exited_run_id
    FROM synced_member
    UNION ALL
    SELECT c.destination_id, c.audience_id, c.contact, c.user_id, c.email, c.entered_at, p.settled_at,
        c.entered_run_id, c.run_id
    FROM sync_change AS c
    JOIN sync_page AS p USING (run_id, destination_id, page)
    WHERE c.effect = 'lose'
        AND p.status = 'done'
        AND NOT EXISTS (
            SELECT FROM sync_exception AS e
            WHERE e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
                AND e.contact = c.contact AND e.part = c.part
        )
) AS interval
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW audience_membership_history IS 'When each member entered and left, as accepted by the destination; exited_at is null while it lasts';

CREATE VIEW refused_contacts AS
SELECT destination.name AS destination, r.contact, r.user_id, coalesce(r.email, r.contact) AS email, r.reason,
    r.http_status, r.since, r.since_run_id, r.tries, r.next_try_run_id
FROM refused_contact AS r
JOIN destination USING (destination_id);
COMMENT ON VIEW refused_contacts IS 'Contacts that the destination refused and has not accepted since';
COMMENT ON COLUMN refused_contacts.next_try_run_id IS 'The earliest run that tries again; null: the next one';

CREATE VIEW skipped_members AS
SELECT destination.name AS destination, s.audience, s.user_id, s.email, s.reason, s.since, s.since_run_id,
    NULL::integer AS tries, NULL::integer AS next_try_run_id
FROM skipped_member AS s
JOIN destination USING (destination_id);
COMMENT ON VIEW skipped_members IS 'Rows of the last snapshot that cannot be sent, and why; they go out by themselves once they can';
COMMENT ON COLUMN skipped_members.user_id IS 'As in the warehouse; long texts are cut, unsendable characters replaced';

CREATE VIEW held_changes AS
SELECT destination.name AS destination, audience.name AS audience, audience.property, h.contact, h.user_id,
    coalesce(h.email, h.contact) AS email, h.op::text AS op, h.reason, h.since, h.since_run_id, h.last_run_id,
    NULL::integer AS tries, NULL::integer AS next_try_run_id
FROM held_change AS h
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW held_changes IS 'Changes that wait for approval';

CREATE VIEW operator_actions AS
SELECT at, actor, action, arguments, run_id
FROM operator_action;
COMMENT ON VIEW operator_actions IS 'What people told syncer to do';
