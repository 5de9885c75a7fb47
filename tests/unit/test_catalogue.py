"""The catalogue: an entry that is wrong is an error that names the file and what to do."""

import shutil
from pathlib import Path

import pytest

from scorecard.catalogue import load_catalogue
from scorecard.errors import ScorecardError
from scorecard.settings import PROJECT, Settings

KPI = "dbt_project/models/kpis/kpi_zombie_deals.yml"
SALES = "reports/sales.yml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the product's own metrics, sources and scorecards."""
    for folder in ("dbt_project/models", "reports"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.sql", "*.po", "*.j2"))
    return tmp_path


def load(project: Path) -> object:
    return load_catalogue(Settings(project=project))  # type: ignore[call-arg]


def test_a_project_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ScorecardError, match=f"There is no dbt project in {tmp_path}"):
        load(tmp_path)


def test_words_have_the_parameters_of_their_metric() -> None:
    metrics = load_catalogue(Settings()).metrics  # type: ignore[call-arg]
    assert "180 days or more" in metrics["zombie_deals"].formula["en"]
    assert "180日以上" in metrics["zombie_deals"].definition["ja"]
    assert not [
        text
        for metric in metrics.values()
        for words in (metric.label, metric.definition, metric.formula, metric.caveat or {})
        for text in words.values()
        if "{" in text
    ]


def test_a_metric_beside_another_is_made_of_its_observations() -> None:
    metrics = load_catalogue(Settings()).metrics  # type: ignore[call-arg]
    assert {name for name, metric in metrics.items() if metric.base == "sales_cycle_length"} == {
        "sales_cycle_length",
        "sales_cycle_length_mean",
        "sales_cycle_length_p90",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (KPI, "models:", "model:", "is not the entry of one metric"),
        (KPI, "unit: count", "unit: fortnights", "Choose one of"),
        (KPI, "        owner: sales-operations@example.com\n", "", "lacks owner"),
        (KPI, "          en: Zombie deals\n", "", "has no English label"),
        (KPI, "drives: [win_rate]", "drives: [nothing]", "which is not there"),
        (KPI, "drives: [win_rate]", "drives: [zombie_deals]", "drives itself"),
        (KPI, "unit: count", "unit: count\n        grain: day", "has grain, which means nothing. Write grains"),
        (KPI, "unit: count", "unit: count\n        minimum_observations: many", "has minimum_observations: many"),
        (KPI, "unit: count", "unit: count\n        minimum_observations: 0", "has minimum_observations: 0"),
        (KPI, "perspective: internal", "perspective: customer", "has no journey_stage"),
        (KPI, "{stale_days}", "{stale_day}", "has {stale_day} in its"),
        (KPI, "parameters: {stale_days: 180}", "drives: []", "has {stale_days} in its"),
        (KPI, "unit: count", "unit: count\n        grains: [decade]", "is not the entry of one metric"),
        (KPI, "unit: count", "unit: count\n        beside: [{name: a, lable: {en: A}}]", "has lable, which means"),
        (SALES, "purpose:", "aim: {en: x}\npurpose:", "has aim, which means nothing"),
        (SALES, "dimension: rep", "dimension: rep, top: 5", "has top, which means nothing"),
        (SALES, "domains:", "domain: [example.org], domains:", "has domain, which means nothing. Write domains"),
        (SALES, "{email: sales-director@example.com", "{mail: x, email: sales-director@example.com", "Write email, or"),
        (SALES, "purpose:", "due: {month: {working_days: 3}}\npurpose:", "has working_days, which means nothing"),
        (SALES, "business_unit: Maven Hardware", "business_unit: Nope", "the business unit of no source"),
        (SALES, "dimension: rep", "dimension: planet", "which is no dimension"),
        (SALES, "title: {en: Sales scorecard, ja: 営業スコアカード}", "", "is not a scorecard"),
        (SALES, "email: sales-director@example.com", "email: sales-director@elsewhere.org", "outside its audience"),
        (SALES, "email: sales-director@example.com", "email: 5", "Write a plain address"),
        (SALES, "  - won_deals\n", "  - won_deals\n  - won_deals\n", "names won_deals twice in metrics"),
        (
            SALES,
            "recipients:\n",
            "recipients:\n  - {email: Sales-Director@example.com, language: en}\n",
            "names sales-director@example.com twice in recipients",
        ),
        (SALES, "  - won_deals\n", "  - wonn_deals\n", "names metrics that are not there: wonn_deals"),
    ],
)
def test_a_wrong_entry_is_named(project: Path, file: str, old: str, new: str, says: str) -> None:
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScorecardError) as error:
        load(project)
    assert says in str(error.value)
    assert error.value.cure


def test_a_domain_is_the_same_in_capitals(project: Path) -> None:
    path = project / SALES
    path.write_text(path.read_text(encoding="utf-8").replace("[example.com]", "[Example.com]"), encoding="utf-8")
    load(project)


def test_binary_and_empty_files_are_named(project: Path) -> None:
    for content in (b"\xff\xfe\x00", b"", b"- a\n"):
        (project / SALES).write_bytes(content)
        with pytest.raises(ScorecardError, match=r"sales\.yml"):
            load(project)
