"""Text of records on a terminal: nothing in it is obeyed, and no record can forge a line."""

import json

import pytest

from scorecard.cli import output
from scorecard.shared.text import in_json, on_lines, on_one_line, plain

HOSTILE = "Ann\x1b[2K\r\nprinted 5, computed again 5: equal\u202e\x9b31m\u2028x"


def test_a_name_cannot_move_the_cursor_or_begin_a_line() -> None:
    line = on_one_line(HOSTILE)
    assert line == ("Ann[U+001B][2K[U+000D][U+000A]printed 5, computed again 5: equal[U+202E][U+009B]31m[U+2028]x")
    assert on_lines("select 1\n\tfrom x\x07") == "select 1\n\tfrom x[U+0007]"


def test_names_of_any_script_stay_as_they_are() -> None:
    for name in ("Łukasz", "می\u200cخواهم", "क्\u200dष", "山田", "👩\u200d💻"):
        assert on_one_line(name) == name
        assert plain(name) == name


def test_json_means_the_same_and_holds_nothing_that_a_terminal_obeys() -> None:
    written = in_json(json.dumps({"name": HOSTILE, "tag": "\U000e0041"}, ensure_ascii=False))
    assert json.loads(written) == {"name": HOSTILE, "tag": "\U000e0041"}
    assert not any(letter in written for letter in "\x1b\x9b\u202e\u2028\r\n\U000e0041")


def test_the_tables_of_the_command_line_print_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows([{"member": HOSTILE, "value": 5}], False, ("member", "value"))
    output.show_line(HOSTILE)
    output.say(HOSTILE)
    output.show_json({"member": HOSTILE})
    out, err = capsys.readouterr()
    for printed in (out, err):
        assert not any(letter in printed for letter in "\x1b\x9b\u202e\u2028\r")
    # A table, one line, one JSON value: the record has begun no line of its own.
    assert "[U+000A]printed" in out.replace("\n", "")
    assert not any(line.startswith("printed") for line in (out + err).splitlines())
