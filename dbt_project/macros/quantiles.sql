{# Medians and percentiles, computed from the observations themselves, never from averages. #}
{# All quantiles, in tenths. #}
{% macro quantiles() %} {{ return({'median': 5, 'percentile_90': 9, 'km_median': 5}) }}{% endmacro %}


{# Whether an aggregate is computed from `kpi_amounts`: where records count in several periods, or wait. #}
{% macro is_counted(pass, aggregate) %}
    {{ return(aggregate == 'km_median' or (aggregate in quantiles() and pass.kind == 'period')) }}
{% endmacro %}


{# The aggregates of a metric that are computed from `kpi_amounts`. #}
{% macro counted_aggregates(pass, metric) %}
    {% set counted = [] %}
    {% for aggregate in metric.aggregates if is_counted(pass, aggregate) %}
        {% do counted.append(aggregate) %}
    {% endfor %}
    {{ return(counted) }}
{% endmacro %}


{# The parts of a select with a row per metric, aggregate, grain, period and member of one pass. #}
{% macro quantile_parts(pass) %}
    {% set by_rank = [] %}
    {% set parts = [] %}
    {% for metric in pass.metrics %}
        {% for aggregate in metric.aggregates if aggregate in quantiles() %}
            {% if aggregate == 'km_median' %} {% do parts.append(waiting_median(metric.name)) %}
            {% elif is_counted(pass, aggregate) %} {% do parts.append(quantile_by_count(metric.name, aggregate)) %}
            {% else %}
                {% do by_rank.append({'metric': metric.name, 'x': 'x' ~ metric.numerator, 'aggregate': aggregate}) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% if by_rank %} {% do parts.append(quantiles_of_rows(pass, by_rank)) %} {% endif %}
    {{ return(parts) }}
{% endmacro %}


{# The quantiles of a pass's rows. DuckDB interpolates in doubles, which hold 15 digits. So the amounts are ranked
   once, and the ranks of a period, which are small numbers, are sorted. The quantile lies between the amounts of the
   two ranks beside its place. #}
{% macro quantiles_of_rows(pass, wanted) %}
    {% set dimensions = pass.dimensions %}
    {% set amounts = {} %}
    {% for item in wanted %} {% do amounts.update({item.metric: item.x}) %} {% endfor %}
    with
        rows as ({{ measured_rows(pass) }}),
        {% for metric, x in amounts.items() %}
            amount_{{ metric }} as (
                select {{ x }} as amount, cast(row_number() over (order by {{ x }} nulls last) as int) as rank
                from (select distinct {{ x }} from rows where {{ x }} is not null) as amounts
            ),
        {% endfor %}
        ranked as (
            select rows.*{% for metric in amounts %}, amount_{{ metric }}.rank as rank_{{ metric }}{% endfor %}
            from rows
            {% for metric, x in amounts.items() %}
                left join amount_{{ metric }} on rows.{{ x }} = amount_{{ metric }}.amount
            {% endfor %}
        ),
        grouped as (
            select
                case
                    {% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
                        when grouping({{ grain }}_start) = 0 then '{{ grain }}'
                    {% endfor %}
                end as grain,
                coalesce(day_start, week_start, month_start, quarter_start, year_start) as period_start,
                {{ scope_and_member(dimensions) }}
                {% for metric in amounts %} {{ sorted_list('rank_' ~ metric) }} as ranks_{{ metric }}, {% endfor %}
            from ranked
            inner join calendar_day on ranked.occurred_on = calendar_day.day_start
            group by
                grouping sets (
                    {%- for dimension in dimensions %}
                        {% set outer = loop %}
                        {%- for grain in grains_of(dimension) %}
                            (
                                {{ grain }}_start, {{ 'scope, ' if dimension != 'company' }}{{ dimension }}
                            ){{ ', ' if not (outer.last and loop.last) }}
                        {% endfor %}
                    {%- endfor -%}
                )
        )
    {% for item in wanted %}
            {% set ranks = 'ranks_' ~ item.metric %}
            {% set tenths = quantiles()[item.aggregate] ~ ' * (' ~ length_of(ranks) ~ ' - 1)' %}
            {% set place = whole_quotient(tenths, 10) %}
        select
            '{{ item.metric }}' as metric,
            '{{ item.aggregate }}' as aggregate,
            {{ figure_columns() }},
            {{ between('lower.amount', 'upper.amount', tenths) }} as quantile,
            cast(null as decimal(38, 8)) as longer_than
        from grouped
        inner join amount_{{ item.metric }} as lower on {{ value_at(ranks, place ~ ' + 1') }} = lower.rank
        inner join
            amount_{{ item.metric }} as upper
            on {{ value_at(ranks, 'least(' ~ place ~ ' + 2, ' ~ length_of(ranks) ~ ')') }} = upper.rank
        where member is not null {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# A quantile computed from the counts of equal amounts. It lies between the two amounts beside its place. #}
{% macro quantile_by_count(metric, aggregate) %}
    {% set tenths = quantiles()[aggregate] ~ ' * (total - 1)' %}
    select
        '{{ metric }}' as metric,
        '{{ aggregate }}' as aggregate,
        {{ figure_columns() }},
        {{ between('lower', 'upper', tenths) }} as quantile,
        cast(null as decimal(38, 8)) as longer_than
    from
        (
            select
                {{ figure_columns() }},
                total,
                min(amount) filter (where up_to > {{ whole_quotient(tenths, 10) }}) as lower,
                min(amount) filter (where up_to > least({{ whole_quotient(tenths, 10) }} + 1, total - 1)) as upper
            from
                (
                    select
                        *,
                        sum(times) over (partition by {{ figure_columns() }} order by amount nulls last) as up_to,
                        sum(times) over (partition by {{ figure_columns() }}) as total
                    from known_amount
                    where known_amount.metric = '{{ metric }}'
                ) as placed
            group by {{ figure_columns() }}, total
        ) as sides
{% endmacro %}


{# How often each amount of a metric occurs, by period and member. `events` counts the observations whose wait is over.
   Equal rows are counted first, and then these counts are added up by family. #}
{% macro counted_amounts(pass, metric) %}
    {% set dimensions = pass.dimensions %}
    {% set keys = 'grain, period_start, amount' %}
    {% set columns = keys ~ ', scope, ' ~ dimensions | join(', ') %}
    select '{{ metric.name }}' as metric, *
    from
        (
            select
                grain,
                period_start,
                {{ scope_and_member(dimensions) }} amount,
                sum(times) as times,
                sum(events) as events
            from
                (
                    select {{ columns }}, sum(times) as times, sum(events) as events
                    from
                        (
                            select {{ columns }}, count(*) as times, count(*) filter (where is_event) as events
                            from ({{ rows_by_period(pass, metric) }}) as by_period
                            group by {{ columns }}
                        ) as alike
                    group by {{ by_family(keys, dimensions) }}
                ) as by_family
            group by {{ by_member(keys, dimensions) }}
        ) as by_member
    where member is not null and (grain <> 'day' or dimension in ('company', 'business_unit'))
{% endmacro %}


{# The observations of a metric, each with every period in which it counts. The amount is null where it is not known. #}
{% macro rows_by_period(pass, metric) %}
    {% set has_own_period = pass.kind == 'period' and not pass.get('has_spans') %}
    {% set period = 'measured' if has_own_period else 'period' %}
    select
        {{ period }}.grain,
        {{ period }}.period_start,
        measured.scope,
        {% for dimension in pass.dimensions %} measured.{{ dimension }},{% endfor %}
        measured.x{{ metric.numerator }} as amount,
        {{ 'measured.is_event' if pass.get('waits') else 'true' }} as is_event
    from ({{ measured_rows(pass) }}) as measured
    {% if pass.get('has_spans') %}
        inner join horizon on measured.scope = horizon.business_unit
        inner join period on {{ counts_in('period', 'measured', 'period') }} and period.period_start <= horizon.last_on
    {% elif not has_own_period %} inner join period on {{ counts_in(pass.kind, 'measured', 'period') }}
    {% endif %}
    where measured.k{{ metric.k }}
{% endmacro %}


{# The Kaplan-Meier median. A row that still waits is at risk up to the length that it has waited. Of equal lengths,
   ends come before waits. Where the curve lies exactly on a half, the median is the middle of that stretch. So without
   waiting rows it is the ordinary median. Where the curve stays above a half, the median is longer than what is known. #}
{% macro waiting_median(metric) %}
    select
        '{{ metric }}' as metric,
        'km_median' as aggregate,
        {{ figure_columns() }},
        case when below is not null then {{ between('reached', 'below', '5') }} end as quantile,
        case when below is null then {{ between('coalesce(reached, longest)', 'longest', '5') }} end as longer_than
    from
        (
            select {{ figure_columns() }}, longest, ends.reached as reached, ends.below as below
            from
                (
                    select
                        {{ figure_columns() }},
                        max(amount) as longest,
                        {{ half_of_curve('amount', 'events', 'at_risk') }} as ends
                    from
                        (
                            select
                                *,
                                sum(times) over (
                                    partition by {{ figure_columns() }} order by amount desc nulls last
                                ) as at_risk
                            from known_amount
                            where known_amount.metric = '{{ metric }}'
                        ) as waited
                    group by {{ figure_columns() }}
                ) as curve
        ) as sides
{% endmacro %}


{# The amount at a place between two neighbours. The last digit of `tenths` says how many tenths of the way. #}
{% macro between(lower, upper, tenths) -%}
    ({{ lower }} + ({{ upper }} - {{ lower }}) * (({{ tenths }} % 10)::int * 0.1::decimal(2, 1)))::decimal(38, 8)
{%- endmacro %}


{# No rows, in the shape of the quantiles. #}
{% macro no_quantiles() %}
    select
        null::string as metric,
        null::string as aggregate,
        null::string as grain,
        null::date as period_start,
        null::string as scope,
        null::string as dimension,
        null::string as member,
        null::decimal(38, 8) as quantile,
        null::decimal(38, 8) as longer_than
    from calendar_day
    cross join known_amount
    where false
{% endmacro %}


{# No rows, in the shape of the amounts. #}
{% macro no_amounts() %}
    select
        null::string as metric,
        null::string as grain,
        null::date as period_start,
        null::string as scope,
        null::string as dimension,
        null::string as member,
        null::decimal(30, 8) as amount,
        null::bigint as times,
        null::bigint as events
    from period
    cross join horizon
    where false
{% endmacro %}
