{#
    The property of an audience's name, by the rule of syncer (`syncer/naming.py`): ASCII, lower case, every run of
    other characters a single `_`; a single camel-case word is split where all of its humps have three letters.
#}
{% macro property_of(name) %}
    {%- set letters = [] -%}
    {%- set table = syncer.ascii_characters() -%}
    {%- for character in name -%}
        {%- if character <= '\x7f' -%}
            {%- do letters.append(character) -%}
        {%- else -%}
            {%- for ascii, characters in table.items() if character in characters -%}
                {%- do letters.append(ascii) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set plain = letters | join -%}
    {%- set word = modules.re.sub('([A-Z]+)([A-Z][a-z])', '\\1_\\2', plain) -%}
    {%- set word = modules.re.sub('([a-z])([A-Z])', '\\1_\\2', word) -%}
    {%- if modules.re.fullmatch('[A-Za-z]{3,}(_[A-Za-z]{3,})*', word) and '_' not in plain -%}
        {{- word | lower -}}
    {%- else -%}
        {{- modules.re.sub('[^a-z0-9]+', '_', plain | lower).strip('_') -}}
    {%- endif -%}
{% endmacro %}
