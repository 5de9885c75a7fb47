{# From facts to values per period and member. A pass is one fact read once for all metrics that share its day. #}


{# The passes: each a fact, a day, an end, and its metrics with their numerators, denominators and conditions. #}
{% macro passes(models) %}
    {% set found = {} %}
    {% for relation in models %}
        {% set node = graph.nodes['model.' ~ project_name ~ '.' ~ relation.identifier] %}
        {% set meta = node.config.meta %}
        {% if meta.aggregate not in ['growth', 'attainment'] %}
            {% set parameters = model_parameters(relation.identifier) %}
            {% set spec = {} %}
            {% for name, sql in meta.get('pass').items() %}{% do spec.update({name: with_parameters(sql, parameters)}) %}{% endfor %}
            {% set key = spec.fact ~ '|' ~ spec.on ~ '|' ~ spec.until %}
            {% set metric = {'name': relation.identifier | replace('kpi_', ''), 'where': spec.where,
                             'numerator': spec.numerator, 'denominator': spec.denominator,
                             'aggregates': [meta.aggregate] + (meta.get('beside', []) | map(attribute='aggregate') | list)} %}
            {% if key not in found %}
                {% do found.update({key: {'fact': spec.fact, 'on': spec.on, 'until': spec.until, 'metrics': []}}) %}
            {% endif %}
            {% do found[key].metrics.append(metric) %}
        {% endif %}
    {% endfor %}
    {{ return(found.values() | list) }}
{% endmacro %}


{# One row per metric, grain, period and member of one pass. #}
{% macro rollup(pass) %}
    {% set columns = fact_columns(pass.fact) %}
    {% set dimensions = dimensions_of(pass.fact) %}
    {% if 'company' not in dimensions %}{% set dimensions = ['company'] + dimensions %}{% endif %}
    {% if 'grain' in columns %}{{ rollup_by_grain(pass, dimensions) }}
    {% elif pass.until %}{{ rollup_stock(pass, dimensions) }}
    {% else %}{{ rollup_flow(pass, dimensions) }}
    {% endif %}
{% endmacro %}


{# The fact's rows with each metric's n (numerator), d (denominator) and k (counts or not), null where it doesn't. #}
{% macro measured_rows(pass, dimensions) %}
    {% set columns = fact_columns(pass.fact) %}
    select
        ({{ pass.on }})::date as occurred_on,
        {% if pass.until %}({{ pass.until }})::date as ended_on,{% endif %}
        {% if 'grain' in columns %}fact.grain, fact.period_start,{% endif %}
        {% for dimension in dimensions %}
        {{ "'all' as company" if dimension == 'company' and 'company' not in columns else 'fact.' ~ dimension }},
        {% endfor %}
        {% for metric in pass.metrics %}
        ({{ metric.where }}) as k_{{ metric.name }},
        case when {{ metric.where }} then ({{ metric.numerator }})::decimal(18, 4) end as n_{{ metric.name }},
        case when {{ metric.where }} then ({{ metric.denominator }})::decimal(18, 4) end as d_{{ metric.name }}
        {{- ',' if not loop.last }}
        {% endfor %}
    from {{ relation_of(pass.fact) }} as fact
    where {{ pass.on }} is not null
        {%- if pass.until %} and ({{ pass.until }} is null or {{ pass.until }} > {{ pass.on }}){% endif %}
{% endmacro %}


{% macro measured_sums(pass, sign=none) %}
    {% for metric in pass.metrics %}
    {% set name = metric.name %}
    {% set times = '' if sign is none else ' * ' ~ sign %}
    sum(n_{{ name }}{{ times }}) as n_{{ name }},
    sum(d_{{ name }}{{ times }}) as d_{{ name }},
    {% if sign is none %}count(*) filter (where k_{{ name }}){% else %}sum({{ sign }}) filter (where k_{{ name }}){% endif %} as k_{{ name }},
    {% if sign is none %}count(*) filter (where k_{{ name }} and (n_{{ name }} is null or d_{{ name }} is null))
    {%- else %}coalesce(sum({{ sign }}) filter (where k_{{ name }} and (n_{{ name }} is null or d_{{ name }} is null)), 0){% endif %} as m_{{ name }}
    {{- ',' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# Which dimension a row of the grouping sets is about, and its member; a null member doesn't count. #}
{% macro dimension_and_member(dimensions) %}
    case
        {% for dimension in dimensions %}when grouping({{ dimension }}) = 0 then '{{ dimension }}'
        {% endfor %}
    end as dimension,
    coalesce({{ dimensions | join(', ') }}) as member
{% endmacro %}


{# From columns per metric to a row per metric. #}
{% macro one_row_per_metric(pass, relation, keys, counted='> 0') %}
    {% for metric in pass.metrics %}
    select
        '{{ metric.name }}' as metric,
        {{ keys | join(', ') }},
        n_{{ metric.name }} as numerator,
        d_{{ metric.name }} as denominator,
        k_{{ metric.name }} as observations,
        m_{{ metric.name }} as missing
    from {{ relation }}
    where member is not null and k_{{ metric.name }} {{ counted }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# Flows. Sums are taken by day first and days are added up to periods, which is exact and cheap. #}
{% macro rollup_flow(pass, dimensions) %}
    select
        daily.metric,
        calendar.grain,
        calendar.period_start,
        daily.dimension,
        daily.member,
        sum(daily.numerator) as numerator,
        sum(daily.denominator) as denominator,
        sum(daily.observations) as observations,
        sum(daily.missing) as missing
    from (
        with rows as ({{ measured_rows(pass, dimensions) }}),
        daily as (
            select
                occurred_on,
                {{ dimension_and_member(dimensions) }},
                {{ measured_sums(pass) }}
            from rows
            group by grouping sets (
                {%- for dimension in dimensions %}(occurred_on, {{ dimension }}){{ ', ' if not loop.last }}{% endfor -%}
            )
        )
        {{ one_row_per_metric(pass, 'daily', ['occurred_on', 'dimension', 'member']) }}
    ) as daily
    inner join calendar on daily.occurred_on = calendar.day
    where calendar.grain <> 'day' or daily.dimension in ('company', 'business_unit')
    group by all
{% endmacro %}


{# Facts that have a row per period already. #}
{% macro rollup_by_grain(pass, dimensions) %}
    select metric, grain, period_start, dimension, member, numerator, denominator, observations, missing
    from (
        with rows as ({{ measured_rows(pass, dimensions) }}),
        grouped as (
            select
                grain,
                period_start,
                {{ dimension_and_member(dimensions) }},
                {{ measured_sums(pass) }}
            from rows
            group by grouping sets (
                {%- for dimension in dimensions %}(grain, period_start, {{ dimension }}){{ ', ' if not loop.last }}{% endfor -%}
            )
        )
        {{ one_row_per_metric(pass, 'grouped', ['grain', 'period_start', 'dimension', 'member']) }}
    )
    where grain <> 'day' or dimension in ('company', 'business_unit')
{% endmacro %}


{# Stocks. A row enters on its day and leaves on its end; what has entered and not left is the value at a period's end. #}
{% macro rollup_stock(pass, dimensions) %}
    with rows as ({{ measured_rows(pass, dimensions) }}),
    moved as (
        select occurred_on as day, 1 as way, * from rows
        union all
        select ended_on as day, -1 as way, * from rows where ended_on is not null
    ),
    daily as (
        select
            day,
            {{ dimension_and_member(dimensions) }},
            {{ measured_sums(pass, sign='way') }}
        from moved
        group by grouping sets (
            {%- for dimension in dimensions %}(day, {{ dimension }}){{ ', ' if not loop.last }}{% endfor -%}
        )
    ),
    level as (
        select
            metric, dimension, member, day,
            lead(day, 1, date '9999-12-31') over so_far as until_day,
            sum(numerator) over so_far as numerator,
            sum(denominator) over so_far as denominator,
            sum(observations) over so_far as observations,
            sum(missing) over so_far as missing
        from ({{ one_row_per_metric(pass, 'daily', ['day', 'dimension', 'member'], counted='is not null') }})
        window so_far as (partition by metric, dimension, member order by day)
    )
    select
        level.metric,
        period.grain,
        period.period_start,
        level.dimension,
        level.member,
        level.numerator,
        level.denominator,
        level.observations,
        level.missing
    from level
    inner join period
        on period.last_day >= level.day and period.last_day < level.until_day
        and (period.grain <> 'day' or level.dimension in ('company', 'business_unit'))
    where level.observations > 0 and period.period_start <= (
        select max(horizon.last_on) from {{ relation_of('core_horizon') }} as horizon
        where horizon.business_unit in (select rows.business_unit from rows)
    )
{% endmacro %}


{# Medians and percentiles, of the observations themselves: never of averages, so nothing is taken by day first. #}
{% macro rollup_quantiles(pass) %}
    {% set columns = fact_columns(pass.fact) %}
    {% set dimensions = dimensions_of(pass.fact) %}
    {% if 'company' not in dimensions %}{% set dimensions = ['company'] + dimensions %}{% endif %}
    {% set wanted = [] %}
    {% for metric in pass.metrics %}{% for aggregate in metric.aggregates if aggregate in quantiles() %}
        {% do wanted.append({'metric': metric.name, 'aggregate': aggregate, 'share': quantiles()[aggregate]}) %}
    {% endfor %}{% endfor %}
    with rows as ({{ measured_rows(pass, dimensions) }}),
    grouped as (
        select
            {% if 'grain' in columns %}grain, period_start,
            {% else %}
            case {% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}when grouping({{ grain }}_start) = 0 then '{{ grain }}' {% endfor %}end as grain,
            coalesce(day_start, week_start, month_start, quarter_start, year_start) as period_start,
            {% endif %}
            {{ dimension_and_member(dimensions) }},
            {% for item in wanted %}
            {{ exact_quantile('n_' ~ item.metric, item.share) }} as q_{{ item.metric }}_{{ item.aggregate }}
            {{- ',' if not loop.last }}
            {% endfor %}
        from rows
        {% if 'grain' not in columns %}inner join calendar_day on rows.occurred_on = calendar_day.day_start{% endif %}
        group by grouping sets (
            {%- for dimension in dimensions %}{% set outer = loop %}
            {%- if 'grain' in columns %}(grain, period_start, {{ dimension }}){{ ', ' if not outer.last }}
            {%- else %}{% for grain in grains_of(dimension) %}({{ grain }}_start, {{ dimension }}){{ ', ' if not (outer.last and loop.last) }}{% endfor %}
            {%- endif %}{% endfor -%}
        )
    )
    {% for item in wanted %}
    select '{{ item.metric }}' as metric, '{{ item.aggregate }}' as aggregate, grain, period_start, dimension, member,
        q_{{ item.metric }}_{{ item.aggregate }} as quantile
    from grouped
    where member is not null and q_{{ item.metric }}_{{ item.aggregate }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# Of decimals, DuckDB interpolates in doubles and cuts the rest off: 1106.9999 for 1107. Between numbers of 4 decimals, a
   tenth or a half of the way has 5, and a double is exact to 5 for numbers below 10^9. #}
{% macro exact_quantile(amount, share) -%}
    round(quantile_cont({{ amount }}::double, {{ share }}), 5)::decimal(38, 8)
{%- endmacro %}


{% macro quantiles() %}{{ return({'median': '0.5', 'percentile_90': '0.9'}) }}{% endmacro %}


{% macro has_quantiles(pass) %}
    {% set found = [] %}
    {% for metric in pass.metrics %}{% for aggregate in metric.aggregates if aggregate in quantiles() %}
        {% do found.append(aggregate) %}
    {% endfor %}{% endfor %}
    {{ return(found | length > 0) }}
{% endmacro %}


{# What the roll-up must know of each metric, as rows; variants beside a metric share its observations (`base`). #}
{% macro metric_rows(models) %}
    {% for relation in models %}
    {% set base = relation.identifier | replace('kpi_', '') %}
    {% set meta = graph.nodes['model.' ~ project_name ~ '.' ~ relation.identifier].config.meta %}
    {% set spec = meta.get('pass', {}) %}
    {% set is_flow = not spec.get('until') and 'grain' not in fact_columns(spec.fact) if spec else true %}
    {% set outer = loop %}
    {% for item in [{'name': none, 'aggregate': meta.aggregate}] + meta.get('beside', []) %}
    ('{{ base ~ ("_" ~ item.name if item.name else "") }}', '{{ base }}', '{{ item.aggregate }}', {{ is_flow }},
     {{ meta.get('minimum_observations', 1) }}, {{ ("'" ~ meta.of ~ "'") if meta.get('of') else 'null' }},
     '{{ meta.get('parameters', {}).get('base', 'prior') }}', '{{ meta.direction }}', '{{ meta.unit }}',
     {{ meta.get('grains', ['day', 'week', 'month', 'quarter', 'year']) | map('string') | list }})
    {{- ',' if not (outer.last and loop.last) }}
    {% endfor %}
    {% endfor %}
{% endmacro %}
