{{ config(enabled=var('history_schema') is not none) }}

select
    audience,
    property,
    user_id,
    since,
    since_run_id,
    until,
    until_run_id
from {{ source('syncer', 'held_out_members') }}
