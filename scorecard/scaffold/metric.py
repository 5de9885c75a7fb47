"""`scorecard new metric`: the SQL and the YAML of a new metric, which counts records until a person changes it."""

from scorecard.catalogue import Catalogue, Fact, load_catalogue
from scorecard.catalogue.dbt_lists import core_models
from scorecard.scaffold.writing import Started, comment, quoted, refuse_no_name, reserved_words, words, write_new
from scorecard.shared.errors import ScorecardError
from scorecard.shared.keys import closest
from scorecard.shared.settings import Settings

FACT = "core_opportunity"
"""The fact of a metric, if none is named."""


def start_metric(settings: Settings, name: str, fact: str = FACT) -> Started:
    """Write the first files of a metric that counts the records of a fact.

    Raises
    ------
    ScorecardError: the name can't be used or is taken, the fact is unknown, or it has no moment.
    """
    refuse_no_name(name, "metric")
    catalogue = load_catalogue(settings)
    if name in catalogue.metrics:
        raise ScorecardError(
            f"There is a metric {name} already.", "Choose another name, or change its files in dbt_project."
        )
    facts = {core_model.name: core_model for core_model in core_models(settings).values() if core_model.meta.moment}
    if fact not in facts:
        cure = closest(fact, facts) if facts else "Give a fact a `moment` in its YAML."
        raise ScorecardError(f"There is no fact {fact} with a `moment`.", cure)
    stem = settings.dbt_project / "models" / "kpis" / f"kpi_{name}"
    files = {
        stem.with_suffix(".sql"): _sql(facts[fact]),
        stem.with_suffix(".yml"): _yaml(name, facts[fact], catalogue),
    }
    return Started(
        write_new(files),
        (
            "Read the new files, and do what their lines with `To do` say.",
            "scorecard check",
            "scorecard build",
            f"scorecard values --metric {name}",
            f"To print it, add {name} under `metrics:` of a scorecard in reports/.",
        ),
    )


def _alias(fact: Fact) -> str:
    word = fact.name.rpartition("_")[2]
    return "fact" if word in reserved_words() else word


def _sql(fact: Fact) -> str:
    alias, day = _alias(fact), fact.meta.moment
    others = ", ".join(column for column in fact.columns if column not in (day, "business_unit"))
    settling = [f"    {alias}.{fact.meta.settling} as settles_on,"] if fact.meta.settling else []
    return "\n".join(
        [
            *comment("To do: say what a row is, and which records count. As it is, every record with a day does."),
            *comment(f"Columns of {fact.name}: {others}."),
            "select",
            f"    {{{{ record('{alias}') }}}},",
            f"    {alias}.{day} as occurred_on,",
            f"    {{{{ dimensions('{fact.name}', '{alias}') }}}},",
            *settling,
            "    -- What the row adds: 1 to count it, or a number of the record.",
            "    1 as numerator",
            f"from {{{{ ref('{fact.name}') }}}} as {alias}",
            f"where {alias}.{day} is not null",
            "",
        ]
    )


def _yaml(name: str, fact: Fact, catalogue: Catalogue) -> str:
    goals = [metric.name for metric in catalogue.metrics.values() if metric.level == "kgi" and not metric.variant_of]
    drives = f"drives: [{goals[0]}]" if goals else "# drives: [<a goal>]"
    label = words(name)
    return f"""models:
  - name: kpi_{name}
    description: {quoted(f"One row per record of {fact.name}.")}
    config:
      meta:
        # To do: what readers see of it. docs/metrics-guide.md, Add a metric, has all keys.
        label: {quoted(label)}
        definition: {quoted(f"{label} in the period.")}
        formula: {quoted(f"number of records, by {fact.meta.moment}")}
        unit: count
        # To do: whether higher or lower is better.
        direction: higher
        # kgi is a goal, kpi is on the way to one, kfs has to be true for it.
        level: kpi
        perspective: internal
        class: effectiveness
        kind: flow
        aggregate: sum
        # To do: the metric that it leads to.
        {drives}
        # To do: who answers for it.
        owner: data@example.com

unit_tests:
  - name: {name}_counts_records
    description: "To do: which records count, and which don't."
    model: kpi_{name}
    given:
      - input: ref('{fact.name}')
        rows:
          - {{record_id: A, {fact.meta.moment}: 2024-05-06}}
          - {{record_id: B, {fact.meta.moment}: null}}
    expect:
      rows:
        - {{record_id: A, occurred_on: 2024-05-06, numerator: 1}}
"""
