{#
    Every audience has a property, and one of its own. `properties` are those that syncer's configuration overrides
    (`property` of `[[audiences]]`), by the name of the audience.
#}
{% test audience_names_distinct(model, column_name, properties={}) %}

{% set wanting = {} %}
{% if execute %}
    {# An x before each name: dbt takes texts such as `null` for something else. #}
    {% set names %}
        select distinct 'x' || {{ column_name }}
        from {{ model }}
        where {{ column_name }} is not null
    {% endset %}
    {% for row in run_query(names).rows %}
        {% set name = row[0][1:] %}
        {% set property = properties[name] if name in properties else syncer.property_of(name) | trim %}
        {% do wanting.setdefault(property, []).append(name) %}
    {% endfor %}
{% endif %}

select audience_name, property
from (
    select {{ syncer.text('') }} as audience_name, {{ syncer.text('') }} as property, 0 as found
    {% for property, names in wanting.items() if names | length > 1 or not property %}
        {% for name in names %}
    union all
    select {{ syncer.text(name) }}, {{ syncer.text(property) }}, 1
        {% endfor %}
    {% endfor %}
) as audiences
where found = 1

{% endtest %}
