-- One row per day, subscription and feature used.
with
    source as ({{ current_rows('ravenstack', 'feature_usage') }}),

    renamed as (
        select
            usage_id,
            subscription_id,
            usage_date as used_on,
            feature_name,
            usage_count,
            {{ provenance('ravenstack', 'feature_usage', 'usage_id') }}
        from source
    )

select *
from renamed
