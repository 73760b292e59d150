{{ config(enabled=var('history_schema') is not none) }}

select
    run_id,
    destination,
    status,
    planned,
    succeeded,
    failed,
    unknown,
    aborted,
    requests,
    retries,
    skipped,
    error
from {{ source('syncer', 'sync_run_destinations') }}
