"""Closes of a few figures, made in memory, for tests that name the figures of a sentence."""

from dataclasses import replace
from decimal import Decimal
from zlib import crc32

from scorecard.pdf.page.close_content import WHOLE, CloseContent, Figure, MetricDefinition
from scorecard.pdf.page.context import PageContext
from scorecard.pdf.page.formats import LocaleFormats
from scorecard.pdf.page.wording import Wording
from scorecard.shared.periods import CALENDAR_YEAR, Period, parse_period
from tests.conftest import PROJECT

UNIT = "Hardware"
PERIOD = parse_period("2017-Q4")
Amounts = dict[str, tuple[int | str, int | str]]
"""By member: its amount in the period before and in the period; of a rate, ``numerator/denominator``."""

REVENUE = MetricDefinition(
    name="revenue",
    label="Revenue",
    definition="",
    formula="",
    unit="currency",
    higher_is_better=True,
    level="kgi",
    perspective="internal",
    metric_class="outcome",
    aggregate="sum",
    owner="",
    drives=(),
    variant_of=None,
    caveat=None,
    journey_stage=None,
)
RATE = replace(REVENUE, name="rate", label="Win rate", unit="percent", aggregate="ratio")


def made_up_context(
    figures: dict[tuple[MetricDefinition, str], Amounts],
    shown: list[tuple[str, str]],
    language: str = "en",
    records: int = 100,
) -> PageContext:
    """Return the context of a close.

    Parameters
    ----------
    figures: amounts by metric and dimension. The whole has the dimension ``business_unit``.
    shown: the scorecard's breakdowns, as metric and dimension.
    records: the number of records of each member's figure. The whole has those of all members.
    """
    figures_by_key: dict[tuple[str, str, str, str], Figure] = {}
    for (metric, dimension), amounts in figures.items():
        sizes = [len(members) for (other, by), members in figures.items() if other == metric and by != WHOLE]
        number_of_members = max(sizes, default=1)
        for member, (amount_before, amount) in amounts.items():
            count = records * (number_of_members if dimension == WHOLE else 1)
            before = _figure(metric, PERIOD.shift(-1), dimension, member, amount_before, None, count)
            after = _figure(metric, PERIOD, dimension, member, amount, before.value, count)
            for figure in (before, after):
                figures_by_key[metric.name, figure.period, dimension, member] = figure
    metrics = {metric.name: metric for metric, _ in figures}
    members_of = {(metric.name, dimension): tuple(amounts) for (metric, dimension), amounts in figures.items()}
    close = CloseContent(
        close_id="made-up-2017-Q4-e1",
        edition=1,
        content_sha256="0" * 64,
        scorecard={"business_unit": UNIT, "metrics": list(metrics), "breakdowns": shown},
        manifest={},
        language=language,
        title="Made up",
        purpose="",
        currency="USD",
        fiscal=CALENDAR_YEAR,
        period=PERIOD,
        metrics=metrics,
        figures=figures_by_key,
        checks=(),
        actions=(),
        targets=(),
        restatements=(),
        members=members_of,
    )
    wording = Wording(PROJECT / "reports", language)
    return PageContext(close, wording, LocaleFormats(wording))


def _figure(
    metric: MetricDefinition,
    period: Period,
    dimension: str,
    member: str,
    amount: int | str,
    prior: Decimal | None,
    records: int,
) -> Figure:
    numerator, _, denominator = str(amount).partition("/")
    n, d = Decimal(numerator), Decimal(denominator or records)
    value = None if denominator == "0" else round(n / d, 8) if denominator else n
    change = None if value is None or prior is None else value - prior
    return Figure(
        figure_id=f"F{crc32(f'{metric.name} {period.label} {dimension} {member}'.encode())}",
        metric=metric.name,
        period=period.label,
        dimension=dimension,
        member=member,
        is_complete=True,
        value=value,
        numerator=n,
        denominator=d,
        observations=records,
        na_reason=None,
        target=None,
        expected=None,
        elapsed_share=Decimal(1),
        status="na",
        prior_value=prior,
        change=change,
        change_ratio=change / abs(prior) if change is not None and prior else None,
        year_ago_value=None,
        year_ago_change=None,
        year_ago_change_ratio=None,
    )
