"""The catalogue: an entry that is wrong is an error that names the file and what to do."""

import re
import shutil
from pathlib import Path

import pytest

from scorecard.catalogue import Catalogue, WrongDeclarations, load_catalogue, schedules
from scorecard.pdf.page.wording import Wording
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import Grain
from scorecard.shared.schedule import When
from scorecard.shared.settings import PROJECT, Settings
from scorecard.warehouse.variables import metric_variables
from tests.conftest import SETTINGS_FILE

DIMENSIONS = "dbt_project/dimensions/product.yml"
KPI = "dbt_project/models/kpis/kpi_zombie_deals.yml"
SALES = "reports/sales.yml"
GROWTH = "dbt_project/derived/booked_revenue_growth.yml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the product's own metrics, sources and scorecards."""
    for folder in ("dbt_project/models", "dbt_project/derived", "dbt_project/dimensions", "reports"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.sql", "*.po", "*.j2"))
    shutil.copy(SETTINGS_FILE, tmp_path)
    return tmp_path


def change(project: Path, file: str, old: str, new: str) -> Path:
    """Write something else in a file; return its path."""
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def load(project: Path) -> Catalogue:
    return load_catalogue(Settings(project=project))


def test_a_project_that_is_none(tmp_path: Path) -> None:
    shutil.copy(SETTINGS_FILE, tmp_path)
    with pytest.raises(ScorecardError, match=f"There is no dbt project in {tmp_path}"):
        load(tmp_path)


def test_words_have_the_parameters_of_their_metric() -> None:
    metrics = load_catalogue(Settings()).metrics
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
    metrics = load_catalogue(Settings()).metrics
    assert {name for name, metric in metrics.items() if metric.base == "sales_cycle_length"} == {
        "sales_cycle_length",
        "sales_cycle_length_mean",
        "sales_cycle_length_p90",
    }


@pytest.mark.samples
@pytest.mark.parametrize(
    ("file", "old", "new", "at", "says"),
    [
        (KPI, "models:", "modells:", None, "The file lacks `models`"),
        (KPI, "name: kpi_zombie_deals", "name: kpi_zombies", None, "Write `name: kpi_zombie_deals`, as the file"),
        (KPI, "unit: count", "unit: fortnights", None, "Choose one of: currency, percent, count, units, days, minutes"),
        (KPI, "        owner: sales-operations@example.com\n", "", "meta:", "`meta` lacks `owner`"),
        (KPI, "label: Zombie deals", "label: {en: Zombie deals}", "label:", "`label` is a mapping. Write the English"),
        (KPI, "drives: [win_rate]", "drives: [won_rate]", None, "names the unknown metric won_rate. Write win_rate"),
        (KPI, "drives: [win_rate]", "drives: [zombie_deals]", None, "drives itself"),
        (KPI, "drives: [win_rate]", "drives: []", None, "The metric zombie_deals reaches no KGI"),
        (KPI, "drives: [win_rate]", "drives: win_rate", None, "`drives` is 'win_rate', where a list is meant"),
        (KPI, "unit: count", "unit: count\n        grain: day", None, "Unknown key `grain` in `meta`. Write grains"),
        (KPI, "unit: count", "unit: count\n        minimum_observations: many", None, "where a whole number is meant"),
        (KPI, "unit: count", 'unit: count\n        minimum_observations: "5"', None, "where a whole number is meant"),
        (KPI, "unit: count", "unit: count\n        minimum_observations: 0", None, "Write a number, 1 or more"),
        (KPI, "unit: count", "unit: count\n        signed: yes", None, "YAML reads yes as true or false. Write true"),
        (KPI, "unit: count", "unit: count\n        signed: 1", None, "`signed` is 1, where true or false is meant"),
        (KPI, "unit: count", "unit: count\n        unit: days", None, "The key `unit` is given twice"),
        (KPI, "perspective: internal", "perspective: customer", "meta:", "has no `journey_stage`"),
        (KPI, "{stale_days}", "{stale_day}", "{stale_day}", "has the unknown parameter {stale_day}"),
        (
            KPI,
            "          stale_days: {",
            "          days: {",
            "{stale_days}",
            "has the unknown parameter {stale_days}",
        ),
        (KPI, "unit: count", "unit: count\n        grains: [decade]", None, "Choose one of: day, week, month, quarter"),
        (
            KPI,
            "kind: stock",
            "kind: flow",
            "meta:",
            "A flow has the aggregate last. Correct `kind`, or choose one of: average",
        ),
        (KPI, "kind: stock", "kind: amount", None, "Choose one of: flow, stock, period"),
        (KPI, "label: Zombie deals", "label: 'Deals {{ open }}'", None, "`label` has {{, which dbt reads as"),
        (KPI, "        kind: stock\n", "", "meta:", "`meta` lacks `kind`"),
        (KPI, "default: 180", "default: 0", "stale_days: {", "The default 0 is no integer from 1 to 3660"),
        (KPI, "default: 180", "default: 1.5", "stale_days: {", "The default 1.5 is no integer from 1 to 3660"),
        (KPI, ", max: 3660", "", "stale_days: {", "lacks `max`"),
        (GROWTH, "prior(booked_revenue)", "last(booked_revenue)", None, "which is no metric, prior(metric)"),
        (GROWTH, "prior(booked_revenue)", "prior(booked)", None, "`expression` names the unknown metric booked"),
        (
            GROWTH,
            "(booked_revenue - ",
            "(target_attainment - ",
            None,
            "names the derived metric target_attainment",
        ),
        (GROWTH, "unit: percent", "unit: percent\naggregate: sum", "aggregate:", "Unknown key `aggregate` in the file"),
        (KPI, "unit: count", "unit: count\n        beside: [{name: a, lable: A}]", None, "Unknown key `lable`"),
        (KPI, "kind: stock", "kind: stock\n        alert_by: rop", None, "names the unknown dimension rop"),
        (KPI, "unit: count", "unit: [count", "direction: lower", "This is not valid YAML"),
        (SALES, "purpose:", "aim: x\npurpose:", "aim:", "Unknown key `aim` in the file"),
        (SALES, "dimension: rep", "dimension: rep, top: 5", None, "Unknown key `top` in entry 4 of `breakdowns`"),
        (
            SALES,
            "domains:",
            "domain: [example.org], domains:",
            None,
            "Unknown key `domain` in `audience`. Write domains",
        ),
        (
            SALES,
            "{email: sales-director@example.com",
            "{mail: x, email: sales-director@example.com",
            None,
            "Write email, or",
        ),
        (
            SALES,
            "[en, ja]",
            "[en, no]",
            None,
            'YAML reads no as true or false. Write true or false, or "no" if it is text',
        ),
        (SALES, "[en, ja]", "en", "languages: en", "`languages` is 'en', where a list is meant"),
        (SALES, "business_unit: Maven Hardware", "business_unit: Nope", None, "which no source has"),
        (SALES, "business_unit: Maven Hardware", "business_unit: 2017", None, "is 2017, where text is meant"),
        (SALES, "dimension: rep", "dimension: planet", None, "names the unknown dimension planet"),
        (SALES, "dimension: rep", "dimension: repp", None, "Write rep"),
        (SALES, "title: Sales scorecard", "", "purpose:", "The file lacks `title`"),
        (
            SALES,
            "email: sales-director@example.com",
            "email: sales-director@elsewhere.org",
            None,
            "outside its audience",
        ),
        (SALES, "email: sales-director@example.com", "email: 5", None, "`email` is 5, where text is meant"),
        (SALES, "email: sales-director@example.com", "email: director", None, "Write a plain address"),
        (
            SALES,
            "{email: sales-director@example.com, language: en}",
            "{email: a@example.com, language: de}",
            None,
            "`languages`",
        ),
        (SALES, "  - won_deals\n", "  - won_deals\n  - won_deals\n", None, "`metrics` names won_deals twice"),
        (SALES, "  - won_deals\n", "  - wonn_deals\n", None, "names the unknown metric wonn_deals. Write won_deals"),
        (
            SALES,
            "recipients:\n",
            "recipients:\n  - {email: Sales-Director@example.com, language: en}\n",
            "sales-director",
            "`recipients` names sales-director@example.com twice",
        ),
        (DIMENSIONS, "within: region", "within: regions", None, "names the unknown dimension regions. Write region"),
        (DIMENSIONS, "within: business_unit", "within: rep", None, "The dimension region is within itself"),
        (DIMENSIONS, "name: country", "name: product", None, "The dimension product is declared twice"),
        (DIMENSIONS, "name: country", "name: Country", None, "Write it as"),
        (DIMENSIONS, "name: country", "naem: country", None, "lacks `name`"),
    ],
)
def test_a_wrong_entry_is_named(project: Path, file: str, old: str, new: str, at: str | None, says: str) -> None:
    """On the last line that has ``at``, or the last of the lines that were written."""
    path = change(project, file, old, new)
    lines = path.read_text(encoding="utf-8").splitlines()
    written = at or new.rstrip().rpartition("\n")[2].strip()
    line = max(number for number, text in enumerate(lines, 1) if written in text)
    with pytest.raises(WrongDeclarations) as error:
        load(project)
    of_file = [mistake for mistake in error.value.mistakes if says in str(mistake)]
    assert (path, line) in [(mistake.path, mistake.line) for mistake in of_file], str(error.value)
    assert all(mistake.cure for mistake in of_file)


@pytest.mark.samples
@pytest.mark.parametrize(
    ("due", "says"),
    [
        ("month: {day: 0}", "1 or more"),
        ("month: {day: 29}", "from 1 to 28"),
        ("quarter: {working_day: 61}", "from 1 to 60"),
        ("month: {hour: 24}", "23 or less"),
        ("month: {hour: '9'}", "where a whole number is meant"),
        ("month: {day: 2, working_day: 1}", "both day and working_day"),
        ("month: {workday: 3}", "Write working_day"),
        ("month: Monday", "where a mapping is meant"),
        ("year: {day: 2}", "`due` has the unknown cadence year"),
        ("decade: {day: 2}", "Choose one of: day, week"),
    ],
)
def test_what_is_no_time_is_refused(project: Path, due: str, says: str) -> None:
    """Where the whole catalogue is read and where only the schedules are."""
    path = change(project, SALES, "purpose:", f"due: {{{due}}}\npurpose:")
    for read in (load_catalogue, schedules):
        with pytest.raises(WrongDeclarations, match=says) as error:
            read(Settings(project=project))
        assert {(mistake.path, mistake.line) for mistake in error.value.mistakes} == {(path, 3)}


@pytest.mark.samples
def test_a_day_of_a_daily_scorecard_is_no_working_day(project: Path) -> None:
    change(project, SALES, "[quarter, month]", "[day]\ndue: {day: {working_day: 1}}")
    with pytest.raises(WrongDeclarations, match=r"sales\.yml:6: .*a day is due on the next day"):
        load(project)


@pytest.mark.samples
def test_a_schedule_needs_nothing_but_its_own_lines(project: Path) -> None:
    change(project, SALES, "[quarter, month]", "[quarter, month]\ndue: {month: {working_day: 3, hour: 9}}")
    change(project, SALES, "  - won_deals\n", "  - wonn_deals\n")
    change(project, KPI, "unit: count", "unit: fortnights")
    due = schedules(Settings(project=project))["sales"]
    assert due == {Grain.QUARTER: When(), Grain.MONTH: When(hour=9, working_day=3)}


@pytest.mark.samples
def test_all_mistakes_are_told_at_once(project: Path) -> None:
    change(project, KPI, "unit: count", "unit: fortnights\n        colour: red")
    change(project, SALES, "languages: [en, ja]", "languages: en")
    change(project, DIMENSIONS, "within: region", "inside: region")
    with pytest.raises(WrongDeclarations) as error:
        load(project)
    written = ["inside: region", "unit: fortnights", "colour: red", "languages: en"]
    lines = [
        mistake.path.read_text(encoding="utf-8").splitlines()[mistake.line - 1] for mistake in error.value.mistakes
    ]
    assert [line.strip() for line in lines] == written
    assert all(f"{mistake.path}:{mistake.line}: " in str(error.value) for mistake in error.value.mistakes)


def test_what_names_a_wrong_metric_is_no_second_mistake(project: Path) -> None:
    change(project, "dbt_project/models/kpis/kpi_win_rate.yml", "unit: percent", "unit: fortnights")
    with pytest.raises(WrongDeclarations) as error:
        load(project)
    assert [mistake.path.name for mistake in error.value.mistakes] == ["kpi_win_rate.yml"]


def test_a_metric_without_words_is_named(project: Path) -> None:
    (project / "dbt_project/models/kpis/kpi_silent.sql").write_text("select 1")
    with pytest.raises(WrongDeclarations, match=r"kpi_silent\.sql:1: The metric has no kpi_silent\.yml"):
        load(project)


def test_dimensions_of_the_product_are_named_as_its_pages_name_them() -> None:
    for language in ("en", "ja"):
        words = Wording(PROJECT / "reports", language)
        for dimension in load_catalogue(Settings()).dimensions.values():
            if dimension.is_product:
                assert dimension.label[language] == words.say(f"dimension.{dimension.name}")


@pytest.mark.samples
@pytest.mark.parametrize("name", ["o'brien", "sales 東京", "a.b", 'x"y'])
def test_a_scorecard_whose_file_can_name_no_dag_is_refused(project: Path, name: str) -> None:
    (project / SALES).rename((project / SALES).with_stem(name))
    with pytest.raises(WrongDeclarations, match="cannot name a scorecard"):
        load(project)


@pytest.mark.samples
def test_a_domain_is_the_same_in_capitals(project: Path) -> None:
    path = project / SALES
    path.write_text(path.read_text(encoding="utf-8").replace("[example.com]", "[Example.com]"), encoding="utf-8")
    load(project)


def test_binary_and_empty_files_are_named(project: Path) -> None:
    for content in (b"\xff\xfe\x00", b"", b"- a\n"):
        (project / SALES).write_bytes(content)
        with pytest.raises(ScorecardError, match=r"sales\.yml"):
            load(project)


OWN = """
[parameters."Maven Hardware".zombie_deals]
stale_days = 90

[parameters."RavenStack SaaS".customer_churn_rate]
grace_days = 10
"""


def put_parameters(project: Path, text: str) -> int:
    """Write parameters into the settings; return the line on which they begin."""
    file = project / SETTINGS_FILE.name
    before = SETTINGS_FILE.read_text(encoding="utf-8")
    file.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1


@pytest.mark.samples
def test_a_unit_has_the_numbers_that_it_sets(project: Path) -> None:
    put_parameters(project, OWN)
    settings = Settings(project=project)
    stale = {
        unit: load_catalogue(settings, unit).metrics["zombie_deals"]
        for unit in ("Maven Hardware", "RavenStack SaaS", "all", None)
    }
    assert [metric.parameters["stale_days"] for metric in stale.values()] == [90, 180, 180, 180]
    assert [re.findall(r"[\d /]+(?= days)", metric.formula["en"])[0].strip() for metric in stale.values()] == [
        *("90", "180", "90 / 180", "180"),
    ]
    assert {
        (row["business_unit"], row["parameter"]): row["number"]
        for row in metric_variables(settings, load_catalogue(settings))["parameters"]
    } == {
        ("Maven Hardware", "zombie_deals.stale_days"): "90",
        ("Maven Hardware", "customer_churn_rate.grace_days"): "30",
        ("RavenStack SaaS", "zombie_deals.stale_days"): "180",
        ("RavenStack SaaS", "customer_churn_rate.grace_days"): "10",
    }


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            '[parameters."Maven Software".zombie_deals]\nstale_days = 90\n',
            0,
            "`parameters.Maven Software` is a business",
        ),
        ('[parameters."Maven Hardware".zombies]\nstale_days = 90\n', 0, "is no metric. Write zombie_deals"),
        (
            '[parameters."Maven Hardware".zombie_deals]\nstale = 90\n',
            1,
            "is no parameter of the metric. Write stale_days",
        ),
        (
            '[parameters."Maven Hardware".zombie_deals]\nstale_days = 0\n',
            1,
            "is set to 0, which is no integer from 1 to",
        ),
        ('[parameters."Maven Hardware".zombie_deals]\nstale_days = 1.5\n', 1, "is set to 1.5, which is no integer"),
        ('[parameters."Maven Hardware".win_rate]\nstale_days = 90\n', 1, "is no parameter of the metric"),
    ],
)
def test_a_number_that_is_none_is_named_with_its_line(project: Path, text: str, line: int, says: str) -> None:
    first = put_parameters(project, text)
    with pytest.raises(WrongDeclarations) as wrong:
        load(project)
    assert f"{project / SETTINGS_FILE.name}:{first + line}: " in str(wrong.value)
    assert says in str(wrong.value)


