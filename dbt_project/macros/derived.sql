{# A derived metric is computed from values of other metrics: of the same member, in the same period (`now`), in the
   one before (`prior`), a year before (`year_ago`), some months before (`lag`), or from a target (`target`). #}
{# The values of one derived metric, computed from the rows of `kpi_values`. Its terms are t0, t1, …, and there is a
   value for each member and period of t0. w is the unit or the company in the period that a term looks back at. It has
   a value even where the member has none. #}
{% macro derived_values(metric) %}
    select *, case when na_reason is null then {{ exact_ratio('numerator', 'denominator') }} end as value
    from
        (
            select
                '{{ metric.name }}' as metric,
                t0.grain,
                t0.period_start,
                t0.scope,
                t0.dimension,
                t0.member,
                ({{ metric.numerator }})::decimal(38, 8) as numerator,
                ({{ metric.denominator }})::decimal(38, 8) as denominator,
                {% for term in metric.terms %}
                    {{ '1' if term.at == 'target' else 'coalesce(' ~ term.name ~ '.observations, 0)' }}
                    {{ '+' if not loop.last }}
                {% endfor %} as observations,
                case
                    {% for term in metric.terms if term.at in ['prior', 'year_ago', 'lag'] %}
                        when w{{ loop.index0 }}.metric is null
                        then 'no_history'
                        when not (t0.is_complete and w{{ loop.index0 }}.is_complete)
                        then 'partial_period'
                    {% endfor %}
                    {% for term in metric.terms if term.at != 'target' %}
                        when {{ term.name }}.na_reason is not null then {{ term.name }}.na_reason
                    {% endfor %}
                    when coalesce({{ metric.denominator }}, 0) = 0
                    then 'no_denominator'
                end as na_reason,
                t0.period,
                t0.period_end,
                t0.prior_start,
                t0.year_ago_start,
                t0.observed_until,
                t0.is_complete,
                t0.days_elapsed,
                t0.days
            from completed as t0
            {% for term in metric.terms if term.at in ['prior', 'year_ago', 'lag'] %}
                left join
                    completed as w{{ loop.index0 }}
                    on w{{ loop.index0 }}.metric = '{{ term.metric }}'
                    and t0.grain = w{{ loop.index0 }}.grain
                    and w{{ loop.index0 }}.period_start = {{ looked_back_at(term) }}
                    and t0.scope = w{{ loop.index0 }}.scope
                    and w{{ loop.index0 }}.dimension = if(t0.scope = 'all', 'company', 'business_unit')
                left join
                    completed as {{ term.name }}
                    on {{ figure_key(term.name) }}
                    = {{ figure_key('t0', "'" ~ term.metric ~ "'", 'w' ~ loop.index0 ~ '.period_start') }}
            {% endfor %}
            {% for term in metric.terms[1:] if term.at == 'now' %}
                left join
                    completed as {{ term.name }}
                    on {{ figure_key(term.name) }} = {{ figure_key('t0', "'" ~ term.metric ~ "'") }}
            {% endfor %}
            {% for term in metric.terms if term.at == 'target' %}
                inner join
                    (
                        select metric, grain, period_start, scope, dimension, member, target as amount
                        from {{ ref('core_target') }}
                        where metric = '{{ term.metric }}'
                    ) as {{ term.name }}
                    on {{ figure_key(term.name) }} = {{ figure_key('t0', "'" ~ term.metric ~ "'") }}
            {% endfor %}
            where
                t0.metric = '{{ metric.driver }}'
                and t0.grain in ({% for grain in metric.grains %}'{{ grain }}'{{ ', ' if not loop.last }}{% endfor %})
        ) as derived
{% endmacro %}


{# The start of the period that a term looks back at; null where the grain has none. #}
{% macro looked_back_at(term) -%}
    {%- if term.at == 'lag' -%}
        case
            when t0.grain not in ('day', 'week') then cast({{ add_months('t0.period_start', -term.months) }} as date)
        end
    {%- else -%} t0.{{ term.at }}_start
    {%- endif -%}
{%- endmacro %}
