{{ config(enabled=var('history_schema') is not none) }}

select
    destination,
    contact,
    user_id,
    email,
    reason,
    http_status,
    since,
    since_run_id,
    tries,
    next_try_run_id
from {{ source('syncer', 'refused_contacts') }}
