-- One row per sales rep.
select rep, team, region, business_unit, source_system from {{ ref('int_reps') }}
