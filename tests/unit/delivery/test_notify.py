import pytest

from scorecard.delivery.notify import (
    Finding,
    failed_checks_notice,
    incomplete_data_notice,
    mail_notice,
    notify_ending,
    notify_failed,
    notify_late,
    send_waiting,
    source_trouble_notice,
)
from scorecard.shared.errors import ScorecardError

STALE = Finding("sales_pipeline is fresh", "The newest deal is 40 days old.", "Ask for a new export.")
NULLS = Finding("close_value is there", "12 of 8800 rows lack it.", "Correct the export.")
OWNER = "sales-ops@example.com"


def test_the_owner_reads_what_failed_and_what_to_do_once(server, make_settings):
    settings = make_settings(server.port)
    for _ in range(3):
        outcome = mail_notice(settings, failed_checks_notice("sales", "2017-Q4", OWNER, [STALE, NULLS]))
        assert outcome.state == "sent"
    ((rcpts, letter),) = server.letters
    assert rcpts == [OWNER]
    assert letter["Subject"] == "Held back: sales 2017-Q4, 2 failed checks"
    text = letter.get_content()
    for check in (STALE, NULLS):
        assert check.name in text
        assert check.message in text
        assert check.cure in text
    assert "scorecard run --scorecard sales --period 2017-Q4" in text


def test_other_failed_checks_are_told_again(server, make_settings):
    settings = make_settings(server.port)
    for failed in ([STALE], [STALE, NULLS], [NULLS, STALE]):
        mail_notice(settings, failed_checks_notice("sales", "2017-Q4", OWNER, failed))
    mail_notice(settings, failed_checks_notice("sales", "2018-Q1", OWNER, [STALE]))
    assert len(server.letters) == 3


def test_a_failed_task_is_told_once_a_day(server, make_settings):
    settings = make_settings(server.port)
    for _ in range(2):
        notify_failed(settings, "build", "dbt", "The model core_deal could not be built.", "Correct it.")
    ((rcpts, letter),) = server.letters
    assert rcpts == ["owner@example.com"]
    assert letter["Subject"] == "Failed: build, dbt"
    assert "What to do: Correct it." in letter.get_content()


def test_the_owner_reads_which_source_is_known_through_which_day_once(server, make_settings):
    settings = make_settings(server.port)
    sources = [("maven_crm", "known through 2017-12-10"), ("billing", "nothing was read yet")]
    for _ in range(2):
        mail_notice(settings, incomplete_data_notice("sales", "2017-12", OWNER, sources, "Run again later."))
    ((_, letter),) = server.letters
    assert letter["Subject"] == "Held back: sales 2017-12, its data is not complete"
    text = letter.get_content()
    assert "1. maven_crm: known through 2017-12-10" in text
    assert "2. billing: nothing was read yet" in text
    assert "What to do: Run again later." in text


def test_the_same_trouble_is_told_once_and_another_again(server, make_settings):
    settings = make_settings(server.port)
    cut = Finding("deals.csv", "It is cut off.", "Get it again.")
    gone = Finding("deals.csv", "It is not there.", "Get it again.")
    for findings in ([cut], [cut], [gone]):
        mail_notice(settings, source_trouble_notice("sales", "2017-12", OWNER, findings))
    assert [letter["Subject"] for _, letter in server.letters] == [
        "Held back: sales 2017-12, a source is not up to date"
    ] * 2
    lines = server.letters[0][1].get_content().splitlines()
    assert lines[lines.index("1. deals.csv") :][1:3] == ["   It is cut off.", "   What to do: Get it again."]


def test_a_notice_that_could_not_go_out_goes_out_later_and_once(smtp_server, make_settings):
    with smtp_server() as gone:
        port = gone.port
    with pytest.raises(ScorecardError):
        notify_failed(make_settings(port), "build", "warehouse", "The disk is full.", "Free space.")
    with smtp_server() as server:
        settings = make_settings(server.port)
        for _ in range(2):
            send_waiting(settings)
        ((_, letter),) = server.letters
    assert "The disk is full." in letter.get_content()
    assert not list((settings.state / "notices").iterdir())


def test_a_notice_that_went_out_does_not_wait(server, make_settings):
    settings = make_settings(server.port)
    notify_late(settings, "sales", "2017-12", OWNER, "2018-01-01 07:00", "nobody has received it")
    send_waiting(settings)
    ((_, letter),) = server.letters
    assert letter["Subject"] == "Late: sales 2017-12"
    assert "was due on 2018-01-01 07:00" in letter.get_content()


def test_the_end_of_an_api_is_told_once(server, make_settings):
    settings = make_settings(server.port)
    for _ in range(3):
        notify_ending(settings, "hubspot", "HubSpot's OAuth API 2026-03 is supported until 2027-09-01.")
    ((rcpts, letter),) = server.letters
    assert rcpts == ["owner@example.com"]
    assert letter["Subject"] == "Before it ends: the API that the source hubspot calls"
    assert "is supported until 2027-09-01." in letter.get_content()
