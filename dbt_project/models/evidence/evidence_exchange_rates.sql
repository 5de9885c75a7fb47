-- One row per record in another currency: the rate by which its money was converted. A fact is in it if it has the day
-- of its rate (`rate_on`).
{% set rates = ref('core_fx_rate') %}
{% for fact in var('facts', {}) %}
    {% set relation = ref(fact) %}
    {% if 'rate_on' in fact_columns(fact) %}
        select distinct
            fact.source_system,
            fact.source_object,
            fact.record_id,
            'exchange rate' as role,
            rate.source_object as evidence_object,
            rate.record_id as evidence_id,
            rate.source_file as evidence_file,
            rate.source_line as evidence_line
        from {{ relation }} as fact
        inner join {{ rates }} as rate on fact.currency = rate.currency and fact.rate_on = rate.rate_on
        where fact.currency <> '{{ var("currency") }}' and rate.rate is not null
        union all
    {% endif %}
{% endfor %}
select
    cast(null as string) as source_system,
    cast(null as string) as source_object,
    cast(null as string) as record_id,
    cast(null as string) as role,
    cast(null as string) as evidence_object,
    cast(null as string) as evidence_id,
    cast(null as string) as evidence_file,
    cast(null as bigint) as evidence_line
where false
