"""What the YAML of a metric may say."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, WithJsonSchema, model_validator

from scorecard.catalogue.declared_words import DeclaredForms, DeclaredText
from scorecard.catalogue.expression import Expression, read_expression
from scorecard.catalogue.validation import Entry, Open, Text, wrong
from scorecard.shared.periods import Grain


def _pairs(given: Any) -> Any:
    """Let one pair stand for a list of one."""
    return [given] if isinstance(given, (list, tuple)) and given and isinstance(given[0], str) else given


Pairs = Annotated[tuple[tuple[Text, Text], ...], BeforeValidator(_pairs)]
Aggregate = Literal["sum", "ratio", "average", "median", "percentile_90", "km_median", "last"]
Number = StrictInt | StrictFloat


class BesideEntry(Entry):
    """A metric that is printed beside another: the same observations under another aggregate."""

    name: Text = Field(description="What is added to the metric's name: `mean` makes `sales_cycle_length_mean`.")
    label: DeclaredText
    aggregate: Aggregate


class ParameterEntry(Entry):
    """A number that a metric's SQL and words use, and that a business unit may set otherwise."""

    default: Number
    type: Literal["integer", "decimal"] = "integer"
    min: Number = Field(0, description="The least that it may be.")
    max: Number = Field(description="The most that it may be.")

    @model_validator(mode="after")
    def _is_within(self) -> "ParameterEntry":
        if not self.allows(self.default):
            problem = f"The default {self.default} is no {self.type} from {self.min} to {self.max}."
            raise wrong(problem, "Correct the default, `type`, `min` or `max`.")
        return self

    def allows(self, number: float) -> bool:
        """Whether a number is of the type and within the bounds."""
        return self.min <= number <= self.max and (self.type == "decimal" or number == int(number))


class DescribedEntry(Entry):
    """What the YAML of every metric says."""

    label: DeclaredText = Field(description="The name that is printed.")
    definition: DeclaredText = Field(description="What it is, in a sentence.")
    formula: DeclaredText = Field(description="How it is computed, in a line.")
    unit: Literal["currency", "percent", "count", "units", "days", "minutes"]
    direction: Literal["higher", "lower"] = Field(description="Which is better.")
    level: Literal["kgi", "kpi", "kfs"] = Field(description="Goal, indicator on the way to it, or factor for success.")
    perspective: Literal["internal", "customer"]
    metric_class: Literal["outcome", "effectiveness", "efficiency"] = Field(alias="class")
    owner: Text = Field(description="Whom to ask: an address.")
    caveat: DeclaredText | None = Field(None, description="What a reader has to mind.")
    journey_stage: Text | None = Field(None, description="The stage of the customer's journey that it is about.")
    drives: tuple[Text, ...] = Field((), description="The metrics that it leads to, up to a KGI.")
    na_where: tuple[Text, ...] = Field((), description="Gaps of a source in which a value is n/a.")
    grains: tuple[Grain, ...] = Field(tuple(Grain), description="The periods that it has values for.")
    signed: StrictBool = Field(False, description="Values have a sign: a gain and a loss.")

    @model_validator(mode="after")
    def _has_a_stage(self) -> "DescribedEntry":
        if self.perspective == "customer" and not self.journey_stage:
            raise wrong("A metric of the customer's perspective has no `journey_stage`.", "Name the stage.")
        return self


class MetricEntry(DescribedEntry):
    """What ``config.meta`` of a KPI model says of the metric."""

    kind: Literal["flow", "stock", "period"] = Field(
        description="What a row is: an event, what there is for some days, or a row of a period."
    )
    aggregate: Aggregate = Field(description="How observations make a value.")
    pending: DeclaredForms | None = Field(None, description="What is not settled: of one record, of {count} records.")
    minimum_observations: StrictInt = Field(1, ge=1, description="With fewer, a value is n/a.")
    parameters: dict[Text, ParameterEntry] = Field({}, description="Numbers that the SQL and the words use.")
    beside: tuple[BesideEntry, ...] = Field((), description="Further aggregates of the same observations.")
    alert_by: Text | None = Field(None, description="The dimension whose members are held to their own history.")
    cross: Pairs = Field((), description="A pair of dimensions, or several, by which it has values: [product, region].")
    may_exceed_one: StrictBool = Field(False, description="A share that may be more than 100 %.")
    evidence: Text | None = Field(None, description="The model of the records behind its observations.")

    @model_validator(mode="after")
    def _has_a_fitting_aggregate(self) -> "MetricEntry":
        aggregates: set[str] = {self.aggregate, *(beside.aggregate for beside in self.beside)}
        allowed = {"last", "ratio", "average"} if self.kind == "stock" else set(get_args(Aggregate)) - {"last"}
        if not aggregates <= allowed:
            problem = f"A {self.kind} has the aggregate {', '.join(sorted(aggregates - allowed))}."
            raise wrong(problem, f"Correct `kind`, or choose one of: {', '.join(sorted(allowed))}.")
        return self


def _expression(given: Any) -> Expression:
    try:
        return read_expression(str(given))
    except ValueError as error:
        raise wrong(f"`{given}` {error}.", "See docs/metrics-guide.md, A metric computed from others.") from None


class DerivedEntry(DescribedEntry):
    """A derived metric's YAML file: computed from values of other metrics."""

    expression: Annotated[Expression, BeforeValidator(_expression), WithJsonSchema({"type": "string"})] = Field(
        description="Over metrics of the same member: `booked_revenue / target(booked_revenue)`."
    )


class _Config(Open):
    meta: MetricEntry


class _Model(Open):
    name: Text
    config: _Config


def _one_model(given: Any) -> Any:
    if isinstance(given, list) and len(given) != 1:
        raise wrong(f"{{key}} has {len(given)} entries.", "Write a file for each metric.")
    return given


class MetricFile(Open):
    """A metric's YAML file: dbt's entry of the model, with the metric under ``config.meta``."""

    models: Annotated[tuple[_Model, ...], BeforeValidator(_one_model)]
