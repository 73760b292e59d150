{{ config(enabled=var('history_schema') is not none) }}

select
    run_id,
    destination,
    audience,
    property,
    contact,
    user_id,
    email,
    op,
    value,
    status,
    failure_reason,
    http_status,
    message_id,
    attempted_at
from {{ source('syncer', 'sync_changelog') }}
