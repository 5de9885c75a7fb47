{# From facts to values per period and member. A pass is one fact read once for all metrics that share its day. #}


{# The passes of the plan (`scorecard plan`), and the plain way for every other metric: over its own observations. #}
{% macro passes(models) %}
    {% set planned = plan() %}
    {% set all_passes = [] %}
    {% for pass in planned.passes %}{% do all_passes.append(pass) %}{% endfor %}
    {% for relation in models if relation.identifier in planned.plain %}
        {% do all_passes.append(plain_pass(planned.plain[relation.identifier], relation, columns_of(relation))) %}
    {% endfor %}
    {{ return(all_passes) }}
{% endmacro %}


{# The pass over the observations of one metric. #}
{% macro plain_pass(metric, relation, columns) %}
    {% set dimensions = dimensions_among(columns) %}
    {% set amounts = ['numerator'] %}
    {% set sides = {'numerator': 0, 'denominator': none, 'pending': none} %}
    {% if 'denominator' in columns %}
        {% do amounts.append('denominator') %}{% do sides.update({'denominator': amounts | length - 1}) %}
    {% endif %}
    {% if 'settles_on' in columns %}
        {% set whole = 'denominator' if 'denominator' in columns else '1' %}
        {% do amounts.append('case when settles_on is not null then ' ~ whole ~ ' - numerator end') %}
        {% do sides.update({'pending': amounts | length - 1}) %}
    {% endif %}
    {% set sql %}
    select
        occurred_on,
        {{ 'ended_on,' if metric.kind == 'stock' }}
        {{ 'grain, period_start,' if metric.kind == 'period' }}
        business_unit as scope,
        {{ members(columns) }},
        {% for dimension in dimensions if dimension not in ['company', 'business_unit'] %}{{ dimension }},{% endfor %}
        {% for amount in amounts %}try_cast({{ amount }} as decimal(30, 8)) as x{{ loop.index0 }},{% endfor %}
        true as k0
    from {{ relation }}
    {% endset %}
    {% set own = {'name': metric.name, 'k': 0, 'aggregates': metric.aggregates} %}
    {% do own.update(sides) %}
    {{ return({
        'kind': metric.kind, 'dimensions': dimensions, 'conditions': 1, 'amounts': [0] * (amounts | length),
        'metrics': [own], 'sql': sql,
    }) }}
{% endmacro %}


{# The rows of a pass: scope (business unit), members, conditions k and amounts x. An amount is null where it doesn't
   count and where the source doesn't say it. `{name}` in its SQL stands for the relation of that model. #}
{% macro measured_rows(pass) %}
    {% set ns = namespace(sql=pass.sql) %}
    {% for model in pass.get('reads', []) %}{% set ns.sql = ns.sql | replace('{' ~ model ~ '}', ref(model) | string) %}{% endfor %}
    {{ return(ns.sql) }}
{% endmacro %}


{# Sums of rows; of a stock, `sign` says whether a row comes or goes. c counts the amounts that are known, m the rows of
   which one of two is not. #}
{% macro sums_of_rows(pass, sign=none) %}
    {% set count = 'count(*)' if sign is none else 'sum(' ~ sign ~ ')' %}
    {% for _ in range(pass.conditions) %}
    {{ count }} filter (where k{{ loop.index0 }}) as k{{ loop.index0 }},
    {% endfor %}
    {% for _ in pass.amounts %}
    sum(x{{ loop.index0 }}{{ ' * ' ~ sign if sign is not none }}) as x{{ loop.index0 }},
    {{ count }} filter (where x{{ loop.index0 }} is not null) as c{{ loop.index0 }},
    {% endfor %}
    {% for metric in pass.metrics if metric.numerator is not none and metric.denominator is not none %}
    {{ count }} filter (where k{{ metric.k }} and (x{{ metric.numerator }} is null or x{{ metric.denominator }} is null))
        as m_{{ metric.name }},
    {% endfor %}
{% endmacro %}


{# The same sums added up. #}
{% macro sums_of_sums(pass) %}
    {% for _ in range(pass.conditions) %}sum(k{{ loop.index0 }}) as k{{ loop.index0 }}, {% endfor %}
    {% for _ in pass.amounts %}
    sum(x{{ loop.index0 }}) as x{{ loop.index0 }}, sum(c{{ loop.index0 }}) as c{{ loop.index0 }},
    {% endfor %}
    {% for metric in pass.metrics if metric.numerator is not none and metric.denominator is not none %}
    sum(m_{{ metric.name }}) as m_{{ metric.name }},
    {% endfor %}
{% endmacro %}


{# The grouping sets of the last step: the company over all units, any other member within its unit. #}
{% macro by_member(keys, dimensions) -%}
    grouping sets (
        {%- for dimension in dimensions %}({{ keys }}, {{ 'scope, ' if dimension != 'company' }}{{ dimension }}){{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}


{# The grouping sets of the first step. #}
{% macro by_family(keys, dimensions) -%}
    grouping sets (
        {%- for family in families(dimensions) %}({{ keys }}, scope, {{ family | join(', ') }}){{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}


{# Whose sum a row of `by_member` is: scope, dimension and member; a null member doesn't count. #}
{% macro scope_and_member(dimensions) %}
    coalesce(scope, 'all') as scope,
    case
        {% for dimension in dimensions %}when grouping({{ dimension }}) = 0 then '{{ dimension }}'
        {% endfor %}
    end as dimension,
    coalesce({{ dimensions | join(', ') }}) as member,
{% endmacro %}


{# From columns per metric to a row per metric. #}
{% macro one_row_per_metric(pass, relation, keys, counted='> 0') %}
    {% for metric in pass.metrics %}
    {% set sides = [metric.numerator, metric.denominator] | reject('none') | list %}
    select
        '{{ metric.name }}' as metric,
        {{ keys | join(', ') }},
        {% for side in ['numerator', 'denominator'] %}
        {{ 'x' ~ metric[side] if metric[side] is not none else 'k' ~ metric.k ~ '::decimal(38, 8)' }} as {{ side }},
        {% endfor %}
        {{ 'x' ~ metric.pending if metric.pending is not none else 'null' }} as pending,
        k{{ metric.k }} as observations,
        {{ '0' if not sides else 'k' ~ metric.k ~ ' - coalesce(c' ~ sides[0] ~ ', 0)' if sides | length == 1 else 'coalesce(m_' ~ metric.name ~ ', 0)' }} as missing
    from {{ relation }}
    where member is not null and k{{ metric.k }} {{ counted }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# One row per metric, grain, period and member of one pass. #}
{% macro rollup(pass) %}
    {{ rollup_stock(pass) if pass.kind == 'stock' else rollup_sums(pass) }}
{% endmacro %}


{# Flows, and facts that have a row per period already. Sums are taken by day and family first, and added up to periods
   and members, which is exact and cheap. #}
{% macro rollup_sums(pass) %}
    {% set dimensions = pass.dimensions %}
    {% set has_periods = pass.kind == 'period' %}
    {% set keys = 'grain, period_start' if has_periods else 'occurred_on' %}
    with rows as ({{ measured_rows(pass) }}),
    by_family as (
        select {{ keys }}, scope, {{ dimensions | join(', ') }}, {{ sums_of_rows(pass) }}
        from rows
        group by {{ by_family(keys, dimensions) }}
    ),
    summed as (
        select grain, period_start, {{ scope_and_member(dimensions) }} {{ sums_of_sums(pass) }}
        from by_family
        {% if not has_periods %}inner join calendar on by_family.occurred_on = calendar.day{% endif %}
        group by {{ by_member('grain, period_start', dimensions) }}
    )
    select metric, grain, period_start, scope, dimension, member, numerator, denominator, pending, observations, missing
    from ({{ one_row_per_metric(pass, 'summed', ['grain', 'period_start', 'scope', 'dimension', 'member']) }})
    where grain <> 'day' or dimension in ('company', 'business_unit')
{% endmacro %}


{# Stocks. A row enters on its day and leaves on its end; what has entered and not left is the value at a period's end, or
   at the end of the data where that comes first. #}
{% macro rollup_stock(pass) %}
    {% set dimensions = pass.dimensions %}
    with rows as ({{ measured_rows(pass) }}),
    moved as (
        select occurred_on as day, 1 as way, * from rows
        union all
        select ended_on as day, -1 as way, * from rows where ended_on is not null
    ),
    by_family as (
        select day, scope, {{ dimensions | join(', ') }}, {{ sums_of_rows(pass, sign='way') }}
        from moved
        group by {{ by_family('day', dimensions) }}
    ),
    changed as (
        select day, {{ scope_and_member(dimensions) }} {{ sums_of_sums(pass) }}
        from by_family
        group by {{ by_member('day', dimensions) }}
    ),
    level as (
        select
            metric, scope, dimension, member, day as occurred_on,
            lead(day) over so_far as ended_on,
            sum(numerator) over so_far as numerator,
            sum(denominator) over so_far as denominator,
            sum(observations) over so_far as observations,
            sum(missing) over so_far as missing
        from ({{ one_row_per_metric(pass, 'changed', ['scope', 'day', 'dimension', 'member'], counted='is not null') }})
        window so_far as (partition by metric, scope, dimension, member order by day)
    ),
    observed as (
        select business_unit as scope, last_on from horizon
        union all
        select 'all' as scope, max(last_on) as last_on from horizon
        where business_unit in (select scope from rows)
    )
    select
        level.metric,
        period.grain,
        period.period_start,
        level.scope,
        level.dimension,
        level.member,
        level.numerator,
        level.denominator,
        -- What there is at a period's end is settled.
        null as pending,
        level.observations,
        level.missing
    from level
    inner join observed on level.scope = observed.scope
    inner join observed_period as period
        on observed.last_on = period.last_on
        and {{ counts_in('stock', 'level', 'period') }}
        and (period.grain <> 'day' or level.dimension in ('company', 'business_unit'))
    where level.observations > 0
{% endmacro %}


{# Medians and percentiles, of the observations themselves: never of averages. #}
{% macro rollup_quantiles(pass) %}
    {% set wanted = [] %}
    {% for metric in pass.metrics %}
        {% set aggregates = pass.metrics[loop.index0].aggregates | select('in', quantiles()) | list %}
        {% if aggregates %}{% do wanted.append({'metric': metric.name, 'x': 'x' ~ metric.numerator, 'aggregates': aggregates}) %}{% endif %}
    {% endfor %}
    {{ quantiles_by_count(pass, wanted) if pass.kind == 'period' else quantiles_of_rows(pass, wanted) }}
{% endmacro %}


{# DuckDB interpolates in doubles, which hold 15 digits. So the amounts are ranked once; a period's ranks, which are small,
   are sorted, and the two on either side of the quantile's place stand for their amounts. #}
{% macro quantiles_of_rows(pass, wanted) %}
    {% set dimensions = pass.dimensions %}
    with rows as ({{ measured_rows(pass) }}),
    ranked as (
        select
            *,
            {% for item in wanted %}
            case when {{ item.x }} is not null then dense_rank() over (order by {{ item.x }}) end::int as rank_{{ item.metric }},
            {% endfor %}
        from rows
    ),
    {% for item in wanted %}
    amount_{{ item.metric }} as (
        select rank_{{ item.metric }} as rank, any_value({{ item.x }}) as amount
        from ranked
        where {{ item.x }} is not null
        group by rank_{{ item.metric }}
    ),
    {% endfor %}
    grouped as (
        select
            case {% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}when grouping({{ grain }}_start) = 0 then '{{ grain }}' {% endfor %}end as grain,
            coalesce(day_start, week_start, month_start, quarter_start, year_start) as period_start,
            {{ scope_and_member(dimensions) }}
            {% for item in wanted %}
            list_sort(list(rank_{{ item.metric }}) filter (where rank_{{ item.metric }} is not null)) as ranks_{{ item.metric }},
            {% endfor %}
        from ranked
        inner join calendar_day on ranked.occurred_on = calendar_day.day_start
        group by grouping sets (
            {%- for dimension in dimensions %}{% set outer = loop %}
            {%- for grain in grains_of(dimension) %}({{ grain }}_start, {{ 'scope, ' if dimension != 'company' }}{{ dimension }}){{ ', ' if not (outer.last and loop.last) }}{% endfor %}
            {%- endfor -%}
        )
    )
    {% for item in wanted %}{% set outer = loop %}{% for aggregate in item.aggregates %}
    {% set tenths = quantiles()[aggregate] ~ ' * (len(ranks_' ~ item.metric ~ ') - 1)' %}
    select '{{ item.metric }}' as metric, '{{ aggregate }}' as aggregate, grain, period_start, scope, dimension, member,
        {{ between('lower.amount', 'upper.amount', tenths) }} as quantile
    from grouped
    inner join amount_{{ item.metric }} as lower on ranks_{{ item.metric }}[{{ tenths }} // 10 + 1] = lower.rank
    inner join amount_{{ item.metric }} as upper
        on ranks_{{ item.metric }}[least({{ tenths }} // 10 + 2, len(ranks_{{ item.metric }}))] = upper.rank
    where member is not null
    {{ 'union all' if not (outer.last and loop.last) }}
    {% endfor %}{% endfor %}
{% endmacro %}


{# A fact that has a row per period repeats its records many times over, so equal amounts are counted first: the quantile
   lies between the two amounts at whose counts its place falls. #}
{% macro quantiles_by_count(pass, wanted) %}
    {% set dimensions = pass.dimensions %}
    with rows as ({{ measured_rows(pass) }})
    {% for item in wanted %}{% set outer = loop %}{% for aggregate in item.aggregates %}
    select '{{ item.metric }}' as metric, '{{ aggregate }}' as aggregate, grain, period_start, scope, dimension, member,
        {{ between('lower', 'upper', quantiles()[aggregate] ~ ' * (total - 1)') }} as quantile
    from (
        select grain, period_start, scope, dimension, member, total,
            min(amount) filter (where up_to > {{ quantiles()[aggregate] }} * (total - 1) // 10) as lower,
            min(amount) filter (where up_to > least({{ quantiles()[aggregate] }} * (total - 1) // 10 + 1, total - 1)) as upper
        from (
            select *,
                sum(times) over (partition by grain, period_start, scope, dimension, member order by amount) as up_to,
                sum(times) over (partition by grain, period_start, scope, dimension, member) as total
            from (
                select grain, period_start, {{ scope_and_member(dimensions) }} amount, sum(times) as times
                from (
                    select grain, period_start, scope, {{ dimensions | join(', ') }}, {{ item.x }} as amount, count(*) as times
                    from rows
                    where {{ item.x }} is not null
                    group by {{ by_family('grain, period_start, ' ~ item.x, dimensions) }}
                )
                group by {{ by_member('grain, period_start, amount', dimensions) }}
            )
            where member is not null and (grain <> 'day' or dimension in ('company', 'business_unit'))
        )
        group by grain, period_start, scope, dimension, member, total
    )
    {{ 'union all' if not (outer.last and loop.last) }}
    {% endfor %}{% endfor %}
{% endmacro %}


{# The amount at a place between two neighbours; the place's last digit says how many tenths of the way. #}
{% macro between(lower, upper, tenths) -%}
    ({{ lower }} + ({{ upper }} - {{ lower }}) * (({{ tenths }} % 10)::int * 0.1::decimal(2, 1)))::decimal(38, 8)
{%- endmacro %}


{# The quantiles there are, in tenths. #}
{% macro quantiles() %}{{ return({'median': 5, 'percentile_90': 9}) }}{% endmacro %}


{% macro has_quantiles(pass) %}
    {{ return(pass.metrics | map(attribute='aggregates') | sum(start=[]) | select('in', quantiles()) | list | length > 0) }}
{% endmacro %}


{# No rows, in the shape of the totals: what is added up where there is no metric. #}
{% macro no_totals() %}
    select
        null::varchar as metric, null::varchar as grain, null::date as period_start, null::varchar as scope,
        null::varchar as dimension, null::varchar as member, null::decimal(38, 8) as numerator,
        null::decimal(38, 8) as denominator, null::decimal(38, 8) as pending, null::bigint as observations,
        null::bigint as missing
    from calendar
    cross join observed_period
    where false
{% endmacro %}


{% macro no_quantiles() %}
    select
        null::varchar as metric, null::varchar as aggregate, null::varchar as grain, null::date as period_start,
        null::varchar as scope, null::varchar as dimension, null::varchar as member, null::decimal(38, 8) as quantile
    from calendar_day
    where false
{% endmacro %}
