from collections.abc import Iterator

import pytest

from sandbox.standins.salesforce import Salesforce

from .org import RECORDS, VERSION, ask, filled, names, query, record_id, refusal


@pytest.fixture(scope="module")
def service() -> Iterator[Salesforce]:
    """One for all: these tests only read, or write leads of their own."""
    with Salesforce(filled(), page_size=200) as running:
        assert isinstance(running, Salesforce)
        yield running


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("Amount < 10", 10),
        ("Amount <= 10 AND Amount != 3", 10),
        ("IsWon = TRUE AND (Amount = 1 OR Amount = 2)", 1),
        ("Name IN ('Deal 1', 'deal 2', 'Deal x')", 2),
        ("Name > 'Deal 44'", 70),
        ("CloseDate >= 2026-03-31", RECORDS),
        ("CloseDate > 2026-03-31", 0),
        ("Name = null", 0),
        ("Name != null", RECORDS),
        (f"Id = '{record_id(5)}'", 1),
        ("SystemModstamp >= 2026-03-01T09:07:00Z", 30),
        ("SystemModstamp > 2026-03-01T10:07:00.000+01:00", 29),
    ],
)
def test_where(service: Salesforce, where: str, count: int) -> None:
    assert query(service, f"SELECT COUNT() FROM Opportunity WHERE {where}")["totalSize"] == count


def test_order_limit_and_offset(service: Salesforce) -> None:
    soql = "select name from opportunity order by iswon desc, amount asc limit 2 offset 1"
    assert names(service, soql) == ["Deal 2", "Deal 4"]


def test_nulls_come_first(service: Salesforce) -> None:
    for number, rating in enumerate(["b", None, "a"]):
        service.store.put("Lead", f"00Q{number}", {"Name": str(rating), "Rating": rating})

    assert names(service, "SELECT Name FROM Lead ORDER BY Rating") == ["None", "a", "b"]
    assert names(service, "SELECT Name FROM Lead ORDER BY Rating DESC") == ["None", "b", "a"]


def test_quotes_in_text(service: Salesforce) -> None:
    service.store.put("Lead", "00Q1", {"Name": "O'Brien \\ Söhne"})
    assert names(service, r"SELECT Name FROM Lead WHERE Name = 'O\'Brien \\ Söhne'") == ["O'Brien \\ Söhne"]


def test_offset_gives_the_first_page_only_and_ends_at_2000(service: Salesforce) -> None:
    page = query(service, "SELECT Id FROM Opportunity OFFSET 1")
    assert (len(page["records"]), page["done"]) == (200, True)

    refused = ask(service, f"{VERSION}/query", q="SELECT Id FROM Opportunity OFFSET 2001")
    assert refusal(refused) == (400, "NUMBER_OUTSIDE_VALID_RANGE")


def test_an_unknown_field_is_shown_in_its_place(service: Salesforce) -> None:
    refused = ask(service, f"{VERSION}/query", q="SELECT Id, Stage FROM Opportunity")

    assert refusal(refused) == (400, "INVALID_FIELD")
    assert refused.json()[0]["message"].startswith(
        "\nSELECT Id, Stage FROM Opportunity\n           ^\nERROR at Row:1:Column:12\n"
        "No such column 'Stage' on entity 'Opportunity'. If you are attempting to use a custom field"
    )


@pytest.mark.parametrize(
    "soql",
    [
        "",
        "SELECT FROM Opportunity",
        "SELECT * FROM Opportunity",
        "SELECT Id FROM Opportunity WHERE",
        "SELECT Id FROM Opportunity WHERE Name = 'open",
        "SELECT Id FROM Opportunity WHERE Amount < null",
        "SELECT Id FROM Opportunity WHERE Amount = 1 AND IsWon = true OR IsWon = false",
        "SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-03-01T00:00:00 00:00",
        "SELECT Id FROM Opportunity WHERE CloseDate = 2026-02-30",
        "SELECT Id FROM Opportunity LIMIT -1",
        "SELECT Id FROM Opportunity LIMIT 1 ORDER BY Id",
        "SELECT Id FROM Opportunity; DROP",
    ],
)
def test_what_is_no_query(service: Salesforce, soql: str) -> None:
    assert refusal(ask(service, f"{VERSION}/query", q=soql)) == (400, "MALFORMED_QUERY")


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("SystemModstamp > '2026-03-01T00:00:00Z'", "must be of type dateTime and should not be enclosed"),
        ("CloseDate > 2026-03-01T00:00:00Z", "must be of type date and should not be enclosed"),
        ("Name = 1", "must be of type string and should be enclosed"),
    ],
)
def test_a_literal_of_another_type(service: Salesforce, where: str, hint: str) -> None:
    [refused] = query(service, f"SELECT Id FROM Opportunity WHERE {where}")

    assert refused["errorCode"] == "INVALID_FIELD"
    assert hint in refused["message"]
