"""The expressions of derived metrics."""

import pytest

from scorecard.catalogue.expression import Term, read_expression


def test_an_expression_is_its_terms_and_two_sides() -> None:
    growth = read_expression("(booked - prior(booked)) / abs(prior(booked))")
    assert growth.terms == (Term("booked", "now"), Term("booked", "prior"))
    assert (growth.numerator, growth.denominator) == ("({0} - {1})", "abs({1})")
    assert growth.looks_back
    assert not growth.has_target
    assert read_expression("booked / target(booked)").has_target


def test_an_expression_without_a_division_is_measured_against_one() -> None:
    margin = read_expression("revenue - 2 * cost + -lag(revenue, 3)")
    assert margin.terms == (Term("revenue", "now"), Term("cost", "now"), Term("revenue", "lag", 3))
    assert (margin.numerator, margin.denominator) == ("(({0} - (2 * {1})) + (-{2}))", "1")


def test_the_metric_of_the_period_itself_says_which_rows_there_are_wherever_it_stands() -> None:
    cost = read_expression("lag(spend, 3) / customers")
    assert cost.driver == Term("customers", "now")
    assert (cost.numerator, cost.denominator) == ("{1}", "{0}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("booked /", "is no expression"),
        ("", "is no expression"),
        ("1 / 2", "names no metric of the period itself"),
        ("prior(booked) / year_ago(booked)", "names no metric of the period itself"),
        ("booked / (a / b)", "a division that is not outermost"),
        ("next(booked)", "is no metric"),
        ("booked ** 2", "is no metric"),
        ("booked * 1.5", "is no metric"),
        ("lag(booked, 0)", "is no metric"),
        ("lag(booked)", "is no metric"),
        ("booked - abs(booked, 1)", "abs takes one thing"),
        ("__import__('os').getcwd()", "is no metric"),
        ("booked.real", "is no metric"),
        ("booked if True else booked", "is no metric"),
    ],
)
def test_what_is_no_expression_is_refused_with_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_expression(text)
