from scorecard.delivery.notify import FailedCheck, notify_failed, notify_held

STALE = FailedCheck("sales_pipeline is fresh", "The newest deal is 40 days old.", "Ask for a new export.")
NULLS = FailedCheck("close_value is there", "12 of 8800 rows lack it.", "Correct the export.")


def test_the_owner_reads_what_failed_and_what_to_do_once(server, make_settings):
    settings = make_settings(server.port)
    for _ in range(3):
        outcome = notify_held(settings, "sales", "2017-Q4", "sales-ops@example.com", [STALE, NULLS])
        assert outcome.state == "sent"
    ((rcpts, letter),) = server.letters
    assert rcpts == ["sales-ops@example.com"]
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
        notify_held(settings, "sales", "2017-Q4", "sales-ops@example.com", failed)
    notify_held(settings, "sales", "2018-Q1", "sales-ops@example.com", [STALE])
    assert len(server.letters) == 3


def test_a_failed_task_is_told_once_a_day(server, make_settings):
    settings = make_settings(server.port)
    for _ in range(2):
        notify_failed(settings, "build", "dbt", "The model core_deal could not be built.", "Correct it.")
    ((rcpts, letter),) = server.letters
    assert rcpts == ["owner@example.com"]
    assert letter["Subject"] == "Failed: build, dbt"
    assert "What to do: Correct it." in letter.get_content()
