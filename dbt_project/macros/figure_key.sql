{# The key of a figure, as one text to join by: metric, grain, first day, dimension, scope and member. Names of units
   and members may contain any character. So the length of the scope stands before it, and the member stands last: no two
   figures have the same key.

   row            alias of a relation with these columns
   metric         SQL of another metric than the row's
   period_start   SQL of another period's first day; where it is null, the key matches no figure #}
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


{# The columns that name a figure of one metric, in their order. #}
{% macro figure_columns() -%} grain, period_start, scope, dimension, member {%- endmacro %}
