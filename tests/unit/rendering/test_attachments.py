"""Text of records in the attached CSV: no spreadsheet, of whatever country, takes it for a formula."""

import pytest

from scorecard.rendering.attachments import _guard


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
