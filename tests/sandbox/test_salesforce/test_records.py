from datetime import timedelta

import pytest

from sandbox.standins.salesforce import Salesforce

from .org import START, described, names, query, record_id


def test_times_are_those_of_the_versions(service: Salesforce) -> None:
    service.store.change("Opportunity", record_id(0), START + timedelta(hours=2, milliseconds=5), Name="New")
    soql = "SELECT Name, CreatedDate, LastModifiedDate, SystemModstamp FROM Opportunity LIMIT 1"

    [record] = query(service, soql)["records"]
    del record["attributes"]
    assert record == {
        "Name": "New",
        "CreatedDate": "2026-03-01T09:00:00.000+0000",
        "LastModifiedDate": "2026-03-01T11:00:00.000+0000",
        "SystemModstamp": "2026-03-01T11:00:00.000+0000",
    }


def test_a_deleted_record_is_gone_after_15_days(service: Salesforce) -> None:
    service.store.delete("Opportunity", record_id(7))
    soql = "SELECT Name FROM Opportunity WHERE IsDeleted = true"

    assert names(service, soql) == []
    assert names(service, soql, everything=True) == ["Deal 7"]
    service.advance(days=14, hours=23)
    assert names(service, soql, everything=True) == ["Deal 7"]
    service.advance(hours=1)
    assert names(service, soql, everything=True) == []


def test_a_merged_account_names_the_one_that_took_it_in(service: Salesforce) -> None:
    service.store.put("Account", "001A", {"Name": "Loser"})
    service.store.put("Account", "001B", {"Name": "Winner"})
    service.store.delete("Account", "001A", merged_into="001B")

    soql = "SELECT Id, Name, IsDeleted, MasterRecordId FROM Account ORDER BY Id"
    records = query(service, soql, everything=True)["records"]
    assert [(record["Name"], record["IsDeleted"], record["MasterRecordId"]) for record in records] == [
        ("Loser", True, "001B"),
        ("Winner", False, None),
    ]


def test_the_clock_reveals_versions(service: Salesforce) -> None:
    later = service.store.now + timedelta(hours=1)
    service.store.put("Lead", "00Q1", {"Name": "Ada"}, later)
    service.store.put("Lead", "00Q2", {"Name": "Late"}, later, visible_at=later + timedelta(minutes=5))
    soql = "SELECT Name, SystemModstamp FROM Lead"

    assert query(service, "SELECT COUNT() FROM Lead")["totalSize"] == 0
    service.advance(hours=1)
    assert names(service, soql) == ["Ada"]
    service.advance(minutes=5)
    records = query(service, soql)["records"]
    assert [record["Name"] for record in records] == ["Ada", "Late"]
    assert records[0]["SystemModstamp"] == records[1]["SystemModstamp"]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("OpportunityHistory", "LastModifiedDate"),
        ("User", "IsDeleted"),
        ("LeadHistory", "SystemModstamp"),
        ("OpportunityFieldHistory", "LastModifiedDate"),
    ],
)
def test_objects_that_lack_a_system_field(service: Salesforce, kind: str, field: str) -> None:
    assert field not in described(service, kind)
    assert query(service, f"SELECT {field} FROM {kind}")[0]["errorCode"] == "INVALID_FIELD"


def test_activities_are_archived_a_year_after_they_are_over(service: Salesforce) -> None:
    day = service.store.now.date().isoformat()
    service.store.put("Task", "00T1", {"Subject": "Done", "IsClosed": True, "ActivityDate": day})
    service.store.put("Task", "00T2", {"Subject": "Open", "IsClosed": False, "ActivityDate": day})
    service.store.put("Event", "00U1", {"Subject": "Met", "ActivityDate": day})

    def subjects(kind: str, everything: bool) -> list[str]:
        soql = f"SELECT Subject FROM {kind} WHERE IsDeleted = false"
        return [record["Subject"] for record in query(service, soql, everything)["records"]]

    service.advance(days=364)
    assert subjects("Task", everything=False) == ["Done", "Open"]
    service.advance(days=1)
    assert (subjects("Task", everything=False), subjects("Event", everything=False)) == (["Open"], [])
    assert (subjects("Task", everything=True), subjects("Event", everything=True)) == (["Done", "Open"], ["Met"])
    soql = "SELECT Subject FROM Task WHERE IsArchived = true"
    assert [record["Subject"] for record in query(service, soql, everything=True)["records"]] == ["Done"]
