{# The observations of a growth: what is in the period adds, what is in its base subtracts and is the base. The rows of
   the base are moved into the period that looks back at them, once for every grain. #}
{% macro growth_observations(base_model, base_period) %}
select *
    exclude (metric, numerator, denominator)
    replace (observation_id || '|now' as observation_id),
    '{{ model_name() | replace("kpi_", "") }}' as metric,
    numerator,
    0::decimal(30, 8) as denominator
from {{ ref(base_model) }}
{% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
{% if base_period == 'prior' or grain == 'year' %}
{{ base_observations(base_model, grain, move("'" ~ grain ~ "'", 'occurred_on', 1)) }}
{% elif grain == 'day' %}
{{ base_observations(base_model, grain, 'occurred_on + interval 12 month',
    where='not (month(occurred_on) = 2 and day(occurred_on) = 29)') }}
{# A 29 February looks back at the 28th, as the 28th beside it does. #}
{{ base_observations(base_model, grain, 'occurred_on + interval 12 month + interval 1 day', suffix='|leap',
    where='month(occurred_on) = 2 and day(occurred_on) = 28 and day(last_day(occurred_on + interval 12 month)) = 29') }}
{% else %}
{{ base_observations(base_model, grain, move("'" ~ grain ~ "'", 'occurred_on', {'week': 52, 'month': 12, 'quarter': 4}[grain])) }}
{% endif %}
{% endfor %}
{% endmacro %}


{% macro base_observations(base_model, grain, moved_to, where='true', suffix='') %}
union all by name
select *
    exclude (metric, numerator, denominator)
    replace (
        observation_id || '|base|{{ grain }}{{ suffix }}' as observation_id,
        '{{ grain }}' as grain,
        ({{ moved_to }})::date as occurred_on
    ),
    '{{ model_name() | replace("kpi_", "") }}' as metric,
    -numerator as numerator,
    numerator as denominator
from {{ ref(base_model) }}
where {{ where }}
{% endmacro %}


{# The observations of an attainment: the metric's own, and the target as the denominator of its period and member. #}
{% macro attainment_observations(base_model) %}
select * exclude (metric, denominator), '{{ model_name() | replace("kpi_", "") }}' as metric, 0::decimal(30, 8) as denominator
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
    scope,
    {% for name in all_dimensions() %}
    case when dimension = '{{ name }}' then member end as {{ name }},
    {% endfor %}
    '{{ model_name() | replace("kpi_", "") }}' as metric,
    0::decimal(30, 8) as numerator,
    target as denominator
from {{ ref('core_target') }}
where metric = '{{ base_model | replace("kpi_", "") }}'
{% endmacro %}
