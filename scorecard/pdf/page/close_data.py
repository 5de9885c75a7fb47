"""What a close holds, in one language."""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from scorecard.shared.languages import Forms
from scorecard.shared.periods import FiscalYear, Grain, Period, period_of

WHOLE = "business_unit"
SPARK_PERIODS = 13


@dataclass(frozen=True)
class Value:
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
        """The least and the most that the value may still be: the same where it is settled, None where it is n/a."""
        return None if self.value is None else (self.value, self.value if self.at_most is None else self.at_most)

    @property
    def numbers(self) -> tuple[Decimal | None, ...]:
        """The numbers that are printed of it, so that they need digits."""
        return (self.value, self.at_most, self.longer_than, self.yardstick)

    @property
    def yardstick(self) -> Decimal | None:
        """What the value is held against: the target, of an open period the part that is due by now."""
        return self.target if self.is_complete or self.expected is None else self.expected


@dataclass(frozen=True)
class Metric:
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
    """Whether a figure may be on either side of zero, as a movement may: it is compared by difference."""
    settles_after: int = 0
    """Days after a period until which its figure may still change, as those in which a customer may renew."""
    pending: Forms | None = None
    """What isn't settled yet: of one record, then of several, of which {count} is the number."""

    is_derived: bool = False
    """Whether it says of another metric how it stands against a base."""
    is_attainment: bool = False
    """Whether the base is the target of the whole period."""

    @property
    def adds_up(self) -> bool:
        """Whether the values of members sum to the value of all."""
        return self.aggregate in {"sum", "last"}


@dataclass(frozen=True)
class Check:
    """A check that ran on the data behind the scorecard."""

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
        """Whether somebody counted the rows, so that so many of so many can be said."""
        return self.checked > 0

    @property
    def finding(self) -> str:
        """The first sentence of the message: what was found, with its counts; examples and reasons follow it."""
        return re.split(r"。|\.(?: (?=[A-Z])|$)", self.message, maxsplit=1)[0]


@dataclass(frozen=True)
class Action:
    """Something decided at a review."""

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
class Close:
    """A close in one language."""

    close_id: str
    edition: int
    content_sha256: str
    scorecard: dict[str, Any]
    manifest: dict[str, Any]
    language: str
    currency: str
    fiscal: FiscalYear
    period: Period
    metrics: dict[str, Metric]
    values: dict[tuple[str, str, str, str], Value]
    checks: tuple[Check, ...]
    actions: tuple[Action, ...]
    targets: tuple[dict[str, Any], ...]
    restatements: tuple[dict[str, Any], ...]
    has_ranges: bool = True
    """Whether figures that aren't settled carry their range; closes of the first release know only the day."""
    members: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    dimensions: dict[str, str] = field(default_factory=dict)
    """The names of the company's own dimensions; those of the product's are messages."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why there is no value, by gap of a company's own facts; the other reasons are messages."""
    known_through: date | None = None
    """The last day of which it was known what happened, cut at the period's end; None where the close doesn't say."""

    @cached_property
    def prior(self) -> Period:
        """The period before."""
        return self.period.shift(-1, self.fiscal)

    @cached_property
    def year_ago(self) -> Period:
        """The same period of the year before."""
        return self.period.year_ago(self.fiscal)

    @cached_property
    def spark(self) -> tuple[Period, ...]:
        """Periods of a chart, oldest first: months of a quarter or year, else the close's own grain.

        Those before the first one that any indicator has a value of are left out.
        """
        periods = spark_periods(self.period, self.fiscal)
        for at, period in enumerate(periods):
            figures = (self.whole(metric.name, period) for metric in self.mains())
            if any(figure is not None and figure.value is not None for figure in figures):
                return periods[at:]
        return periods

    @property
    def title(self) -> str:
        """The scorecard's title."""
        return words(self.scorecard["title"], self.language)

    def value(self, metric: str, period: Period, dimension: str, member: str) -> Value | None:
        """Return a figure, or None where the close has none."""
        return self.values.get((metric, period.label, dimension, member))

    def at(self, metric: str, period: Period, dimension: str) -> dict[str, Value]:
        """Return a metric's figures of a period by the members of a dimension."""
        return self._by_dimension.get((metric, period.label, dimension), {})

    @cached_property
    def _by_dimension(self) -> dict[tuple[str, str, str], dict[str, Value]]:
        figures: dict[tuple[str, str, str], dict[str, Value]] = {}
        for (metric, period, dimension, member), figure in self.values.items():
            figures.setdefault((metric, period, dimension), {})[member] = figure
        return figures

    @cached_property
    def by_id(self) -> dict[str, Value]:
        """The figures by their ids."""
        return {figure.figure_id: figure for figure in self.values.values()}

    def breakdowns(self) -> list[tuple[str, str]]:
        """Return the scorecard's breakdowns that have members, as metric and dimension."""
        # A close may write them as pairs or as mappings.
        pairs = [
            (entry["metric"], entry["dimension"]) if isinstance(entry, dict) else (entry[0], entry[1])
            for entry in self.scorecard["breakdowns"]
        ]
        return [pair for pair in pairs if self.members.get(pair)]

    def whole(self, metric: str, period: Period | None = None) -> Value | None:
        """Return the figure of the scorecard's whole business unit."""
        return self.value(metric, period or self.period, WHOLE, self.scorecard["business_unit"])

    def shown(self) -> list[Metric]:
        """Return the scorecard's metrics in its order."""
        return [self.metrics[name] for name in self.scorecard["metrics"]]

    def mains(self) -> list[Metric]:
        """Return the metrics that are not printed beside another one of the scorecard."""
        names = set(self.scorecard["metrics"])
        return [metric for metric in self.shown() if metric.variant_of not in names]

    def variants(self, metric: Metric) -> list[Metric]:
        """Return what is printed beside a metric."""
        return [other for other in self.shown() if other.variant_of == metric.name]

    def warnings(self, metric: Metric) -> list[Check]:
        """Return the failed checks of the data a metric comes from."""
        names = {metric.name, metric.variant_of}
        return [check for check in self.failed() if names & set(check.metrics)]

    def general(self) -> list[Check]:
        """Return the failed checks that touch every metric of the scorecard: marked once, not at each figure."""
        return self._general

    @cached_property
    def _general(self) -> list[Check]:
        return [check for check in self.failed() if all(check in self.warnings(metric) for metric in self.mains())]

    def steps_to(self, metric: Metric, goal: Metric) -> int | None:
        """Return over how many others a metric drives a goal: 1 directly, None where it does not."""
        reached, steps = {metric.name}, 0
        while reached and steps < len(self.metrics):
            steps += 1
            reached = {parent for name in reached if name in self.metrics for parent in self.metrics[name].drives}
            if goal.name in reached:
                return steps
        return None

    def failed(self) -> list[Check]:
        """Return the checks that failed, errors first."""
        return self._failed

    @cached_property
    def _failed(self) -> list[Check]:
        return sorted((check for check in self.checks if not check.passed), key=lambda check: check.severity != "error")


def words(text: dict[str, str] | None, language: str) -> str:
    """Return a text in a language, in English where it is not translated; no line ends before a per cent sign."""
    said = (text or {}).get(language) or (text or {}).get("en") or ""
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", said)


def spark_periods(period: Period, fiscal: FiscalYear) -> tuple[Period, ...]:
    """Return the periods a chart may show, oldest first."""
    grain = Grain.MONTH if period.grain in {Grain.QUARTER, Grain.YEAR} else period.grain
    last = period_of(period.last_day, grain, fiscal)
    return tuple(last.shift(step, fiscal) for step in range(1 - SPARK_PERIODS, 1))
