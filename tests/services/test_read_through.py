"""Through which day a service's records are known: told by its own clock, written with the load, when all is read."""

from datetime import date, timedelta

import pytest

from sandbox.standins.faults import Fault
from sandbox.standins.salesforce import Salesforce
from scorecard.shared.errors import ScorecardError

from .conftest import Connect, Reader, utc
from .test_salesforce import key, opportunity, org, reader_of

__all__ = ["org"]


def through(reader: Reader) -> date | None:
    (row,) = reader.sql("select max(read_through) from raw_salesforce._cursors")
    return row[0]


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2024-01-05T12:00:00", date(2024, 1, 4)),
        ("2024-01-05T05:11:00", date(2024, 1, 4)),
        ("2024-01-05T05:09:00", date(2024, 1, 3)),  # what happened just before midnight may not be there yet
        ("2024-01-05T04:59:00", date(2024, 1, 3)),
    ],
)
def test_a_quiet_day_is_known_once_it_is_over(connect: Connect, org: Salesforce, clock: str, day: date) -> None:
    """Days are those of the company, whose midnight is five hours after UTC's."""
    org.store.now = utc(clock)
    reader = reader_of(connect, org)
    reader.extract()
    assert through(reader) == day


def test_a_run_later_in_the_day_loads_nothing_and_the_next_day_says_so(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    first = through(reader)
    org.store.now += timedelta(minutes=5)
    assert reader.extract().load_id is None
    org.store.now += timedelta(days=1)
    again = reader.extract()
    assert (again.load_id is None, again.loaded) == (False, ())
    assert first is not None
    assert through(reader) == first + timedelta(days=1)
    org.store.put("Opportunity", key(41), opportunity(41))
    org.store.now += timedelta(minutes=20)
    reader.extract()
    assert len(reader.current("opportunity", "id")) == 41, "the cursor stayed where it was"


def test_no_day_is_known_while_an_object_fails(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    org.faults.on(Fault.SERVER_ERROR, path="OpportunityHistory", times=99)
    with pytest.raises(ScorecardError):
        reader.extract()
    assert through(reader) is None
    assert reader.current("opportunity", "id")
    org.faults.off()
    reader.extract()
    assert through(reader) == date(2024, 1, 2)
