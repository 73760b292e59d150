{{ config(enabled=var('history_schema') is not none) }}

select
    destination,
    audience,
    property,
    contact,
    user_id,
    email,
    op,
    reason,
    since,
    since_run_id,
    last_run_id,
    tries,
    next_try_run_id,
    approved_at,
    rolls_back_run_id
from {{ source('syncer', 'held_changes') }}
