"""The sentences of checks: English texts with names that are filled in, and their translations."""

import pytest

from scorecard.checks.check_words import Declared, Phrase, in_languages, joined
from scorecard.checks.from_dbt import _message, _name
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import Translations, load_translations
from tests.unit.checks.conftest import PROJECT

ABOUT = {"checked": 1200, "failures": 12}
TRANSLATIONS = Translations(
    {
        "ja": {
            "{failures:,} of {checked:,} rows break it.": "{checked:,}行のうち{failures:,}行が該当する。",
            "{found} {why}": "{found}{why}",
            "It matters.": "理由。",
            ", ": "、",
            "deals\x04is known": "商談がある",
            "is known": "ある",
        }
    }
)


def test_a_sentence_is_filled_in_after_it_was_translated() -> None:
    counted = Phrase("{failures:,} of {checked:,} rows break it.", ABOUT)
    message = Phrase("{found} {why}", {"found": counted, "why": Declared("It matters.")})
    assert message.english == "12 of 1,200 rows break it. It matters."
    assert in_languages(TRANSLATIONS, message=message, cure=None) == {
        "ja": {"message": "1,200行のうち12行が該当する。理由。"}
    }


def test_a_sentence_without_words_stays_in_english() -> None:
    counted = Phrase("{failures:,} of {checked:,} rows break it.", ABOUT)
    message = Phrase("{found} {why}", {"found": counted, "why": Declared("Nobody translated {this}.")})
    translated = in_languages(TRANSLATIONS, name=Declared("no words"), message=message)
    assert translated == {"ja": {"message": "1,200行のうち12行が該当する。Nobody translated {this}."}}


def test_equal_texts_are_told_apart_by_their_context() -> None:
    names = [Declared("is known", context=context) for context in ("deals", "accounts", None)]
    assert [in_languages(TRANSLATIONS, name=name)["ja"]["name"] for name in names] == ["商談がある", "ある", "ある"]


def test_examples_are_listed_as_the_language_does() -> None:
    listed = joined(["{a}", "b", "c"], Phrase(", "))
    assert listed.english == "{a}, b, c"
    assert in_languages(TRANSLATIONS, listed=listed) == {"ja": {"listed": "{a}、b、c"}}


def test_an_unknown_name_in_braces_is_refused() -> None:
    with pytest.raises(ScorecardError, match=r"'{rows} rows' of a check can't be filled in"):
        _ = Phrase("{rows} rows", ABOUT).english


def test_a_test_of_dbt_has_the_words_of_its_kind_or_its_own() -> None:
    words = load_translations(PROJECT / "reports")
    unique = {
        "name": "unique_core_rep_rep",
        "file_key_name": "models.core_rep",
        "test_metadata": {"name": "unique", "kwargs": {"column_name": "rep"}},
    }
    broken = {"failures": 3, "message": "Got 3 results"}
    translated = in_languages(words, name=_name(unique), message=_message(unique, broken, "An English description."))
    assert translated["ja"] == {
        "name": "core_repのrepに重複がない",
        "message": "重複した値が3件ある。重複した行は二重に数えられる。",
    }
    own = {"name": "target_is_given_once", "config": {"meta": {"why": "said itself"}}}
    why = "Two targets of one metric, period and member contradict each other."
    assert in_languages(words, name=_name(own), message=_message(own, broken, why))["ja"] == {
        "name": "目標が一つだけ定められている",
        "message": "該当する行が3件ある。同じ指標、期間、対象に二つの目標があり矛盾する。",
    }
