-- One row per metric, record that it has observations of, and record behind it. A view, which closes read.
{{ config(materialized='view') }}
{% for metric, model in var('evidence', {}).items() %}
select
    '{{ metric }}'::varchar as metric,
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
    null::varchar as metric,
    null::varchar as source_system,
    null::varchar as source_object,
    null::varchar as record_id,
    null::varchar as role,
    null::varchar as evidence_object,
    null::varchar as evidence_id,
    null::varchar as evidence_file,
    null::bigint as evidence_line
where false
