{{ config(enabled=var('history_schema') is not none) }}

select
    run_id,
    trigger,
    status,
    scheduled_at,
    started_at,
    finished_at,
    snapshot_at,
    memberships,
    contacts,
    error,
    syncer_version,
    read,
    read_because,
    read_rows,
    read_bytes,
    rolls_back_run_id
from {{ source('syncer', 'sync_runs') }}
