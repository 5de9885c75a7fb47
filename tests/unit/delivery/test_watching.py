"""The watcher's notices: scorecards that missed their deadline, and tasks that were killed."""

from datetime import datetime, timedelta

import pytest

from scorecard import steps
from scorecard.catalogue import load_catalogue
from scorecard.delivery.ledger import Key, opened
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import CALENDAR_YEAR
from scorecard.shared.schedule import last_due
from scorecard.steps.due import holidays

OWNERS = {"sales-operations@example.com", "customer-operations@example.com"}


def newest(settings):
    """The newest period of each scorecard and cadence whose deadline has passed."""
    now = datetime.now(settings.zone)
    return [
        (entry, last_due(cadence, when, holidays(settings), now - timedelta(hours=when.deadline_hours), CALENDAR_YEAR))
        for entry in load_catalogue(settings).scorecards.values()
        for cadence, when in entry.due.items()
    ]


@pytest.fixture
def watched(make_settings):
    """Return a function that makes settings of a company that has been watched for years."""

    def make(port):
        settings = make_settings(port)
        settings.state.mkdir(parents=True, exist_ok=True)
        (settings.state / "watched_since").write_text("2020-01-01T00:00:00+00:00")
        return settings

    return make


def test_a_deadline_that_passed_before_anybody_watched_was_not_missed(server, make_settings):
    settings = make_settings(server.port)
    for _ in range(2):
        assert steps.watch(settings) == []
    assert server.letters == []
    since = datetime.fromisoformat((settings.state / "watched_since").read_text())
    assert timedelta(0) < datetime.now(settings.zone) - since < timedelta(minutes=5)


@pytest.mark.samples
def test_each_owner_is_told_once_what_nobody_received(server, watched):
    settings = watched(server.port)
    late = steps.watch(settings, lambda _: None)
    assert late == [f"{entry.name} {period}: nobody has received it" for entry, period in newest(settings)]
    assert steps.watch(settings, lambda _: None) == late
    assert len(server.letters) == len(late) == 3
    assert set(server.reached) == OWNERS


@pytest.mark.samples
def test_who_has_it_is_not_missed(server, watched):
    settings = watched(server.port)
    with opened(settings) as ledger:
        for entry, period in newest(settings):
            for number, reader in enumerate(entry.recipients):
                key = Key(entry.name, period.label, "1", reader.email)
                ledger.claim(key, "en", f"<{entry.name}.{period}.{number}@example.com>")
                if (entry.name, number) != ("customers", 1):
                    ledger.set_state(key, "sent")
    (late,) = steps.watch(settings, lambda _: None)
    assert late.startswith("customers ")
    assert late.endswith(": kokyaku-bucho@example.com has not received it")


def test_a_task_that_was_killed_is_told_of_and_one_that_spoke_is_not(server, make_settings):
    settings = make_settings(server.port)
    error = ScorecardError("The export is cut off.", "Get it again.")
    steps.notify_failure(settings, "extract_crm", "manual__1", "load", error)
    steps.notify_silent(settings, "extract_crm", "manual__1", ["load"])
    assert [letter["Subject"] for _, letter in server.letters] == ["Failed: extract_crm, load"]
    # The task is cleared, begins again and is killed.
    steps.note_started(settings, "manual__1", "load")
    steps.notify_silent(settings, "extract_crm", "manual__1", ["load"])
    assert len(server.letters) == 2
    assert "it was killed, or the machine ran out of memory" in server.letters[1][1].get_content()


def test_a_scorecard_that_is_held_was_told_of_by_its_own_notice(server, make_settings):
    settings = make_settings(server.port)
    steps.notify_failure(settings, "publish_month", "manual__1", "sales", steps.ScorecardHeld("It is held.", "Wait."))
    steps.notify_silent(settings, "publish_month", "manual__1", ["sales"])
    assert server.letters == []


def test_a_notice_that_nobody_can_read_is_named(make_settings):
    settings = make_settings(1)
    (settings.state / "notices").mkdir(parents=True)
    (settings.state / "notices" / "x.json").write_text("{")
    with pytest.raises(ScorecardError, match=r"notices/x\.json can't be read"):
        steps.watch(settings)
