-- One row per day on which the company is closed.
with source as (
    {{ current_rows('company', 'holidays') }}
),

named as (
    select
        holiday_on,
        name,
        {{ provenance('company', 'holidays', "cast(holiday_on as string)") }}
    from source
)

select * from named
