{% set audiences = var('audiences') %}
{% do syncer.refuse_other_audiences(audiences) %}

{% for audience in audiences %}
select
    {{ syncer.text(syncer.audience_name(audience)) }} as audience_name,
    cast(user_id as {{ dbt.type_string() }}) as user_id,
    cast(email as {{ dbt.type_string() }}) as email,
    {% for column in var('trait_columns') %}
    {{ column }},
    {% endfor %}
    {{ dbt.current_timestamp() }} as built_at
from {{ ref(project_name, audience) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
