"""Catalogues of other languages: brought up to date with the declarations, and told of what they lack."""

import shutil
from pathlib import Path

import pytest

from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import COMPANY, PAGES, Forms, languages, load_translations, plural_form
from scorecard.translations import check, update
from scorecard.translations.catalogues import extract
from tests.conftest import PROJECT

METRIC = """
models:
  - name: kpi_calls
    config:
      meta:
        label: Calls made
        definition: Calls of at least {seconds} seconds.
        formula: count of calls
        parameters: {seconds: 30}
        pending: [the one call that is open, "the {count} calls that are open"]
        beside: [{name: mean, label: Calls a day, aggregate: average}]
"""
TEXTS = {
    "Calls made",
    "Calls of at least {seconds} seconds.",
    "count of calls",
    "the one call that is open",
    "Calls a day",
    "Call review",
    "Are we calling?",
    "is dated",
    "{failures} calls have no day.",
    "It is in no period.",
    "Enter the day.",
    "calls end",
    "A call without an end has no length.",
    "Hang up.",
    "as last year",
    "Calls of before 2020 are not there.",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A company's project: a file of each kind that has words, and languages with the sentences of the pages."""
    files = {
        "dbt_project/models/kpis/kpi_calls.yml": METRIC,
        "dbt_project/models/staging/phone/_sources.yml": "sources: [{config: {meta: {caveats:"
        " {calls: Calls of before 2020 are not there.}}}}]",
        "reports/calls.yml": "title: Call review\npurpose: Are we calling?\n",
        "expectations/phone.yml": "objects: {calls: {rules: [{check: is_dated, found: '{failures} calls have no day.',"
        " why: It is in no period., cure: Enter the day.}]}}",
        "dbt_project/tests/calls_end.sql": "{{ config(meta={'why': 'A call without an end has no length.',"
        " 'cure': 'Hang up.'}) }}\nselect 1",
        "company/north/targets.csv": "metric,reason\ncalls,as last year\nothers,\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for language in ("en", "ja"):
        path = catalogue(tmp_path, language, PAGES)
        path.parent.mkdir(parents=True)
        path.write_text('msgid "na"\nmsgstr "n/a"\n')
    return tmp_path


def catalogue(project: Path, language: str, name: str = COMPANY) -> Path:
    return project / "reports" / "locales" / language / "LC_MESSAGES" / name


def translate(path: Path, **words: str) -> None:
    """Write words below the English texts of a catalogue."""
    text = path.read_text("utf-8")
    for english, translation in words.items():
        before = f'msgid "{english}"\nmsgstr ""'
        assert before in text
        text = text.replace(before, before.replace('msgstr ""', f'msgstr "{translation}"'))
    path.write_text(text, "utf-8")


def test_every_kind_of_declaration_is_extracted(project: Path) -> None:
    texts = extract(project)
    assert {text for text, _ in texts} == TEXTS
    assert ("is dated", "phone.calls") in texts, "names of checks are told apart by their object"
    (place,) = texts["Calls made", None]
    assert (str(place.path), place.line) == ("dbt_project/models/kpis/kpi_calls.yml", 6)


def test_a_company_gets_a_catalogue_of_its_own(project: Path) -> None:
    assert update(project) == [catalogue(project, "ja")], "English needs none"
    assert update(project) == [], "what is up to date is not written"
    (report, pages) = check(project)
    assert (report.messages, len(report.problems), report.is_company) == (16, 16, True)
    assert "kpi_calls.yml, line 6: 'Calls made' has no words." in "".join(report.problems)
    assert (pages.path.name, pages.problems) == (PAGES, ())
    translate(catalogue(project, "ja"), **{"Calls made": "架電数"})
    assert load_translations(project / "reports").of_text("Calls made") == {"en": "Calls made", "ja": "架電数"}
    assert load_translations(project / "reports").of_text("count of calls") == {"en": "count of calls"}


def test_what_was_reworded_waits_for_a_person(project: Path) -> None:
    update(project)
    translate(catalogue(project, "ja"), **{"Are we calling?": "電話しているか"})
    card = project / "reports" / "calls.yml"
    card.write_text(card.read_text().replace("Are we calling?", "Are we calling them?"))
    assert update(project) == [catalogue(project, "ja")]
    (problem,) = (line for line in check(project)[0].problems if "calling them" in line)
    assert problem.endswith("has no words that a person has looked at.")
    assert load_translations(project / "reports").of_text("Are we calling them?") == {"en": "Are we calling them?"}
    assert "電話しているか" in catalogue(project, "ja").read_text("utf-8")


def test_words_that_name_what_the_english_does_not_are_told(project: Path) -> None:
    update(project)
    translate(catalogue(project, "ja"), **{"Calls of at least {seconds} seconds.": "{second}秒以上"})
    assert any("name second in braces" in problem for problem in check(project)[0].problems)


def test_words_of_the_product_stay_in_its_own_catalogue(project: Path) -> None:
    update(project, "product.po")
    assert not catalogue(project, "ja").exists()
    assert update(project) == [], "nothing is the company's"
    (report, _) = check(project)
    assert (report.path.name, report.is_company) == ("product.po", False)
    with (project / "company/north/targets.csv").open("a") as file:
        file.write("calls,as agreed\n")
    assert update(project) == [catalogue(project, "ja")]
    assert 'msgid "as agreed"' in catalogue(project, "ja").read_text("utf-8")
    assert 'msgid "Calls made"' not in catalogue(project, "ja").read_text("utf-8")


def test_a_new_language_gets_the_catalogues_that_others_have(project: Path) -> None:
    update(project, "product.po")
    before = catalogue(project, "ja", "product.po").read_bytes()
    (project / "reports" / "calls.yml").write_text("title: Review of calls\npurpose: Are we calling?\n")
    shutil.copytree(catalogue(project, "en").parent, catalogue(project, "nl").parent)
    written = update(project)
    assert set(written) == {catalogue(project, "nl", "product.po"), catalogue(project, "nl"), catalogue(project, "ja")}
    assert 'msgid "Calls made"\nmsgstr ""' in catalogue(project, "nl", "product.po").read_text("utf-8")
    assert catalogue(project, "ja", "product.po").read_bytes() == before, "what others own is not written"


def test_a_company_may_say_it_in_other_words_than_the_product(project: Path) -> None:
    for name, translation in (("product.po", "架電数"), (COMPANY, "コール数")):
        catalogue(project, "ja", name).write_text(f'msgid "Calls made"\nmsgstr "{translation}"\n', "utf-8")
    assert load_translations(project / "reports").text("ja", "Calls made") == "コール数"


def test_a_folder_is_all_that_a_language_takes(project: Path) -> None:
    shutil.copytree(catalogue(project, "en").parent, catalogue(project, "pl").parent)
    assert languages(project / "reports") == ["en", "ja", "pl"]
    assert catalogue(project, "pl") in update(project)
    text = catalogue(project, "pl").read_text("utf-8")
    several = 'msgid_plural "the {count} calls that are open"\nmsgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""'
    assert several in text
    polish_forms = several.replace('[0] ""', '[0] "jedna"').replace('[1] ""', '[1] "{count} kilka"')
    catalogue(project, "pl").write_text(
        text.replace(several, polish_forms.replace('[2] ""', '[2] "{count} wiele"')), "utf-8"
    )
    forms = load_translations(project / "reports").of_forms(
        ("the one call that is open", "the {count} calls that are open")
    )
    polish = Forms("pl", forms["pl"])
    assert [polish.of(number) for number in (1, 3, 5, 22)] == [
        "jedna",
        "{count} kilka",
        "{count} wiele",
        "{count} kilka",
    ]
    assert [plural_form("ja", number) for number in (1, 2)] == [0, 0]


def test_a_catalogue_that_is_none_is_named(project: Path) -> None:
    catalogue(project, "ja").write_text('msgid "x\n')
    with pytest.raises(ScorecardError, match=r"company\.po cannot be read as a gettext catalogue"):
        load_translations(project / "reports")


def test_the_products_own_words_are_complete() -> None:
    reports = [report for report in check(PROJECT) if not report.is_company]
    assert {report.path.name for report in reports} >= {"product.po", PAGES}
    assert [problem for report in reports for problem in report.problems] == []