CROSS = "        cross: {}\n        drives: [win_rate]\n"


def cross(project: Path, pairs: str) -> None:
    """Let zombie deals have values by pairs."""
    change(project, KPI, "        drives: [win_rate]\n", CROSS.format(pairs))


@pytest.mark.parametrize("pairs", ["[product, region]", "[[product, region], [product, team]]"])
def test_a_metric_has_values_by_pairs_of_dimensions(project: Path, pairs: str) -> None:
    cross(project, pairs)
    catalogue = load(project)
    dimension = catalogue.dimensions["product_by_region"]
    assert catalogue.metrics["zombie_deals"].cross[0] == dimension.crosses == ("product", "region")
    assert dimension.label["en"] == "Product × Region"
    crossings = [name for name, dimension in catalogue.dimensions.items() if dimension.crosses]
    assert crossings == ["product_by_region", "product_by_team"][: len(crossings)]


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ("[product, regoin]", "`cross` names the unknown dimension regoin"),
        ("[product, business_unit]", "`cross` names business_unit, which every figure has"),
        ("[team, region]", "`cross` names team and region, of which one is within the other"),
        ("[product, product]", "of which one is within the other"),
        ("[product]", "cross"),
    ],
)
def test_a_pair_that_is_none_is_named(project: Path, pairs: str, says: str) -> None:
    cross(project, pairs)
    with pytest.raises(WrongDeclarations, match=says) as wrong:
        load(project)
    assert f"{project / KPI}:" in str(wrong.value)
