"""What checks say in other languages: every rule and every dbt test of the project has its words."""

from pathlib import Path
from string import Formatter

import pytest
import yaml

from scorecard.errors import ScorecardError
from scorecard.quality.words import Words, read_translations
from tests.unit.quality.conftest import PROJECT

FILES = sorted((PROJECT / "expectations").glob("*.yml"))
TESTS = sorted((PROJECT / "dbt_project" / "tests").glob("*.sql"))


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_rule_has_japanese_words_that_say_as_much(path: Path) -> None:
    rules = [
        (f"{table}.{rule['check']}", rule)
        for table, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["objects"].items()
        for rule in entry["rules"]
    ]
    assert len(rules) > 20
    for name, rule in rules:
        assert {"name", "why", "cure"} <= rule.get("ja", {}).keys(), name
        assert _named(rule["ja"].get("found", "")) == _named(rule.get("found", "")), name


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_dbt_test_has_japanese_words(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    _, _, japanese = text.partition("'ja': {")
    for key in ("name", "why", "cure"):
        assert f"'{key}': '" in japanese, key


def test_words_are_a_kinds_own_or_the_general_ones() -> None:
    words = read_translations(PROJECT)
    about = {"checked": 1200, "failures": 12, "problem": ""}
    own = {"ja": {"name": "金額がある", "why": "理由。", "cure": "入力する。"}}
    assert words.build("rule", "rule", False, "found", about, own) == {
        "ja": {"name": "金額がある", "message": "1,200行のうち12行が該当する。理由。", "cure": "入力する。"}
    }
    assert words.build("rule", "rule", True, "found", about, own) == {"ja": {"name": "金額がある"}}
    test = {"test": "t", "table": "core_rep", "column": "rep", "failures": 3, "said": ""}
    assert words.build("dbt_unique", "dbt_test", True, "found", test)["ja"]["name"] == "core_repのrepに重複がない"
    assert words.build("dbt_other", "dbt_test", False, "found", test)["ja"]["message"] == "該当する行が3件ある。"
    assert Words().build("rule", "rule", False, "found", about, own) == {}


def test_words_that_name_what_is_not_there_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "expectations" / "words"
    folder.mkdir(parents=True)
    assert read_translations(tmp_path) == Words()
    (folder / "de.yml").write_text("rule: {found: '{rows} Zeilen'}")
    with pytest.raises(ScorecardError, match=r"can't be filled in"):
        read_translations(tmp_path).build("rule", "rule", False, "found", {"failures": 1})
    (folder / "de.yml").write_text("rule: falsch")
    with pytest.raises(ScorecardError, match=r"rule is not a mapping"):
        read_translations(tmp_path)
