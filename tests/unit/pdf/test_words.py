"""Every word that the product prints is in the locales, in every language, and nothing else is."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from scorecard.catalogue import REASONS, load_dimensions
from scorecard.catalogue.dbt_lists import core_models
from scorecard.closes.restatement_causes import RANK
from scorecard.delivery.mail import WORDS
from scorecard.pdf.page.context import STATUSES
from scorecard.pdf.page.wording import Wording
from scorecard.pdf.sections.indicators import GROUPS, JOURNEY
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import languages
from scorecard.shared.settings import Settings
from tests.conftest import PROJECT

REPORTS = PROJECT / "reports"
# Ids that are put together: what stands before the dot, and what may stand after it.
FAMILIES = {
    "action": {"good", "bad"},
    "attachment": {"figures", "provenance"},
    "chart": {"by_day", "by_week", "by_month"},
    "checks": {"error", "warning"},
    "column": {"figure", "printed", "exact", "observations", "what"},
    "dimension": {name for name, entry in load_dimensions(Settings()).items() if entry.is_product},
    "exception": {"short", "over"},
    "format": {"percent", "points", "days", "minutes"},
    "group": set(GROUPS),
    "headline": {"both_fell", "both_rose", "first_fell", "first_rose"},
    "journey": set(JOURNEY),
    "kind": {"great_expectations", "dbt", "extract", "facts"},
    "level": {"kgi", "kpi", "kfs"},
    "mail": {word.removeprefix("mail.") for word in WORDS},
    "movement": {"new", "expansion", "contraction", "churn", "reactivation"},
    "na": {
        *REASONS,
        *(gap.name for fact in core_models(Settings()).values() for gap in fact.meta.gaps if not gap.reason),
    },
    "period": {"week", "quarter", "year", "quarter_fiscal", "year_fiscal", "week_alone", "quarter_alone"},
    "severity": {"error", "warning"},
    "shape": set(STATUSES),
    "status": set(STATUSES),
    "key_point": {"best", "worst", "and_better", "and_worse", "though_better", "though_worse"},
    "key_point.factor": {"first_fell", "first_rose", "second_fell", "second_rose"},
    # Closes of the first release name the code as a cause.
    "restated": {"at_most", "longer_than", "status", "target"},
    "why": {"code", *(reason.replace(" ", "_") for reason in RANK)},
}


def _messages(language: str) -> dict[str, tuple[str, ...]]:
    texts_by_id: dict[str, tuple[str, ...]] = {}
    message: Any
    for message in Wording(REPORTS, language).catalog:
        if message.id:
            several = isinstance(message.id, tuple)
            texts_by_id[message.id[0] if several else message.id] = (
                tuple(message.string) if several else (message.string,)
            )
    return texts_by_id


def _names(texts: tuple[str, ...]) -> set[str]:
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_the_same_ids() -> None:
    english = _messages("en")
    for language in languages(REPORTS):
        assert _messages(language).keys() == english.keys()


@pytest.mark.parametrize("language", languages(REPORTS))
def test_nothing_is_untranslated_and_names_in_braces_are_known(language: str) -> None:
    english = _messages("en")
    for key, texts in _messages(language).items():
        assert all(texts), key
        assert _names(texts) <= _names(english[key]), key


def test_ids_are_used_and_used_ids_are_there() -> None:
    package = PROJECT / "scorecard" / "pdf"
    code = [*package.rglob("*.py"), *package.rglob("*.j2"), *(REPORTS / "templates").glob("*.j2")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in code)
    literal = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)*)"', text))
    family = {f"{head}.{tail}" for head, tails in FAMILIES.items() for tail in tails}
    ids = Wording(REPORTS, "en").ids
    assert ids - literal - family == set()
    assert family - ids == set()
    used = set(re.findall(r'\b(?:say|count)\(\s*"([a-z_.]+)"', text))
    assert used - ids == set()


def test_a_language_without_words_is_named() -> None:
    with pytest.raises(ScorecardError, match=r"no words for the language 'xx'.*en, ja"):
        Wording(REPORTS, "xx")


def test_a_missing_message_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScorecardError, match=r"no message 'not.there'"):
        Wording(REPORTS, "en").say("not.there")
    with pytest.raises(ScorecardError, match=r"'headline.fell'.*can't be filled in"):
        Wording(REPORTS, "en").say("headline.fell", metric="x")
