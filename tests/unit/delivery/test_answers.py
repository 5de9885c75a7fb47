"""The outcome of a letter for each answer of the server, and the notice to the owner about a refusal."""

import pytest

from scorecard.delivery.deliveries import read_deliveries, resend
from scorecard.delivery.ledger import Ledger
from scorecard.delivery.mail import deliver
from scorecard.delivery.notify import notify_failed, tell_owner
from scorecard.shared.errors import ScorecardError

REFUSED = "550 5.1.1 no such user"


def notices(server):
    return [letter for rcpts, letter in server.letters if rcpts == ["owner@example.com"]]


@pytest.mark.parametrize("yes", ["200 OK", "251 2.1.5 forwarded"])
def test_any_yes_to_the_content_is_a_yes(server, make_settings, make_letter, yes):
    settings = make_settings(server.port)
    server.at_data["director@example.com"] = yes
    for _ in range(2):
        assert deliver(settings, [make_letter()])[0].state == "sent"
    assert server.reached == ["director@example.com"]


def test_any_yes_to_a_recipient_is_a_yes(server, make_settings, make_letter):
    accept = server.handle_RCPT

    async def hesitant(*args):
        await accept(*args)
        return "252 2.5.2 will try"

    server.handle_RCPT = hesitant
    assert deliver(make_settings(server.port), [make_letter()])[0].state == "sent"


@pytest.mark.parametrize(("answer", "reason"), [("OK thanks", "isn't SMTP"), ("354 go on", "354 go on")])
def test_an_answer_to_the_content_that_is_no_answer_goes_to_a_person(
    server, make_settings, make_letter, answer, reason
):
    settings = make_settings(server.port)
    server.at_data["odd@example.com"] = answer
    letters = [make_letter("odd@example.com"), make_letter("next@example.com")]
    outcomes = deliver(settings, letters)
    assert [outcome.state for outcome in outcomes] == ["unknown", "sent"]
    assert reason in outcomes[0].detail
    assert "--mark-sent" in outcomes[0].cure
    assert server.connections == 3  # the letter's, the next one's and the notice's
    deliver(settings, letters)
    assert server.reached.count("next@example.com") == 1
    assert server.reached.count("odd@example.com") <= 1
    (notice,) = notices(server)
    assert reason in notice.get_content()


@pytest.mark.parametrize("answer", ["OK thanks", "354 go on"])
def test_an_answer_before_the_content_that_is_no_answer_is_tried_again(server, make_settings, make_letter, answer):
    settings = make_settings(server.port)
    for server.at_mail, server.at_rcpt in ((answer, {}), (None, {"director@example.com": answer})):
        assert deliver(settings, [make_letter()])[0].state == "claimed"
    server.at_rcpt = {}
    assert deliver(settings, [make_letter()])[0].state == "sent"
    assert server.reached == ["director@example.com"]


@pytest.mark.parametrize("no", ["530 5.7.0 authentication required", "550 5.1.0 sender unknown"])
def test_a_sender_who_is_refused_is_nobodys_address_to_correct(server, make_settings, make_letter, no):
    settings = make_settings(server.port)
    letters = [make_letter(f"{name}@example.com") for name in "abc"]
    server.at_mail = [None, no]
    with pytest.raises(ScorecardError) as caught:
        deliver(settings, letters)
    for words in ("scorecard@example.com", f"127.0.0.1:{server.port}", no):
        assert words in caught.value.problem
    for words in ("SCORECARD_SMTP_USER", "SCORECARD_SMTP_PASSWORD", "SCORECARD_MAIL_FROM", "scorecard.toml"):
        assert words in caught.value.cure
    assert [row.state for row in read_deliveries(settings)] == ["sent", "claimed", "claimed"]
    server.at_mail = None
    assert [outcome.state for outcome in deliver(settings, letters)] == ["sent"] * 3
    assert sorted(server.reached) == [letter.recipient for letter in letters]


@pytest.mark.parametrize("no", ["530 5.7.0 authentication required", "550 5.1.8 <scorecard@example.com>: no domain"])
def test_a_no_to_the_sender_that_comes_with_the_recipient_is_the_same(server, make_settings, make_letter, no):
    settings = make_settings(server.port)
    server.at_rcpt["director@example.com"] = no
    with pytest.raises(ScorecardError, match=r"no mail from the sender scorecard@example\.com"):
        deliver(settings, [make_letter()])
    assert [row.state for row in read_deliveries(settings)] == ["claimed"]


