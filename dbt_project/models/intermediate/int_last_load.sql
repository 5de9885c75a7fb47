-- One row per business unit: the company's day of the newest load of one of its records.
with
    loaded as (
        {%- for concept, models in var('concepts', {}).items() %}
            {%- for source_model in models if not source_model.startswith('stg_company__') %}
                select source_system, loaded_at
                from {{ ref(source_model) }}
                union all
            {%- endfor %}
        {%- endfor %}
        select cast(null as string) as source_system, cast(null as {{ type_of('moment') }}) as loaded_at
        where false
    ),

    of_unit as (
        select cast({{ of_source('business_unit') }} as string) as business_unit, loaded_at from loaded as record
    )

select business_unit, {{ local_day('max(loaded_at)') }} as loaded_on
from of_unit
where business_unit is not null
group by business_unit
