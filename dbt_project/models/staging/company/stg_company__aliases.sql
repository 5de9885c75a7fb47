-- One row per name that stands for another: a spelling of a source, or what a member was called before it was renamed.
with
    source as ({{ current_rows('company', 'aliases') }}),

    named as (
        select field, spelling, name, from_on, {{ provenance('company', 'aliases', "concat_ws('|', field, spelling)") }}
        from source
    )

select *
from named
