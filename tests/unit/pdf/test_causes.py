"""Which member a sentence names as what moved a figure."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecard.pdf.page.causes import cause_of, contributions, explain
from scorecard.pdf.page.comparisons import against_prior
from scorecard.pdf.page.context import PageContext
from scorecard.pdf.sections.summary.key_points import key_points
from tests.unit.pdf.made_up import RATE, REVENUE, UNIT, Amounts, made_up_context
from tests.unit.pdf.printed import written

BY_REGION = [("revenue", "region")]
# Revenue rose by 206,963; entertainment fell.
SECTORS: Amounts = {"retail": (700_000, 900_000), "medical": (500_000, 540_000), "entertainment": (333_037, 300_000)}


def _revenue(members: Amounts, dimension: str = "region", language: str = "en") -> PageContext:
    whole = (sum(int(was) for was, _ in members.values()), sum(int(now) for _, now in members.values()))
    return made_up_context(
        {(REVENUE, "business_unit"): {UNIT: whole}, (REVENUE, dimension): members}, [("revenue", dimension)], language
    )


def _explanation(context: PageContext) -> str:
    figure = context.close.whole("revenue")
    assert figure is not None
    cause = cause_of(context, REVENUE, figure)
    assert cause is not None
    lead, rest, _ = explain(context, REVENUE, figure, cause)
    return f"{lead} {rest}".replace("\u00a0", " ")


def test_a_rise_is_explained_by_what_rose_and_what_fell_held_it_back() -> None:
    assert _explanation(_revenue(SECTORS, "segment")) == (
        "retail contributed most to the rise in revenue: +0.20 M (up 28.6 % on Q3 to 0.90 M) of +0.21 M in all; "
        "held back by entertainment: −0.03 M (down 9.9 % on Q3 to 0.30 M)"
    )
    assert _explanation(_revenue(SECTORS, "segment", "ja")) == (
        "Revenueを最も押し上げたのはretail： 全体+21万のうち+20万（第3四半期比28.6%増の90万）。"
        "押し下げたのはentertainment：−3万（第3四半期比9.9%減の30万）"
    )


def test_a_fall_is_explained_by_what_fell_though_the_target_is_missed_or_reached() -> None:
    explanation = _explanation(_revenue({"East": (900_000, 700_000), "West": (900_000, 950_000)}))
    assert explanation.startswith("East contributed most to the fall in revenue: −0.20 M (down 22.2 % on Q3 to 0.70 M)")
    assert explanation.endswith("made up for in part by West: +0.05 M (up 5.6 % on Q3 to 0.95 M)")


def test_the_page_and_the_mail_name_no_member_of_a_dimension_that_is_not_shown() -> None:
    figures = {
        (REVENUE, "business_unit"): {UNIT: (200, 300)},
        (REVENUE, "region"): {"East": (100, 140), "West": (100, 160)},
        (REVENUE, "country"): {"United States": (200, 300)},
    }
    context = made_up_context(figures, BY_REGION)
    texts = " ".join(point.text for point in key_points(context))
    assert "West contributed most" in texts
    assert "United States" not in texts
    assert cause_of(made_up_context(figures, []), REVENUE, context.close.whole("revenue")) is None


def test_what_is_not_known_is_never_named_nor_is_another_in_its_place() -> None:
    unknown = _revenue({"East": (100, 120), "unknown": (100, 180)})
    assert cause_of(unknown, REVENUE, unknown.close.whole("revenue")) is None
    against = _revenue({"East": (100, 220), "unknown": (100, 60)})
    assert "held back" not in _explanation(against)


def test_a_member_that_was_not_there_before_or_is_gone_is_named_with_both_figures() -> None:
    assert "North contributed most" in _explanation(_revenue({"East": (100, 110), "North": (0, 60)}))
    assert "East contributed most to the fall in revenue: −100 (down 100 % on Q3 to 0)" in _explanation(
        _revenue({"East": (100, 0), "West": (100, 120)})
    )


def test_members_that_do_not_make_up_the_whole_explain_nothing() -> None:
    figures = {
        (REVENUE, "business_unit"): {UNIT: (100, 200)},
        (REVENUE, "product"): {"Pro": (100, 200), "Basic": (10, 20)},
    }
    context = made_up_context(figures, [("revenue", "product")])
    assert cause_of(context, REVENUE, context.close.whole("revenue")) is None


def test_nothing_moved_needs_no_cause() -> None:
    context = _revenue({"East": (100, 110), "West": (100, 90)})
    assert cause_of(context, REVENUE, context.close.whole("revenue")) is None


def test_of_a_rate_what_its_own_rate_and_its_weight_added_stand_apart() -> None:
    figures = {
        (RATE, "business_unit"): {UNIT: ("60/100", "60/120")},
        (RATE, "team"): {"A": ("40/50", "40/50"), "B": ("20/50", "20/70")},
    }
    context = made_up_context(figures, [("rate", "team")])
    figure = context.close.whole("rate")
    assert figure is not None
    cause = cause_of(context, RATE, figure)
    assert cause is not None
    assert (cause.total, cause.largest.member) == (Fraction(-1, 10), "B")
    lead, rest, _ = explain(context, RATE, figure, cause)
    assert f"{lead} {rest}".replace("\u00a0", " ") == (
        "B contributed most to the fall in win rate: −8.3 pt (−6.7 pt by its own figure, −1.7 pt by its weight; "
        "down 11.4 pt on Q3 to 28.6 %) of −10.0 pt in all"
    )


AMOUNTS = st.integers(-(10**12), 10**12)
PAIRS = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6))


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=9))
def test_the_parts_of_a_sum_add_up_exactly(amounts: list[tuple[int, int]]) -> None:
    context = _revenue({f"m{n}": pair for n, pair in enumerate(amounts)})
    figure = context.close.whole("revenue")
    assert figure is not None
    assert figure.change is not None
    assert sum(part.amount for part in contributions(context, REVENUE, figure, "region")) == Fraction(figure.change)


@given(st.lists(st.tuples(PAIRS, PAIRS), min_size=1, max_size=9), st.data())
def test_the_parts_of_a_rate_add_up_exactly(
    pairs: list[tuple[tuple[int, int], tuple[int, int]]], data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.integers(1, 9)))
    members: Amounts = {
        f"m{n}": (f"{n0}/{d0}", "0/0" if n in gone else f"{n1}/{d1}") for n, ((n0, d0), (n1, d1)) in enumerate(pairs)
    }
    sums = [
        "/".join(str(sum(int(pair[at].split("/")[side]) for pair in members.values())) for side in (0, 1))
        for at in (0, 1)
    ]
    context = made_up_context(
        {(RATE, "business_unit"): {UNIT: (sums[0], sums[1])}, (RATE, "team"): members}, [("rate", "team")]
    )
    figure = context.close.whole("rate")
    assert figure is not None
    (n0, d0), (n1, d1) = (map(int, fraction.split("/")) for fraction in sums)
    assert sum(part.amount for part in contributions(context, RATE, figure, "team")) == Fraction(n1, d1) - Fraction(
        n0, d0
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_samples_name_only_what_their_scorecards_show(sales: Path, customers: Path, language: str) -> None:
    for close in (sales, customers):
        context, _ = written(close, language)
        shown = {dimension for _, dimension in context.close.breakdowns}
        for metric in context.close.shown_metrics:
            cause = cause_of(context, metric, context.close.whole(metric.name))
            assert cause is None or {cause.largest.dimension, (cause.opposite or cause.largest).dimension} <= shown


def _unsettled(at_most: str, target: str) -> PageContext:
    """Return the context of a churn rate of 2 % that may still become more, compared with a target."""
    churn = replace(RATE, name="churn", label="Churn", higher_is_better=False, settles_after=30, drives=("revenue",))
    figures = {
        (REVENUE, "business_unit"): {UNIT: (100, 100)},
        (churn, "business_unit"): {UNIT: ("3/100", "2/100")},
        (churn, "team"): {"A": ("1/50", "1/50"), "B": ("2/50", "1/50")},
    }
    context = made_up_context(figures, [("churn", "team")])
    key = ("churn", "2017-Q4", "business_unit", UNIT)
    status = (
        "ahead" if Decimal(at_most) < Decimal(target) else "off_track" if Decimal("0.02") > Decimal(target) else "na"
    )
    context.close.figures[key] = replace(
        context.close.figures[key], at_most=Decimal(at_most), pending=Decimal(3), target=Decimal(target), status=status
    )
    return context


@pytest.mark.parametrize(
    ("target", "words"),
    [("0.05", "at least 2.0 pt better than"), ("0.01", "at least 1.0 pt worse than"), ("0.025", "")],
)
def test_what_is_not_settled_is_praised_and_blamed_only_for_what_is_sure(target: str, words: str) -> None:
    context = _unsettled("0.03", target)
    churn = context.close.metrics["churn"]
    figure = context.close.whole("churn")
    assert figure is not None
    texts = " ".join(point.text for point in key_points(context)).replace("\u00a0", " ")
    assert words in texts
    assert "better than in Q3" not in texts, "2 % is less than 3 %, but it may become 3 %"
    assert words or "Churn is" not in texts
    assert cause_of(context, churn, figure) is None
    assert against_prior(context, churn, figure).text.replace("\u00a0", " ") == "−1.0 to 0.0 pt"
