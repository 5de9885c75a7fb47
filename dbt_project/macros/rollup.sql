{# The roll-up from facts to totals by period and member. A pass reads one fact once, for all metrics with the same
   day. Its rows have a scope (the business unit), members, conditions k and amounts x. An amount is null where its row
   does not count, or where the source lacks it. #}
{# The passes of the plan (`scorecard plan`), and for every other metric a pass over its own observations. #}
{% macro passes(models) %}
    {% set planned = plan() %}
    {% set all_passes = [] %}
    {% for pass in planned.passes %} {% do all_passes.append(pass) %} {% endfor %}
    {% for relation in models if relation.identifier in planned.plain %}
        {% do all_passes.append(plain_pass(planned.plain[relation.identifier], relation, columns_of(relation))) %}
    {% endfor %}
    {{ return(all_passes) }}
{% endmacro %}


{# The pass over the observations of one metric. #}
{% macro plain_pass(metric, relation, columns) %}
    {% set dimensions = dimensions_among(columns) %}
    {% set crossed = metric.cross | map(attribute='name') | list %}
    {% set has_spans = 'period_until' in columns %}
    {% set waits = 'is_event' in columns %}
    {% set amounts = ['numerator'] %}
    {% set sides = {'numerator': 0, 'denominator': none, 'pending': none} %}
    {% if 'denominator' in columns %}
        {% do amounts.append('denominator') %} {% do sides.update({'denominator': amounts | length - 1}) %}
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
        {{ 'period_until,' if has_spans }}
        {{ 'is_event,' if waits }}
        business_unit as scope,
        {{ members(columns) }},
        {% for dimension in dimensions if dimension not in ['company', 'business_unit'] %}{{ dimension }},{% endfor %}
        {% for pair in metric.cross %}{{ pair.sql }} as {{ pair.name }},{% endfor %}
        {% for amount in amounts %}try_cast({{ amount }} as decimal(30, 8)) as x{{ loop.index0 }},{% endfor %}
        true as k0
    from {{ relation }}
    {% endset %}
    {% set own = {'name': metric.name, 'k': 0, 'aggregates': metric.aggregates} %}
    {% do own.update(sides) %}
    {{ return({
        'kind': metric.kind, 'dimensions': dimensions + crossed, 'conditions': 1, 'amounts': [0] * (amounts | length),
        'metrics': [own], 'sql': sql, 'has_spans': has_spans, 'waits': waits,
    }) }}
{% endmacro %}


{# The SQL of a pass's rows. In a unit test of dbt a pass lists the models that it `reads`, and `{name}` in its SQL stands
   for the model, since the test replaces the model by its rows. #}
{% macro measured_rows(pass) %}
    {% set ns = namespace(sql=pass.sql) %}
    {% for model in pass.get('reads', []) %}
        {% set ns.sql = ns.sql | replace('{' ~ model ~ '}', ref(model) | string) %}
    {% endfor %}
    {{ return(ns.sql) }}
{% endmacro %}


{# Sums of rows. For levels, `sign` is the column that says whether a row enters (1) or leaves (-1). c counts the known
   amounts, and m the rows of which one of two amounts is not known. #}
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
        {{ count }} filter (
            where k{{ metric.k }} and (x{{ metric.numerator }} is null or x{{ metric.denominator }} is null)
        ) as m_{{ metric.name }},
    {% endfor %}
{% endmacro %}


{# The sums of these sums. #}
{% macro sums_of_sums(pass) %}
    {% for _ in range(pass.conditions) %} sum(k{{ loop.index0 }}) as k{{ loop.index0 }}, {% endfor %}
    {% for _ in pass.amounts %}
        sum(x{{ loop.index0 }}) as x{{ loop.index0 }}, sum(c{{ loop.index0 }}) as c{{ loop.index0 }},
    {% endfor %}
    {% for metric in pass.metrics if metric.numerator is not none and metric.denominator is not none %}
        sum(m_{{ metric.name }}) as m_{{ metric.name }},
    {% endfor %}
{% endmacro %}


{# The grouping sets of the last step: the company over all units, and any other member within its unit. #}
{% macro by_member(keys, dimensions) -%}
    grouping sets (
        {%- for dimension in dimensions %}
            ({{ keys }}, {{ 'scope, ' if dimension != 'company' }}{{ dimension }}){{ ', ' if not loop.last }}
        {% endfor -%}
    )
{%- endmacro %}


{# The grouping sets of the first step: each family within its unit. #}
{% macro by_family(keys, dimensions) -%}
    grouping sets (
        {%- for family in families(dimensions) %}
            ({{ keys }}, scope, {{ family | join(', ') }}){{ ', ' if not loop.last }}
        {% endfor -%}
    )
{%- endmacro %}


{# The scope, dimension and member of a row of `by_member`. A row with a null member is left out later. #}
{% macro scope_and_member(dimensions) %}
    coalesce(scope, 'all') as scope,
    case
        {% for dimension in dimensions %} when grouping({{ dimension }}) = 0 then '{{ dimension }}' {% endfor %}
    end as dimension,
    coalesce({{ dimensions | join(', ') }}) as member,
{% endmacro %}


{# Turns the columns of all metrics into one row per metric. #}
{% macro one_row_per_metric(pass, relation, keys, counted='> 0') %}
    {% for metric in pass.metrics %}
        {% set sides = [metric.numerator, metric.denominator] | reject('none') | list %}
        select
            '{{ metric.name }}' as metric,
            {{ keys | join(', ') }},
            {% for side in ['numerator', 'denominator'] %}
                {{ 'x' ~ metric[side] if metric[side] is not none else 'k' ~ metric.k ~ '::decimal(38, 8)' }}
                as {{ side }},
            {% endfor %}
            {{ 'x' ~ metric.pending if metric.pending is not none else 'null' }} as pending,
            k{{ metric.k }} as observations,
            {% if not sides %} 0
            {% elif sides | length == 1 %} k{{ metric.k }} - coalesce(c{{ sides[0] }}, 0)
            {% else %} coalesce(m_{{ metric.name }}, 0)
            {% endif %} as missing
        from {{ relation }}
        where member is not null and k{{ metric.k }} {{ counted }} {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# The parts of a select with one row per metric, grain, period and member of one pass. The totals of metrics whose
   amounts `kpi_amounts` has counted are made from these counts, so that the fact is not read again. #}
{% macro rollup_parts(pass) %}
    {% set parts = [] %}
    {% set summed = [] %}
    {% for metric in pass.metrics %}
        {% if counted_aggregates(pass, metric) and metric.denominator is none and metric.pending is none %}
            {% do parts.append(total_of_amounts(metric.name)) %}
        {% else %} {% do summed.append(metric) %}
        {% endif %}
    {% endfor %}
    {% if summed %}
        {% set rest = dict(pass, metrics=summed) %}
        {% set has_levels = pass.kind == 'stock' or pass.get('has_spans') %}
        {% do parts.append(rollup_levels(rest) if has_levels else rollup_sums(rest)) %}
    {% endif %}
    {{ return(parts) }}
{% endmacro %}


{# The totals of a metric whose equal amounts are counted. #}
{% macro total_of_amounts(metric) %}
    select
        '{{ metric }}' as metric,
        {{ figure_columns() }},
        sum(amount * try_cast(times as decimal(8, 0))) as numerator,
        sum(times)::decimal(38, 8) as denominator,
        cast(null as decimal(38, 8)) as pending,
        sum(times) as observations,
        coalesce(sum(times) filter (where amount is null), 0) as missing
    from amount
    where amount.metric = '{{ metric }}'
    group by {{ figure_columns() }}
{% endmacro %}


{# The totals of flows, and of facts with a row per period. Rows are summed by day and family first, and then by period
   and member, which is exact and cheap. #}
{% macro rollup_sums(pass) %}
    {% set dimensions = pass.dimensions %}
    {% set has_periods = pass.kind == 'period' %}
    {% set keys = 'grain, period_start' if has_periods else 'occurred_on' %}
    with
        rows as ({{ measured_rows(pass) }}),
        by_family as (
            select {{ keys }}, scope, {{ dimensions | join(', ') }}, {{ sums_of_rows(pass) }}
            from rows
            group by {{ by_family(keys, dimensions) }}
        ),
        summed as (
            select grain, period_start, {{ scope_and_member(dimensions) }} {{ sums_of_sums(pass) }}
            from by_family
            {% if not has_periods %} inner join calendar on by_family.occurred_on = calendar.day{% endif %}
            group by {{ by_member('grain, period_start', dimensions) }}
        )
    select metric, {{ figure_columns() }}, numerator, denominator, pending, observations, missing
    from ({{ one_row_per_metric(pass, 'summed', ['grain', 'period_start', 'scope', 'dimension', 'member']) }})
    where grain <> 'day' or dimension in ('company', 'business_unit')
{% endmacro %}


{# The totals of stocks, and of rows that count in several periods of a grain. A row enters on one day and leaves on
   another. The level is the sum of the rows that have entered and not left. The value of a stock is its level at the
   end of the period, or at the end of the data if that is earlier. Rows with their own period count in each period
   from that day on. #}
{% macro rollup_levels(pass) %}
    {% set dimensions = pass.dimensions %}
    {% set is_stock = pass.kind == 'stock' %}
    {% set keys = 'day' if is_stock else 'grain, day' %}
    {% set whose = 'metric, scope, dimension, member' if is_stock else 'metric, grain, scope, dimension, member' %}
    {% set kept = ([] if is_stock else ['grain']) + ['scope', 'day', 'dimension', 'member'] %}
    {% set sums = ['numerator', 'denominator', 'observations', 'missing'] + ([] if is_stock else ['pending']) %}
    with
        rows as (
            {% if is_stock %}
                select *, occurred_on as enters_on, ended_on as leaves_on from ({{ measured_rows(pass) }}) as measured
            {% else %}
                -- A row without an end counts through the last known period of its unit.
                select
                    measured.*,
                    measured.period_start as enters_on,
                    least(
                        coalesce(measured.period_until, date '9999-12-31'), {{ add_days('horizon.last_on', 1) }}
                    ) as leaves_on
                from ({{ measured_rows(pass) }}) as measured
                inner join
                    horizon on measured.scope = horizon.business_unit and measured.period_start <= horizon.last_on
            {% endif %}
        ),
        moved as (
            select enters_on as day, 1 as way, *
            from rows
            union all
            select leaves_on as day, -1 as way, *
            from rows
            where leaves_on is not null
        ),
        by_family as (
            select {{ keys }}, scope, {{ dimensions | join(', ') }}, {{ sums_of_rows(pass, sign='way') }}
            from moved
            group by {{ by_family(keys, dimensions) }}
        ),
        changed as (
            select {{ keys }}, {{ scope_and_member(dimensions) }} {{ sums_of_sums(pass) }}
            from by_family
            group by {{ by_member(keys, dimensions) }}
        ),
        level as (
            select
                {{ whose }},
                day as {{ 'occurred_on' if is_stock else 'period_start' }},
                lead(day) over so_far as {{ 'ended_on' if is_stock else 'period_until' }},
                {% for sum in sums %} sum({{ sum }}) over so_far as {{ sum }}{{ ',' if not loop.last }} {% endfor %}
            from ({{ one_row_per_metric(pass, 'changed', kept, counted='is not null') }})
            window so_far as (partition by {{ whose }} order by day nulls last)
        ),
        observed as (
            select business_unit as scope, last_on
            from horizon
            union all
            select 'all' as scope, max(last_on) as last_on
            from horizon
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
        -- The level of a stock is settled.
        {{ 'null' if is_stock else 'level.pending' }} as pending,
        level.observations,
        level.missing
    from level
    inner join observed on level.scope = observed.scope
    inner join
        observed_period as period
        on observed.last_on = period.last_on
        and {{ counts_in('stock' if is_stock else 'period', 'level', 'period') }}
        and (period.grain <> 'day' or level.dimension in ('company', 'business_unit'))
    where level.observations > 0
{% endmacro %}


{# No rows, in the shape of the totals, for a project without metrics. #}
{% macro no_totals() %}
    select
        null::string as metric,
        null::string as grain,
        null::date as period_start,
        null::string as scope,
        null::string as dimension,
        null::string as member,
        null::decimal(38, 8) as numerator,
        null::decimal(38, 8) as denominator,
        null::decimal(38, 8) as pending,
        null::bigint as observations,
        null::bigint as missing
    from calendar
    cross join observed_period
    cross join amount
    where false
{% endmacro %}
