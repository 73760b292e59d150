{{ config(enabled=var('history_schema') is not none) }}

select
    destination,
    audience,
    property,
    contact,
    user_id,
    email,
    entered_at,
    exited_at,
    entered_run_id,
    exited_run_id
from {{ source('syncer', 'audience_membership_history') }}
