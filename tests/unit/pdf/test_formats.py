"""Numbers, periods and glyphs as each language writes them."""

from decimal import Decimal

import pytest

from scorecard.pdf.page.charts import Chart, PeriodSeries, periods_chart, sparkline
from scorecard.pdf.page.formats import LocaleFormats
from scorecard.pdf.page.wording import Wording
from scorecard.pdf.sections.breakdowns.bars import bars
from scorecard.shared.periods import CALENDAR_YEAR, FiscalYear, parse_period
from tests.conftest import PROJECT

REPORTS = PROJECT / "reports"
EN, JA = (LocaleFormats(Wording(REPORTS, language)) for language in ("en", "ja"))


@pytest.mark.parametrize(
    ("value", "unit", "english", "japanese"),
    [
        ("2802496", "currency", "2.80 M", "280万"),
        ("143212345", "currency", "143.2 M", "1.43億"),
        ("50833620", "currency", "50.83 M", "5,083万"),
        ("339514.55", "currency", "339,515", "339,515"),
        ("12.5", "currency", "12.50", "12.50"),
        ("0.60251889", "percent", "60.3 %", "60.3%"),
        ("-0.0602762", "percent", "−6.0 %", "−6.0%"),
        ("-0.0001", "percent", "0.0 %", "0.0%"),
        ("51", "days", "51 days", "51日"),
        ("1", "days", "1 day", "1日"),
        ("4.1", "days", "4.1 days", "4.1日"),
        ("12.5", "days", "13 days", "13日"),
        ("84", "minutes", "84 min", "84分"),
        ("1196", "count", "1,196", "1,196"),
    ],
)
def test_values(value: str, unit: str, english: str, japanese: str) -> None:
    assert EN.single(Decimal(value), unit).replace("\u00a0", " ") == english
    assert JA.single(Decimal(value), unit) == japanese


@pytest.mark.parametrize(
    ("values", "english", "japanese"),
    [
        # Beside a larger target or whole, in one unit; in Japanese in the smaller one that suits both.
        (["50833620", "120000000"], ["50.8 M", "120.0 M"], ["5,083万", "12,000万"]),
        (["294401", "731200", "1050000"], ["0.29 M", "0.73 M", "1.05 M"], ["29万", "73万", "105万"]),
        (["508336200", "1200000000"], ["508 M", "1,200 M"], ["5.08億", "12.00億"]),
        # What is small beside the whole does not print as nothing.
        (["6900", "3457000"], ["0.01 M", "3.46 M"], ["1万", "346万"]),
        (["1200", "3457000"], ["0.001 M", "3.457 M"], ["0.1万", "345.7万"]),
        (["3000000", "15000000000"], ["3 M", "15,000 M"], ["0.03億", "150.00億"]),
    ],
)
def test_numbers_read_beside_one_another_are_in_one_unit(
    values: list[str], english: list[str], japanese: list[str]
) -> None:
    numbers = [Decimal(value) for value in values]
    for formats, expected in ((EN, english), (JA, japanese)):
        scale = formats.scale("currency", numbers)
        assert [formats.number(number, scale).replace("\u00a0", " ") for number in numbers] == expected


def test_changes() -> None:
    assert EN.change("percent", Decimal("-0.0173"), Decimal("-0.028")) == "−1.7\u00a0pt"
    assert EN.change("currency", Decimal("-179759"), Decimal("-0.0602762")) == "−6.0\u00a0%"
    assert EN.change("currency", Decimal("5"), None) == "+5.00"
    assert EN.change("currency", None, None) is None
    assert EN.gap("days", Decimal("-4"), Decimal("-0.07")) == "4\u00a0days"


@pytest.mark.parametrize(
    ("label", "fiscal", "english", "japanese"),
    [
        ("2017-Q4", CALENDAR_YEAR, "Q4 2017 (1 Oct – 31 Dec)", "2017年第4四半期（10月1日～12月31日）"),
        (
            *("2018-Q1", FiscalYear(10), "Q1 FY2018 (1 Oct – 31 Dec 2017)"),
            "2018年度第1四半期（2017年10月1日～12月31日）",
        ),
        (
            *("2018-Q4", FiscalYear(4, "start"), "Q4 FY2018 (1 Jan – 31 Mar 2019)"),
            "2018年度第4四半期（2019年1月1日～3月31日）",
        ),
        (
            *("2018", FiscalYear(10), "FY2018 (1 Oct 2017 – 30 Sept 2018)"),
            "2018年度（2017年10月1日～2018年9月30日）",
        ),
        (
            *("2018", FiscalYear(10, "start"), "FY2018 (1 Oct 2018 – 30 Sept 2019)"),
            "2018年度（2018年10月1日～2019年9月30日）",
        ),
        ("2017-12", FiscalYear(10), "Dec 2017", "2017年12月"),
        ("2017-W52", FiscalYear(10), "W52 2017 (25 Dec – 31 Dec)", "2017年第52週（12月25日～12月31日）"),
        ("2017-12-31", CALENDAR_YEAR, "31 Dec 2017", "2017年12月31日"),
    ],
)
def test_periods(label: str, fiscal: FiscalYear, english: str, japanese: str) -> None:
    period = parse_period(label, fiscal)
    assert EN.period_full(period, fiscal).replace("Sept", "Sep") == english.replace("Sept", "Sep")
    assert JA.period_full(period, fiscal) == japanese


def test_a_period_beside_another_loses_its_year_only_where_it_is_the_same() -> None:
    q4 = parse_period("2017-Q4")
    assert EN.period_beside(parse_period("2017-Q3"), q4) == "Q3"
    assert EN.period_beside(parse_period("2016-Q4"), q4) == "Q4 2016"


def _columns(values: list[Decimal | None], labels: list[str | None], width: int = 204) -> Chart:
    """Return a chart of columns without targets, whose periods are all over and part of the scorecard's period."""
    every = [True] * len(values)
    series = PeriodSeries(values, [None] * len(values), labels, is_current=every, is_complete=every)
    return periods_chart(series, ("a", "by", "b"), "t", columns=True, width=width)


def test_charts_leave_a_gap_where_there_is_no_value() -> None:
    chart = sparkline([Decimal(1), Decimal(2), None, Decimal(0), Decimal(3), None], "t")
    assert len(chart.lines) == 2
    assert chart.end is None
    columns = _columns([Decimal(5), None], [None, None])
    assert len(columns.columns) == 1


def test_no_label_of_a_chart_is_printed_over_another() -> None:
    chart = _columns(
        [Decimal(500), Decimal(501), Decimal(10), Decimal(502)], ["1,234,500", "1,234,501", "10", "1,234,502"], 80
    )
    assert [label.text for label in chart.labels] == ["1,234,500", "10", "1,234,502"], "of two the later"
    negative = _columns([Decimal(5), Decimal(-5)], ["5", "−5"])
    lowest = max(float(label.y) for label in negative.labels)
    assert all(float(name.y) - lowest >= 7 for name in negative.axis), "nor over the names below"


def test_bars_share_one_scale_and_grow_from_zero_both_ways() -> None:
    high, low, missing = bars(
        [Decimal(100), Decimal(-100), None], [None] * 3, [Decimal(50), None, None], ["h", "l", "m"]
    )
    assert missing is None
    assert high is not None
    assert low is not None
    assert high.zero.startswith("M49 ")
    assert (high.actual[:10], low.actual[:9]) == ("M49 2.4h49", "M0 2.4h49")
    assert high.goal is not None
    assert high.goal.startswith("M72.7 0h1.6")
    assert (high.title, high.prior, low.goal) == ("h", None, None)
