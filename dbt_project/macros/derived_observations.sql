{# The observations of a growth: what is in the period adds, what is in its base subtracts and is the base. The rows of
   the base are moved into the period that looks back at them, once for every grain. #}
{% macro growth_observations(base_model, base_period) %}
select *
    exclude (metric, numerator, denominator)
    replace (observation_id || '|now' as observation_id),
    '{{ this.name | replace("kpi_", "") }}' as metric,
    numerator,
    0::decimal(18, 4) as denominator
from {{ ref(base_model) }}
{% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
{% set back = 1 if base_period == 'prior' or grain == 'year' else {'day': 0, 'week': 52, 'month': 12, 'quarter': 4}[grain] %}
union all by name
select *
    exclude (metric, numerator, denominator)
    replace (
        observation_id || '|base|{{ grain }}' as observation_id,
        '{{ grain }}' as grain,
        {% if back -%}
        ({{ move("'" ~ grain ~ "'", 'occurred_on', back) }})::date as occurred_on
        {%- else -%}
        (occurred_on + interval 12 month)::date as occurred_on
        {%- endif %}
    ),
    '{{ this.name | replace("kpi_", "") }}' as metric,
    -numerator as numerator,
    numerator as denominator
from {{ ref(base_model) }}
{% if not back %}where not (month(occurred_on) = 2 and day(occurred_on) = 29){% endif %}
{% endfor %}
{% endmacro %}


{# The observations of an attainment: the metric's own, and the target as the denominator of its period and member. #}
{% macro attainment_observations(base_model) %}
select * exclude (metric, denominator), '{{ this.name | replace("kpi_", "") }}' as metric, 0::decimal(18, 4) as denominator
from {{ ref(base_model) }}
union all by name
select
    'target|' || record_id as observation_id,
    source_system,
    source_object,
    record_id,
    'dbt_project/seeds/targets.csv' as source_file,
    {{ start_of_day('period_start') }} as occurred_at,
    period_start as occurred_on,
    grain,
    {% for name in all_dimensions() %}
    case when dimension = '{{ name }}' then member end as {{ name }},
    {% endfor %}
    '{{ this.name | replace("kpi_", "") }}' as metric,
    0::decimal(18, 4) as numerator,
    target as denominator
from {{ ref('core_target') }}
where metric = '{{ base_model | replace("kpi_", "") }}'
{% endmacro %}
