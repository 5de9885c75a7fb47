{# What names a figure, as one text to join by: metric, grain, first day, dimension, scope and member. The names of units and
   members may hold any sign: a scope has its length before it, and the member stands last. So no two figures have one key.

   row            alias of a relation with these columns
   metric         SQL of another metric than the row's
   period_start   SQL of another period's first day; where that is null, the key is no figure's #}
{% macro figure_key(row, metric=none, period_start=none) -%}
    concat_ws(
        '|',
        {{ metric or row ~ '.metric' }},
        {{ row }}.grain,
        cast({{ period_start or row ~ '.period_start' }} as string),
        {{ row }}.dimension,
        cast(length({{ row }}.scope) as string),
        {{ row }}.scope,
        {{ row }}.member
    )
{%- endmacro %}
