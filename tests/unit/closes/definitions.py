"""The metrics of a small company, and the scorecard that shows them."""

import operator
from dataclasses import replace

from scorecard.catalogue import Metric, Scorecard
from scorecard.catalogue.expression import read_expression
from scorecard.shared.periods import Grain
from scorecard.shared.schedule import When

UNIT = "Hardware"


def metric(name, aggregate, model=None, **changes):
    words = {"en": name.replace("_", " ")}
    about = {"label": words, "definition": words, "formula": {"en": aggregate}, "unit": "currency"}
    about |= {"direction": "higher", "level": "kgi", "perspective": "internal", "metric_class": "outcome"}
    return Metric(
        name=name, model=f"kpi_{model or name}", aggregate=aggregate, **{**about, "owner": "sales", **changes}
    )


def derived(name, expression):
    entry = metric(name, "derived", unit="percent", expression=read_expression(expression))
    return replace(entry, model="")


FONTS = {"Plain.ttc": "0" * 64}
# A function that can be pickled for another process. No figure of a test is in its result.
PRINTED = operator.attrgetter("parts")
METRICS = {
    entry.name: entry
    for entry in (
        metric("won_value", "sum"),
        metric("win_rate", "ratio", minimum_observations=2, unit="percent"),
        metric("cycle", "median", unit="days"),
        metric("cycle_mean", "average", "cycle", variant_of="cycle", unit="days"),
        metric("cycle_p90", "percentile_90", "cycle", variant_of="cycle", unit="days"),
        metric("mrr", "last", kind="stock", evidence="evidence_items"),
        derived("growth", "(won_value - prior(won_value)) / abs(prior(won_value))"),
        derived("attainment", "won_value / target(won_value)"),
        metric("elsewhere", "sum"),
    )
}
SCORECARD = Scorecard(
    name="sales",
    title={"en": "Sales"},
    business_unit=UNIT,
    cadences=(Grain.QUARTER,),
    due={Grain.QUARTER: When()},
    metrics=("won_value", "win_rate", "cycle", "mrr", "growth", "attainment"),
    breakdowns=(("won_value", "region"),),
    languages=("en",),
    recipients=(),
    domains=("example.com",),
    owner="sales-ops@example.com",
    purpose={"en": "How it went"},
)
