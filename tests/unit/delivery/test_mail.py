"""Letters: what they say, who gets them, and what becomes of those that were not delivered."""

import threading
from dataclasses import replace

import pytest

from scorecard.delivery.deliveries import mark_sent, read_deliveries, resend
from scorecard.delivery.ledger import Key, message_id
from scorecard.delivery.mail import deliver
from scorecard.shared.errors import ScorecardError


def test_the_command_that_proves_a_figure_names_the_one_that_the_letter_is_about(server, make_settings, make_letter):
    deliver(make_settings(server.port), [make_letter("a@example.com", figure_id="F017")])
    for kind in ("plain", "html"):
        assert "scorecard trace sales-2017-Q4-e1.F017" in server.letters[0][1].get_body((kind,)).get_content()


def states(settings):
    return {row.recipient: row.state for row in read_deliveries(settings) if row.is_letter}


def test_each_reader_gets_one_letter_with_three_sentences_and_the_pdf(server, make_settings, make_letter):
    settings = make_settings(server.port)
    outcomes = deliver(settings, [make_letter("a@example.com"), make_letter("b@example.com", language="ja")])
    assert [(o.state, o.now, o.cure) for o in outcomes] == [("sent", True, "")] * 2
    assert [rcpts for rcpts, _ in server.letters] == [["a@example.com"], ["b@example.com"]]
    _, letter = server.letters[0]
    assert letter["Subject"] == "Sales scorecard 2017-Q4: Win rate fell"
    assert letter["To"] == "a@example.com"
    for kind in ("plain", "html"):
        body = letter.get_body((kind,)).get_content()
        for sentence in ("Bookings rose by 4 %.", "Win rate fell to 57 %.", "East moved it most.", "2017-Q4"):
            assert sentence in body
        assert "scorecard trace sales-2017-Q4-e1.F001" in body
    (attached,) = letter.iter_attachments()
    assert attached.get_filename() == "sales-2017-Q4-e1-en.pdf"
    assert attached.get_content() == b"%PDF-1.7 " + bytes(range(256))


def test_a_second_run_connects_to_nobody_and_says_so(server, make_settings, make_letter):
    settings = make_settings(server.port)
    deliver(settings, [make_letter()])
    assert server.connections == 1
    (outcome,) = deliver(settings, [make_letter()])
    assert (outcome.state, outcome.now) == ("sent", False)
    assert (server.connections, len(server.letters)) == (1, 1)


def test_a_new_edition_is_a_new_letter_with_another_id(server, make_settings, make_letter):
    settings = make_settings(server.port)
    deliver(settings, [make_letter()])
    deliver(settings, [make_letter(edition=2)])
    first, second = (letter["Message-ID"] for _, letter in server.letters)
    assert first != second
    assert first == message_id(Key("sales", "2017-Q4", "1", "director@example.com"), "example.com")


def test_names_in_the_data_are_text_and_not_markup_or_template(server, make_settings, make_letter):
    nasty = "<img src=x onerror=alert(1)> & {{ 7 * 7 }} {% raw %}"
    deliver(make_settings(server.port), [make_letter(headline=nasty, sentences=(nasty,))])
    _, letter = server.letters[0]
    html = letter.get_body(("html",)).get_content()
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; {{ 7 * 7 }} {% raw %}" in html
    assert nasty in letter.get_body(("plain",)).get_content()


def test_japanese_and_lines_that_begin_with_a_dot_arrive_as_written(server, make_settings, make_letter):
    deliver(
        make_settings(server.port),
        [make_letter(title="営業スコアカード", sentences=(".hidden", "受注額 +4 %"))],
    )
    _, letter = server.letters[0]
    assert letter["Subject"].startswith("営業スコアカード")
    assert "受注額 +4 %" in letter.get_body(("plain",)).get_content()
    assert ".hidden" in letter.get_body(("plain",)).get_content()


def test_a_letter_that_was_sent_is_not_written_again(server, make_settings, make_letter):
    def summarise():
        raise AssertionError("a letter that nobody gets was written")

    settings, letter = make_settings(server.port), make_letter()
    deliver(settings, [letter])
    (outcome,) = deliver(settings, [replace(letter, summarise=summarise)])
    assert (outcome.state, outcome.now) == ("sent", False)
    assert len(server.letters) == 1


def test_a_second_edition_says_that_it_replaces_the_first(server, make_settings, make_letter):
    note = "Edition 2 replaces the one before: 3 figures differ, first of all of booked revenue."
    summary = replace(make_letter().summary, edition=note, edition_mark=", edition 2")
    letter = replace(make_letter(edition=2), summarise=lambda: summary)
    deliver(make_settings(server.port), [letter])
    _, message = server.letters[0]
    assert message["Subject"] == f"{summary.title} {summary.period_label}, edition 2: {summary.headline}"
    assert note in message.get_body(("plain",)).get_content()
    assert note in message.get_body(("html",)).get_content()


def test_a_mail_names_the_currency_and_whom_to_ask(server, make_settings, make_letter):
    deliver(make_settings(server.port), [make_letter(currency="EUR", ask="Questions: sales-operations@example.com")])
    _, message = server.letters[0]
    for kind in ("plain", "html"):
        content = message.get_body((kind,)).get_content()
        assert "2017-Q4 – EUR" in content
        assert "Questions: sales-operations@example.com" in content


