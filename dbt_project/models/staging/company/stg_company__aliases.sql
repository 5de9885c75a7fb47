-- One row per alias: a spelling of a source, or the name of a member before it was renamed.
with
    source as ({{ current_rows('company', 'aliases') }}),

    named as (
        select field, spelling, name, from_on, {{ provenance('company', 'aliases', "concat_ws('|', field, spelling)") }}
        from source
    )

select *
from named
