"""What a close holds, in one language.

This module holds no words and reads no file: `close_reader` fills it.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from scorecard.shared.languages import Forms
from scorecard.shared.periods import FiscalYear, Grain, Period, period_of

WHOLE = "business_unit"
CHARTED_PERIODS = 13


@dataclass(frozen=True)
class Figure:
    """A figure: one row of values.parquet. Money, shares and counts are decimals; a share is 0.603, not 60.3."""

    figure_id: str
    metric: str
    period: str
    dimension: str
    member: str
    is_complete: bool
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    observations: int
    na_reason: str | None
    target: Decimal | None
    expected: Decimal | None
    elapsed_share: Decimal | None
    status: str
    prior_value: Decimal | None
    change: Decimal | None
    change_ratio: Decimal | None
    year_ago_value: Decimal | None
    year_ago_change: Decimal | None
    year_ago_change_ratio: Decimal | None
    at_most: Decimal | None = None
    pending: Decimal | None = None
    longer_than: Decimal | None = None

    @property
    def ends(self) -> tuple[Decimal, Decimal] | None:
        """The least and the most that the value may still become. A settled value has two equal ends, n/a has None."""
        return None if self.value is None else (self.value, self.value if self.at_most is None else self.at_most)

    @property
    def numbers(self) -> tuple[Decimal | None, ...]:
        """The numbers that a page prints of the figure. They decide how many digits it needs."""
        return (self.value, self.at_most, self.longer_than, self.yardstick)

    @property
    def misses_target(self) -> bool:
        """Whether the status says that the value misses its target."""
        return self.status in {"off_track", "at_risk"}

    @property
    def yardstick(self) -> Decimal | None:
        """What the value is compared with: the target, or in an open period the part of the target due by now."""
        return self.target if self.is_complete or self.expected is None else self.expected


@dataclass(frozen=True)
class MetricDefinition:
    """What definitions.json says about a metric, in one language."""

    name: str
    label: str
    definition: str
    formula: str
    unit: str
    higher_is_better: bool
    level: str
    perspective: str
    metric_class: str
    aggregate: str
    owner: str
    drives: tuple[str, ...]
    variant_of: str | None
    caveat: str | None
    journey_stage: str | None
    is_signed: bool = False
    """Whether a figure may be above or below zero, as a movement may. It is compared by difference."""
    settles_after: int = 0
    """The days after a period in which its figure may still change, for instance because a customer may renew."""
    pending: Forms | None = None
    """The words for what isn't settled yet, for one record and for several. {count} stands for their number."""

    is_derived: bool = False
    """Whether the metric compares another metric with a base."""
    is_attainment: bool = False
    """Whether the base is the target of the whole period."""

    @property
    def adds_up(self) -> bool:
        """Whether the values of members sum to the value of all."""
        return self.aggregate in {"sum", "last"}


@dataclass(frozen=True)
class Check:
    """A check that ran on the data of the scorecard."""

    check_id: str
    kind: str
    name: str
    source: str
    table: str
    severity: str
    passed: bool
    failures: int
    checked: int
    message: str
    cure: str
    metrics: tuple[str, ...]

    @property
    def counted(self) -> bool:
        """Whether the check counted rows. Then a page says how many of how many fail."""
        return self.checked > 0

    @property
    def finding(self) -> str:
        """The first sentence of the message: the result with its counts. Examples and reasons follow it."""
        return re.split(r"。|\.(?: (?=[A-Z])|$)", self.message, maxsplit=1)[0]


@dataclass(frozen=True)
class Action:
    """A decision of a review."""

    metric: str
    what: str
    who: str
    begins: date | None
    due: date | None
    progress: str
    done: bool
    effect: str
    dimension: str
    member: str
    sample: bool


