-- One row per metric, record with observations of it, and record behind that one. It is a view, which closes read.
{{ config(materialized='view') }}
{% for metric, model in var('evidence', {}).items() %}
    select
        '{{ metric }}'::string as metric,
        source_system,
        source_object,
        record_id,
        role,
        evidence_object,
        evidence_id,
        evidence_file,
        evidence_line
    from {{ ref(model) }}
    union all
{% endfor %}
select
    null::string as metric,
    null::string as source_system,
    null::string as source_object,
    null::string as record_id,
    null::string as role,
    null::string as evidence_object,
    null::string as evidence_id,
    null::string as evidence_file,
    null::bigint as evidence_line
where false
