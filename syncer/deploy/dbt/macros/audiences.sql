{# The name of the audience that a model makes: its meta, or the name of the model. #}
{% macro audience_name(model_name) %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.name == model_name %}
        {{ return(node.config.meta.audience or model_name) }}
    {% endfor %}
    {{ return(model_name) }}
{% endmacro %}


{#
    Stops unless the audiences that are listed are those that are tagged. The list is what dbt learns the order from,
    since it knows no tags before it runs something; the tag is what nobody forgets to write into a model.
#}
{% macro refuse_other_audiences(listed) %}
    {% if execute %}
        {% set tag, tagged = var('audience_tag'), [] %}
        {% for node in graph.nodes.values() if node.resource_type == 'model' and tag in node.tags %}
            {% do tagged.append(node.name) %}
        {% endfor %}
        {% set unlisted = tagged | reject('in', listed) | sort | join(', ') %}
        {% set untagged = listed | reject('in', tagged) | sort | join(', ') %}
        {% if unlisted %}
            {{ exceptions.raise_compiler_error(
                "tagged `" ~ tag ~ "`, and not in the variable `audiences` of syncer: " ~ unlisted
            ) }}
        {% elif untagged %}
            {{ exceptions.raise_compiler_error(
                "in the variable `audiences` of syncer, and not tagged `" ~ tag ~ "`: " ~ untagged
            ) }}
        {% elif not listed %}
            {{ exceptions.raise_compiler_error(
                "no audience is tagged `" ~ tag ~ "`: an empty table would say that everybody left"
            ) }}
        {% endif %}
    {% endif %}
{% endmacro %}


{# A text of ours in SQL. #}
{% macro text(value) %}cast('{{ dbt.escape_single_quotes(value) }}' as {{ dbt.type_string() }}){% endmacro %}
