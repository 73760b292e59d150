{{ config(enabled=var('history_schema') is not none) }}

select
    destination,
    audience,
    user_id,
    email,
    reason,
    since,
    since_run_id,
    tries,
    next_try_run_id
from {{ source('syncer', 'skipped_members') }}
