"""A close freezes words in its scorecard's languages. Closes of the first release have a column for each language."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scorecard.closes.frozen_definitions import of_languages, with_words
from scorecard.closes.shown_differences import action_differences
from scorecard.shared.languages import Translations, frozen_words

WORDS = Translations({"ja": {"Call": "電話", "More": "増加"}, "nl": {"Call": "Bellen"}})
COLUMNS = ("what", "expected_effect")
ACTION = {"metric": "won", "who": "Ann", "from_date": None, "due": None, "progress": "1", "status": "open"}
ACTION |= {"dimension": "company", "member": "all"}
NEW = ACTION | {"what": "Call", "expected_effect": "More"}
OLD = ACTION | {"what_en": "Call", "what_ja": "電話", "expected_effect_en": "More", "expected_effect_ja": "増加"}


def test_words_are_frozen_in_the_scorecards_languages_only() -> None:
    table = with_words(
        pa.Table.from_pylist([NEW, NEW | {"what": "Wait", "expected_effect": ""}]), COLUMNS, ("en", "ja"), WORDS
    )
    first, second = (json.loads(words) for words in table["words"].to_pylist())
    assert first == {"ja": {"what": "電話", "expected_effect": "増加"}}
    assert second == {}, "without a translation the English text is printed"


def test_words_of_checks_are_kept_in_the_scorecards_languages_only() -> None:
    table = pa.table({"words": ['{"ja": {"name": "名"}, "nl": {"name": "naam"}}', None], "n": [1, 2]})
    assert of_languages(table, ("en", "nl")).to_pylist() == [
        {"words": '{"nl": {"name": "naam"}}', "n": 1},
        {"words": "{}", "n": 2},
    ]


def test_words_of_every_release_are_read() -> None:
    english, others = {"what": "Call", "expected_effect": "More"}, {"ja": {"what": "電話", "expected_effect": "増加"}}
    frozen = NEW | {"words": json.dumps(others)}
    assert frozen_words(frozen, COLUMNS) == frozen_words(OLD, COLUMNS) == (english, others)
    target = {"metric": "won", "reason": "plan", "reason_ja": "計画"}
    assert frozen_words(target, ("reason",)) == ({"reason": "plan"}, {"ja": {"reason": "計画"}})
    assert frozen_words(OLD | {"what_ja": "", "expected_effect_ja": None}, COLUMNS) == (english, {})


def test_a_close_of_another_release_with_the_same_words_makes_no_edition(tmp_path: Path) -> None:
    def kept(name: str, row: dict[str, object]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        pq.write_table(pa.Table.from_pylist([row]), folder / "actions.parquet")
        return folder

    old = kept("old", OLD)
    same = kept("same", NEW | {"words": '{"ja": {"what": "電話", "expected_effect": "増加"}}'})
    assert not list(action_differences(old, same))
    in_english = kept("in_english", NEW | {"words": "{}"})
    assert not list(action_differences(old, in_english)), "a language that only one edition has is no difference"
    reworded = kept("reworded", NEW | {"words": '{"ja": {"what": "電話する", "expected_effect": "増加"}}'})
    assert len(list(action_differences(old, reworded))) == 1
    other = kept("other", NEW | {"what": "Write", "words": "{}"})
    assert len(list(action_differences(old, other))) == 2


def test_a_close_has_the_words_of_a_third_language_of_its_scorecard(world) -> None:
    texts = {"en": "", "nl": 'msgid "Call"\nmsgstr "Bellen"\n\nmsgid "plan"\nmsgstr "volgens plan"\n', "ja": ""}
    for language, words in texts.items():
        folder = world.settings.project / "reports" / "locales" / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "scorecard.po").write_text('msgid "na"\nmsgstr "n/a"\n')
        (folder / "company.po").write_text(words)
    title = {"en": "Sales", "nl": "Verkoop", "ja": "営業"}
    made = world.close(languages=("en", "nl"), title=title)
    (action,) = pq.read_table(made.path / "actions.parquet").to_pylist()
    assert (action["what"], json.loads(action["words"])) == ("Call", {"nl": {"what": "Bellen"}})
    targets = pq.read_table(made.path / "targets.parquet").to_pylist()
    assert {row["words"] for row in targets if row["reason"]} == {'{"nl": {"reason": "volgens plan"}}'}
    definitions = json.loads((made.path / "definitions.json").read_text())
    assert definitions["scorecard"]["title"] == {"en": "Sales", "nl": "Verkoop"}, "other languages are left out"
    assert world.close(languages=("en",), title=title).created is False, "fewer words make no edition"
