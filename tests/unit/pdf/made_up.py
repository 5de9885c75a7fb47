"""Closes of a few figures, made in memory: for sentences whose figures a test names itself."""

from dataclasses import replace
from decimal import Decimal
from zlib import crc32

from scorecard.pdf.page.close_data import WHOLE, Close, Metric, Value
from scorecard.pdf.page.context import Desk
from scorecard.pdf.page.formats import Formats
from scorecard.pdf.page.wording import Wording
from scorecard.shared.periods import CALENDAR_YEAR, Period, parse_period
from tests.unit.pdf.close_fixture import PROJECT

UNIT = "Hardware"
PERIOD = parse_period("2017-Q4")
Amounts = dict[str, tuple[int | str, int | str]]
"""By member: its amount in the period before and in the period; of a rate, ``numerator/denominator``."""

REVENUE = Metric(
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


def desk(
    figures: dict[tuple[Metric, str], Amounts],
    shown: list[tuple[str, str]],
    language: str = "en",
    records: int = 100,
) -> Desk:
    """Return the desk of a close.

    Parameters
    ----------
    figures: amounts by metric and dimension; those of the whole under the dimension ``business_unit``.
    shown: the scorecard's breakdowns, as metric and dimension.
    records: how many records each member's figure rests on; the whole's on as many as its members' together.
    """
    values: dict[tuple[str, str, str, str], Value] = {}
    for (metric, dimension), amounts in figures.items():
        members = max((len(of) for (each, by), of in figures.items() if each == metric and by != WHOLE), default=1)
        for member, (was, now) in amounts.items():
            count = records * (members if dimension == WHOLE else 1)
            before = _value(metric, PERIOD.shift(-1), dimension, member, was, None, count)
            after = _value(metric, PERIOD, dimension, member, now, before.value, count)
            for figure in (before, after):
                values[metric.name, figure.period, dimension, member] = figure
    metrics = {metric.name: metric for metric, _ in figures}
    members_of = {(metric.name, dimension): tuple(amounts) for (metric, dimension), amounts in figures.items()}
    close = Close(
        close_id="made-up-2017-Q4-e1",
        edition=1,
        content_sha256="0" * 64,
        scorecard={"business_unit": UNIT, "metrics": list(metrics), "breakdowns": shown, "title": {"en": "Made up"}},
        manifest={},
        language=language,
        currency="USD",
        fiscal=CALENDAR_YEAR,
        period=PERIOD,
        metrics=metrics,
        values=values,
        checks=(),
        actions=(),
        targets=(),
        restatements=(),
        members=members_of,
    )
    wording = Wording(PROJECT / "reports", language)
    return Desk(close, wording, Formats(wording))


def _value(
    metric: Metric, period: Period, dimension: str, member: str, amount: int | str, prior: Decimal | None, records: int
) -> Value:
    numerator, _, denominator = str(amount).partition("/")
    n, d = Decimal(numerator), Decimal(denominator or records)
    value = None if denominator == "0" else round(n / d, 8) if denominator else n
    change = None if value is None or prior is None else value - prior
    return Value(
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
