"""The attached CSV has all of a figure, and no spreadsheet, of whatever country, takes a text in it for a formula."""

import csv
from dataclasses import replace
from decimal import Decimal

import pytest

from scorecard.pdf.attachments import _guard, figures_csv
from tests.unit.pdf.made_up import REVENUE, UNIT, made_up_context


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("=1+1", "'=1+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        ("\n=1+1", "'\n=1+1"),
        ("\tAcme", "'\tAcme"),
        ("\rAcme", "'\rAcme"),
        ("  =1+1", "'  =1+1"),
        ("Acme;=1+1", "Acme;'=1+1"),
        ("Acme; ＝1+1", "Acme;' ＝1+1"),
        ("Acme\t=1+1", "Acme\t'=1+1"),
        ("Acme\r\n+1", "Acme\r'\n+1"),
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str, guarded: str) -> None:
    assert _guard(text) == guarded


@pytest.mark.parametrize("text", ["Acme", "A=B", "North-East", "ann@example.com", "a + b", "2017-Q4", "", "Ltd; Sons"])
def test_an_ordinary_name_stays_as_it_is(text: str) -> None:
    assert _guard(text) == text


def test_no_text_is_an_empty_cell() -> None:
    assert _guard(None) == ""


def test_a_median_that_is_not_known_is_longer_than_what_is_known() -> None:
    context = made_up_context({(REVENUE, "business_unit"): {UNIT: (3, 7)}}, [])
    (known,) = (key for key in context.close.figures if key[1] == "2017-Q4")
    waiting = replace(
        context.close.figures[known], value=None, longer_than=Decimal("12.50000000"), na_reason="longer_than"
    )
    context.close = replace(context.close, figures={known: waiting})
    (row,) = csv.DictReader(figures_csv(context).decode("utf-8-sig").splitlines())
    assert (row["value"], row["longer_than"], row["na_reason"]) == ("", "12.5", "longer_than")