@dataclass(frozen=True)
class CloseContent:
    """A close in one language."""

    close_id: str
    edition: int
    content_sha256: str
    scorecard: dict[str, Any]
    manifest: dict[str, Any]
    language: str
    title: str
    purpose: str
    currency: str
    fiscal: FiscalYear
    period: Period
    metrics: dict[str, MetricDefinition]
    figures: dict[tuple[str, str, str, str], Figure]
    """By metric, label of the period, dimension and member."""
    checks: tuple[Check, ...]
    actions: tuple[Action, ...]
    targets: tuple[dict[str, Any], ...]
    restatements: tuple[dict[str, Any], ...]
    has_ranges: bool = True
    """Whether unsettled figures have a range. Closes of the first release know only the day of settling."""
    members: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    dimensions: dict[str, str] = field(default_factory=dict)
    """The names of the company's own dimensions. The catalogue of words names the product's dimensions."""
    reasons: dict[str, str] = field(default_factory=dict)
    """The reasons for a missing value that the company's own facts declare, by gap."""
    known_through: date | None = None
    """The last day that the data covers, at most the last of the period. None where the close doesn't say."""

    @cached_property
    def prior(self) -> Period:
        """The period before."""
        return self.period.shift(-1, self.fiscal)

    @cached_property
    def year_ago(self) -> Period:
        """The same period of the year before."""
        return self.period.year_ago(self.fiscal)

    @cached_property
    def charted_periods(self) -> tuple[Period, ...]:
        """The periods of a chart, the oldest first: months of a quarter or year, else periods of the close's grain.

        The chart begins with the first period in which an indicator has a value.
        """
        periods = periods_to_chart(self.period, self.fiscal)
        for position, period in enumerate(periods):
            figures = (self.whole(metric.name, period) for metric in self.main_metrics)
            if any(figure is not None and figure.value is not None for figure in figures):
                return periods[position:]
        return periods

    def figure(self, metric: str, period: Period, dimension: str, member: str) -> Figure | None:
        """Return a figure, or None where the close has none."""
        return self.figures.get((metric, period.label, dimension, member))

    def by_member(self, metric: str, period: Period, dimension: str) -> dict[str, Figure]:
        """Return a metric's figures of a period by the members of a dimension."""
        return self._by_dimension.get((metric, period.label, dimension), {})

    @cached_property
    def _by_dimension(self) -> dict[tuple[str, str, str], dict[str, Figure]]:
        figures: dict[tuple[str, str, str], dict[str, Figure]] = {}
        for (metric, period, dimension, member), figure in self.figures.items():
            figures.setdefault((metric, period, dimension), {})[member] = figure
        return figures

    @cached_property
    def by_id(self) -> dict[str, Figure]:
        """The figures by their ids."""
        return {figure.figure_id: figure for figure in self.figures.values()}

    @property
    def breakdowns(self) -> list[tuple[str, str]]:
        """The scorecard's breakdowns that have members, as metric and dimension."""
        # A close may write them as pairs or as mappings.
        pairs = [
            (entry["metric"], entry["dimension"]) if isinstance(entry, dict) else (entry[0], entry[1])
            for entry in self.scorecard["breakdowns"]
        ]
        return [pair for pair in pairs if self.members.get(pair)]

    def whole(self, metric: str, period: Period | None = None) -> Figure | None:
        """Return the figure of the scorecard's whole business unit."""
        return self.figure(metric, period or self.period, WHOLE, self.scorecard["business_unit"])

    @property
    def shown_metrics(self) -> list[MetricDefinition]:
        """The scorecard's metrics in its order."""
        return [self.metrics[name] for name in self.scorecard["metrics"]]

    @property
    def main_metrics(self) -> list[MetricDefinition]:
        """The scorecard's metrics that are no variant of another one of its metrics."""
        names = set(self.scorecard["metrics"])
        return [metric for metric in self.shown_metrics if metric.variant_of not in names]

    def variants(self, metric: MetricDefinition) -> list[MetricDefinition]:
        """Return the scorecard's variants of a metric."""
        return [other for other in self.shown_metrics if other.variant_of == metric.name]

    def lead_metric(self) -> tuple[MetricDefinition, Figure | None]:
        """Return the metric that the scorecard is about: its first outcome that is no comparison, and has a value."""
        mains = self.main_metrics
        outcomes = [metric for metric in mains if metric.level == "kgi" and not metric.is_derived]
        for metric in [*outcomes, *mains]:
            figure = self.whole(metric.name)
            if figure is not None and figure.value is not None:
                return metric, figure
        return (outcomes or mains)[0], None

    def drives(self, metric: MetricDefinition, goal: MetricDefinition) -> bool:
        """Whether a metric drives a goal directly or through one other metric.

        Through more metrics, the effect is no longer plain to a reader.
        """
        between = [self.metrics[name] for name in metric.drives if name in self.metrics]
        return goal.name in metric.drives or any(goal.name in other.drives for other in between)

    @cached_property
    def failed_checks(self) -> list[Check]:
        """The checks that failed, errors first."""
        return sorted((check for check in self.checks if not check.passed), key=lambda check: check.severity != "error")

    def failed_checks_of(self, metric: MetricDefinition) -> list[Check]:
        """Return the failed checks of the data a metric comes from."""
        names = {metric.name, metric.variant_of}
        return [check for check in self.failed_checks if names & set(check.metrics)]

    @cached_property
    def general_checks(self) -> list[Check]:
        """The failed checks that touch every metric of the scorecard. A page marks them once, not at each figure."""
        mains = self.main_metrics
        return [
            check for check in self.failed_checks if all(check in self.failed_checks_of(metric) for metric in mains)
        ]


def periods_to_chart(period: Period, fiscal: FiscalYear) -> tuple[Period, ...]:
    """Return the periods that a chart may show, the oldest first."""
    grain = Grain.MONTH if period.grain in {Grain.QUARTER, Grain.YEAR} else period.grain
    last = period_of(period.last_day, grain, fiscal)
    return tuple(last.shift(step, fiscal) for step in range(1 - CHARTED_PERIODS, 1))
