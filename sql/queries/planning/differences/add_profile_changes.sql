-- Purpose: adds the contacts whose email or traits are not those that were last accepted to the differences: they are
-- told all of their audiences again, also where others have come in the place of all who were there. The same goes for
-- contacts of which no email or traits were accepted yet.
-- Parameters: destination_id; traits_trigger (a change of traits alone is told, too); reach_contacts, rollout (the
-- destination's reach).
-- Rows: none; fills member_delta with changed.
INSERT INTO member_delta (kind, audience_id, contact, user_id)
SELECT 'changed', synced_member.audience_id, synced_member.contact, synced_member.user_id
FROM profile
LEFT JOIN synced_profile
    ON synced_profile.destination_id = %(destination_id)s AND synced_profile.contact = profile.contact
JOIN synced_member
    ON synced_member.destination_id = %(destination_id)s AND synced_member.contact = profile.contact
JOIN plan_audience ON plan_audience.audience_id = synced_member.audience_id
WHERE (
        synced_profile.contact IS NULL
        OR synced_profile.email IS DISTINCT FROM profile.email
        OR (%(traits_trigger)s AND NOT synced_profile.traits @> profile.traits)
    )
    AND is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(synced_member.contact)
    AND NOT EXISTS (
        SELECT FROM member_delta AS lost
        WHERE lost.kind = 'lose'
            AND lost.contact = synced_member.contact
            AND lost.audience_id = synced_member.audience_id
            AND lost.user_id = synced_member.user_id
            AND NOT EXISTS (
                SELECT FROM member_delta AS came
                WHERE came.kind = 'gain'
                    AND came.contact = lost.contact
                    AND came.audience_id = lost.audience_id
            )
    )
