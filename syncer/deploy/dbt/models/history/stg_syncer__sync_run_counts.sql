{{ config(enabled=var('history_schema') is not none) }}

select
    run_id,
    destination,
    audience,
    property,
    members,
    num_planned_add,
    num_planned_remove,
    num_succeeded_add,
    num_succeeded_remove,
    num_failed_add,
    num_failed_remove,
    num_unknown,
    num_aborted,
    num_held,
    initial,
    num_refreshed
from {{ source('syncer', 'sync_run_counts') }}