def test_a_sender_who_is_refused_for_now_is_tried_again(server, make_settings, make_letter):
    settings = make_settings(server.port)
    server.at_mail = "451 4.7.1 too many letters"
    assert deliver(settings, [make_letter()])[0].state == "claimed"


@pytest.mark.parametrize("port", [25, 465])
@pytest.mark.parametrize("host", ["ex..ample", "a" * 64 + ".example.com"])
def test_a_host_that_is_no_name_does_not_answer(make_settings, make_letter, host, port):
    settings = make_settings(port, smtp_host=host)
    with pytest.raises(ScorecardError, match=r"doesn't answer: .*no valid name") as caught:
        deliver(settings, [make_letter()])
    assert "SCORECARD_SMTP_HOST" in caught.value.cure


def test_the_owner_hears_of_refusals_once_and_of_all_in_one_notice(server, make_settings, make_letter):
    settings = make_settings(server.port)
    letters = [make_letter(f"{name}@example.com") for name in "abc"]
    server.at_rcpt = {"a@example.com": REFUSED, "b@example.com": "550 5.2.1 mailbox closed"}
    for _ in range(3):
        deliver(settings, letters)
    (notice,) = notices(server)
    assert notice["Subject"] == "Refused: sales-2017-Q4-e1 to 2 recipients"
    text = " ".join(notice.get_content().split())
    for recipient, answer in server.at_rcpt.items():
        assert f"{recipient} The server answered: {answer} What to do: Correct the address" in text
        assert f"--resend sales-2017-Q4-e1 {recipient}" in text
    assert "c@example.com" not in text


def test_a_later_refusal_is_told_without_the_earlier_one(server, make_settings, make_letter):
    settings = make_settings(server.port)
    letters = [make_letter(f"{name}@example.com") for name in "ab"]
    server.at_rcpt = {"a@example.com": REFUSED, "b@example.com": "451 4.7.1 greylisted"}
    deliver(settings, letters)
    server.at_rcpt["b@example.com"] = REFUSED
    deliver(settings, letters)
    resend(settings, "sales-2017-Q4-e1", "a@example.com")
    deliver(settings, letters)
    recipients = [letter["Subject"].rpartition(" to ")[2] for letter in notices(server)]
    assert recipients == ["a@example.com", "b@example.com", "a@example.com"]


def test_a_run_that_ends_before_it_notes_who_was_told_tells_nobody_twice(
    server, make_settings, make_letter, monkeypatch
):
    settings = make_settings(server.port)
    server.at_rcpt = {"director@example.com": REFUSED}
    monkeypatch.setattr(Ledger, "set_told", lambda *_: None)
    deliver(settings, [make_letter()])
    monkeypatch.undo()
    tell_owner(settings)
    assert len(notices(server)) == 1


def test_a_notice_that_did_not_go_out_is_sent_by_the_next_run(server, make_settings, make_letter):
    settings = make_settings(server.port)
    server.at_rcpt = {"director@example.com": REFUSED, "owner@example.com": "451 4.7.1 greylisted"}
    deliver(settings, [make_letter()])
    assert notices(server) == []
    del server.at_rcpt["owner@example.com"]
    for _ in range(2):
        deliver(settings, [make_letter()])
    assert len(notices(server)) == 1


def test_a_notice_repeats_no_secret_of_an_error(server, make_settings):
    settings = make_settings(server.port, smtp_password="s3cr3t-word-of-mail")
    notify_failed(settings, "publish", "send", "RuntimeError: login as me, s3cr3t-word-of-mail, failed", "See the log.")
    (notice,) = notices(server)
    assert "login as me, [secret], failed" in notice.get_content()


def test_an_answer_that_repeats_the_password_is_kept_without_it(server, make_settings, make_letter):
    settings = make_settings(server.port, smtp_password="s3cr3t-word-of-mail")
    server.at_rcpt["director@example.com"] = "550 no mail with s3cr3t-word-of-mail"
    assert deliver(settings, [make_letter()])[0].detail == "550 no mail with [secret]"
    assert "[secret]" in read_deliveries(settings)[0].detail
