"""Why there is no value: a message of the pages, or what the close has of a company's own gap."""

from dataclasses import replace

import pytest

from tests.unit.pdf.made_up import REVENUE, UNIT, made_up_context


@pytest.mark.parametrize(
    ("reason", "printed"),
    [
        ("no_notes", "Nobody writes notes."),
        ("no_answers", "A source holds no answers to surveys: they are not read, or nobody was asked."),
        ("no_such_reason", "No records in Q4 2017."),
        (None, "No records in Q4 2017."),
    ],
)
def test_a_page_says_why_there_is_no_value(reason: str | None, printed: str) -> None:
    context = made_up_context({(REVENUE, "business_unit"): {UNIT: (1, 2)}}, [])
    context.close = replace(context.close, reasons={"no_notes": "Nobody writes notes."})
    assert context.reason(reason, "Q4 2017") == printed
