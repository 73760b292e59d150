{{ config(enabled=var('history_schema') is not none) }}

select
    reconciliation_id,
    destination,
    audience,
    property,
    contact,
    kind,
    believed,
    accepted,
    knows_contact,
    repaired
from {{ source('syncer', 'reconciled_differences') }}
