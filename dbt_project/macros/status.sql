{# By how much a value is better than expected: as a share, or in points for a growth rate. `kpi_status` uses it. #}
{% macro better_by(value) -%}
    if(direction = 'higher', 1, -1) * case
        when in_points
        then {{ value }} - expected
        when expected = 0
        then sign({{ value }})::decimal(38, 8)
        else {{ exact_ratio('(' ~ value ~ ' - expected)', 'expected') }} * sign(expected)::int
    end
{%- endmacro %}


{# The status of a value that is better than expected by that much. #}
{% macro status_of(better_by) -%}
    case
        when {{ better_by }} is null
        then 'na'
        when {{ better_by }} >= {{ var('status_ahead') }}
        then 'ahead'
        when {{ better_by }} >= {{ var('status_on_track') }}
        then 'on_track'
        when {{ better_by }} >= {{ var('status_at_risk') }}
        then 'at_risk'
        else 'off_track'
    end
{%- endmacro %}
