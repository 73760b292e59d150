{#
    Every audience has between `min` and `max` times the members that the last run of syncer found in it. One that no
    run found passes, and where `history_schema` is not set all do.
#}
{% test growth_within(model, min, max, audience='audience_name', user_id='user_id') %}

{% if var('history_schema') is none %}

select 1 as nothing_to_compare_with
where 1 = 0

{% else %}

with counts as (
    select run_id, audience, members
    from {{ ref('stg_syncer__sync_run_counts') }}
    where members > 0
),

last_runs as (
    select audience, max(run_id) as run_id
    from counts
    group by audience
),

found as (
    select counts.audience, max(counts.members) as members
    from counts
    join last_runs on last_runs.audience = counts.audience and last_runs.run_id = counts.run_id
    group by counts.audience
),

{# Those without a member, too: that is what a broken model makes. #}
audiences as (
    {% for each in var('audiences') %}
    select {{ syncer.text(syncer.audience_name(each)) }} as audience
    union
    {% endfor %}
    select {{ audience }}
    from {{ model }}
),

present as (
    select {{ audience }} as audience, count(distinct {{ user_id }}) as members
    from {{ model }}
    group by {{ audience }}
)

select
    found.audience,
    found.members as members_then,
    coalesce(present.members, 0) as members_now
from found
join audiences on audiences.audience = found.audience
left join present on present.audience = found.audience
where coalesce(present.members, 0) < {{ min }} * found.members
    or coalesce(present.members, 0) > {{ max }} * found.members

{% endif %}

{% endtest %}
