{#
    The contact of an address, as syncer has it: without space, tab, CR, LF and U+00A0 around it, A-Z in lower case and
    nothing else changed.
#}
{% macro contact_of(email) -%}
    translate(
        trim({{ email }}, ' ' || chr(9) || chr(10) || chr(13) || chr(160)),
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        'abcdefghijklmnopqrstuvwxyz'
    )
{%- endmacro %}
