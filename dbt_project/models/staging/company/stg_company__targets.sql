-- One row per target: metric, period and member.
with
    source as ({{ current_rows('company', 'targets') }}),

    named as (
        select
            metric,
            period,
            dimension,
            member,
            target,
            unit,
            owner,
            due,
            parent_kgi,
            reason,
            {{ provenance('company', 'targets', "concat_ws('|', metric, period, dimension, member)") }}
        from source
    )

select *
from named
