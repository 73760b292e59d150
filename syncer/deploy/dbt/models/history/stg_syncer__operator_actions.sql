{{ config(enabled=var('history_schema') is not none) }}

select
    "at",
    actor,
    action,
    arguments,
    run_id,
    uid,
    database_user
from {{ source('syncer', 'operator_actions') }}