def test_one_bad_recipient_of_ten_stops_nobody(server, make_settings, make_letter):
    settings = make_settings(server.port)
    readers = [f"reader{number}@example.com" for number in range(10)]
    server.at_rcpt[readers[4]] = "550 5.1.1 no such user"
    outcomes = deliver(settings, [make_letter(reader) for reader in readers])
    assert [o.state for o in outcomes] == ["sent"] * 4 + ["refused"] + ["sent"] * 5
    assert "no such user" in outcomes[4].detail
    assert "Correct the address" in outcomes[4].cure
    deliver(settings, [make_letter(reader) for reader in readers])
    assert sorted(server.reached) == sorted({*readers, "owner@example.com"} - {readers[4]})


@pytest.mark.parametrize("when", ["at_rcpt", "at_data"])
def test_a_temporary_no_is_tried_again_by_the_next_run(server, make_settings, make_letter, when):
    settings = make_settings(server.port)
    getattr(server, when)["director@example.com"] = "451 4.7.1 greylisted"
    (outcome,) = deliver(settings, [make_letter()])
    assert (outcome.state, outcome.now) == ("claimed", True)
    assert "greylisted" in outcome.detail
    getattr(server, when).clear()
    (outcome,) = deliver(settings, [make_letter()])
    assert outcome.state == "sent"
    assert len(server.letters) == 1


def test_a_no_after_the_content_is_a_no(server, make_settings, make_letter):
    settings = make_settings(server.port)
    server.at_data["director@example.com"] = "554 5.7.1 looks like spam"
    (outcome,) = deliver(settings, [make_letter()])
    assert (outcome.state, outcome.detail) == ("refused", "554 5.7.1 looks like spam")


@pytest.mark.parametrize("drop", ["drop before", "drop after"])
def test_a_connection_lost_after_the_content_goes_to_a_person(server, make_settings, make_letter, drop):
    settings = make_settings(server.port)
    server.at_data["lost@example.com"] = drop
    letters = [make_letter("lost@example.com"), make_letter("next@example.com")]
    outcomes = deliver(settings, letters)
    assert [o.state for o in outcomes] == ["unknown", "sent"]
    assert "--resend sales-2017-Q4-e1 lost@example.com" in outcomes[0].cure
    server.at_data.clear()
    deliver(settings, letters)
    deliver(settings, letters)
    arrived = 1 if drop == "drop after" else 0
    assert server.reached.count("lost@example.com") == arrived
    assert server.reached.count("next@example.com") == 1
    (notice,) = [letter for rcpts, letter in server.letters if rcpts == ["owner@example.com"]]
    assert "lost@example.com" in notice["Subject"]
    text = notice.get_content()
    assert "--resend sales-2017-Q4-e1 lost@example.com" in text
    assert message_id(Key("sales", "2017-Q4", "1", "lost@example.com"), "example.com") in text


def test_a_person_may_have_it_sent_again_or_call_it_arrived(server, make_settings, make_letter):
    settings = make_settings(server.port)
    for name in ("a@example.com", "b@example.com"):
        server.at_data[name] = "drop before"
    letters = [make_letter("a@example.com"), make_letter("b@example.com")]
    deliver(settings, letters)
    server.at_data.clear()
    resend(settings, "sales-2017-Q4-e1", "a@example.com")
    mark_sent(settings, "sales-2017-Q4-e1", "b@example.com")
    assert [o.state for o in deliver(settings, letters)] == ["sent", "sent"]
    assert server.reached.count("a@example.com") == 1
    assert server.reached.count("b@example.com") == 0
    with pytest.raises(ScorecardError, match="nothing to decide"):
        resend(settings, "sales-2017-Q4-e1", "a@example.com")
    with pytest.raises(ScorecardError, match="no delivery"):
        resend(settings, "sales-2017-Q4-e9", "a@example.com")


@pytest.mark.parametrize(
    "bad", ["a@example.com\r\nBcc: thief@evil.org", "a@example.com\n", "a@b@example.com", "a b@c.d"]
)
def test_a_line_end_in_a_recipient_is_refused(server, make_settings, make_letter, bad):
    with pytest.raises(ScorecardError, match="not a plain address"):
        deliver(make_settings(server.port), [make_letter("ok@example.com"), make_letter(bad)])
    assert server.letters == []
    assert read_deliveries(make_settings()) == []


@pytest.mark.parametrize("bad", ["East\r\nBcc: thief@evil.org", "East\nX: y", "East\u2028X", "East\x00"])
def test_a_line_end_in_a_subject_is_refused(server, make_settings, make_letter, bad):
    with pytest.raises(ScorecardError, match="line end"):
        deliver(make_settings(server.port), [make_letter(headline=bad)])
    assert server.letters == []


def test_a_reader_outside_the_audience_is_refused(server, make_settings, make_letter):
    with pytest.raises(ScorecardError, match="outside the audience"):
        deliver(make_settings(server.port), [make_letter("someone@elsewhere.org")])
    assert server.connections == 0


def test_a_missing_pdf_stops_before_anything_is_claimed(server, make_settings, make_letter):
    settings = make_settings(server.port)
    letter = make_letter()
    letter.pdf.unlink()
    with pytest.raises(ScorecardError, match="publish sales-2017-Q4-e1 again"):
        deliver(settings, [letter])
    assert states(settings) == {}


def test_two_runs_at_once_send_one_letter(server, make_settings, make_letter):
    settings, letters = make_settings(server.port), [make_letter(f"r{n}@example.com") for n in range(5)]
    runs = [threading.Thread(target=deliver, args=(settings, letters)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(server.reached) == sorted(letter.recipient for letter in letters)


def test_a_ledger_that_is_no_database_stops_everything(server, make_settings, make_letter):
    settings = make_settings(server.port)
    settings.state.mkdir()
    settings.ledger.write_bytes(b"not a database, though long enough to look at" * 50)
    with pytest.raises(ScorecardError, match="ledger of deliveries"):
        deliver(settings, [make_letter()])
    assert server.letters == []
