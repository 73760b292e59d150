{{ config(enabled=var('history_schema') is not none) }}

select
    reconciliation_id,
    destination,
    audiences,
    sample,
    seed,
    repairs,
    scheduled,
    actor,
    started_at,
    finished_at,
    contacts,
    asked,
    equal,
    differing,
    moved,
    unreadable,
    missing,
    stale,
    untold,
    changed,
    repaired
from {{ source('syncer', 'reconciliations') }}
