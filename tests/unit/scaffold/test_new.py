"""`scorecard new`: what it writes is sound as it is, and nothing that is there is written over."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from scorecard import steps
from scorecard.catalogue import load_catalogue
from scorecard.catalogue.dbt_lists import concept_models, core_models
from scorecard.scaffold.fact import start_fact
from scorecard.scaffold.metric import start_metric
from scorecard.scaffold.source import start_source
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import PROJECT, Settings

CASES = Path(__file__).parents[2] / "cases"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for folder in ("dbt_project", "expectations", "reports"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "scorecard.example.toml", tmp_path / "scorecard.toml")
    return Settings(project=tmp_path)


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """An export that delivers no concept."""
    path = tmp_path / "visits.csv"
    path.write_text("day,guide,weather,minutes\n2024-03-01,Ada Moss,rain,12\n2024-03-01,Ada Moss,rain,12\n")
    return path


def assert_sound(settings: Settings) -> None:
    mistakes, others = steps.check_declarations(settings)
    assert ([str(mistake) for mistake in mistakes], others) == ([], [])


def assert_laid_out(settings: Settings) -> None:
    """Assert that the formatter, with the settings of the project, would change no file of SQL."""
    command = [Path(sys.executable).with_name("sqlfmt"), "--check", "--config", PROJECT / "pyproject.toml"]
    done = subprocess.run(
        [*command, "--no-progressbar", settings.dbt_project / "models"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("export", ["deals.csv", "deals_german_excel.csv", "deals_names.csv", "deals_big_amounts.csv"])
def test_a_source_whose_columns_tell_what_they_are_delivers_a_concept(settings: Settings, export: str) -> None:
    started = start_source(settings, "probe_crm", [CASES / export], concept="opportunities", unit="Orbit")
    assert_sound(settings)
    assert "stg_probe_crm__opportunities" in concept_models(settings)["opportunities"]
    assert [path.name for path in started.files] == [
        "_sources.yml",
        "stg_probe_crm__opportunities.sql",
        "stg_probe_crm__opportunities.yml",
    ]


def test_the_concept_is_guessed_and_values_are_mapped(settings: Settings) -> None:
    started = start_source(settings, "probe_crm", [CASES / "deals.csv"])
    sql = started.files[1].read_text(encoding="utf-8")
    assert "deal_id as opportunity_id," in sql
    assert "when 'won' then 'won'" in sql
    assert "To do" not in sql
    declared = started.files[0].read_text(encoding="utf-8")
    assert "role: crm" in declared
    assert "# To do: whose records these are." in declared


def test_what_a_concept_wants_and_the_export_lacks_is_to_do(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("deal_id,status,opened,closed\nA,gewonnen,2024-01-02,2024-02-03\n")
    started = start_source(settings, "shop", [tmp_path / "deals.csv"])
    sql = started.files[1].read_text(encoding="utf-8")
    assert "-- To do: amount." in sql
    assert "cast(null as decimal(24, 8)) as amount," in sql
    assert "when 'gewonnen' then 'won'" in sql
    assert "no value of status is known to mean lost: gewonnen." in sql
    assert_sound(settings)


def test_braces_and_long_lists_of_an_export_break_no_file(settings: Settings, tmp_path: Path) -> None:
    rows = "".join(f"{number},state {number} {{{{ x }}}} {'y' * 20},2024-01-02,2024-02-03\n" for number in range(9))
    (tmp_path / "deals.csv").write_text("deal_id,status {{ x }},opened,closed\n" + rows)
    started = start_source(settings, "shop", [tmp_path / "deals.csv"], concept="opportunities")
    assert_sound(settings)
    assert_laid_out(settings)
    sql = started.files[1].read_text(encoding="utf-8")
    assert max(map(len, sql.splitlines())) <= 120
    assert "{{ x }}" not in sql
    for line in started.files[0].read_text(encoding="utf-8").splitlines():
        assert "{{" not in line or "header:" in line


def test_exports_without_a_concept_lead_to_a_fact_and_a_metric(settings: Settings, visits: Path) -> None:
    started = start_source(settings, "probe_desk", [visits], unit="Orbit")
    assert any("scorecard new fact NAME --source probe_desk.visits" in step for step in started.next_steps)
    start_fact(settings, "probe_visit", "probe_desk", "visits", ["weather"])
    assert_sound(settings)
    fact = core_models(settings)["core_probe_visit"]
    assert (fact.meta.concept, fact.meta.horizon, fact.meta.moment) == ("probe_visits", ("day",), "day")
    assert concept_models(settings)["probe_visits"] == ["stg_probe_desk__probe_visits"]
    start_metric(settings, "probe_visits_made", "core_probe_visit")
    assert_sound(settings)
    catalogue = load_catalogue(settings)
    assert "weather" in catalogue.dimensions
    assert catalogue.metrics["probe_visits_made"].kind == "flow"
    assert_laid_out(settings)


def sales(settings: Settings, text: str, dimensions: Sequence[str] = ()) -> dict[str, str]:
    """Write the starting files of a fact whose table is a text; return them by name."""
    export = settings.project / "sales.csv"
    export.write_text(text)
    start_source(settings, "probe_till", [export], unit="Orbit", currency="EUR")
    started = start_fact(settings, "probe_sale", "probe_till", "sales", dimensions)
    assert_sound(settings)
    return {path.name: path.read_text(encoding="utf-8") for path in started.files}


def test_money_of_a_fact_is_converted_from_the_currency_of_each_record(settings: Settings) -> None:
    files = sales(settings, "day,guide,total_value,hours,currency_code\n2024-03-01,Ada Moss,12.50,1.5,chf\n")
    sql = files["core_probe_sale.sql"]
    assert "(try_cast(total_value as decimal(24, 8)) * rate)::decimal(30, 8) as total_value," in sql
    assert "on record.currency = fx.currency and record.day = fx.rate_on" in sql
    assert "day as rate_on,\n    rate," in sql
    assert "    hours," in sql
    assert "-- To do: hours. Is it money?" in sql
    assert "upper(currency_code) as currency," in files["stg_probe_till__probe_sales.sql"]
    assert "optional" not in files["int_probe_sales.yml"]
    fact = core_models(settings)["core_probe_sale"]
    assert (fact.has_rates, fact.meta.needs_rate) == (True, "day")
    assert fact.columns["total_value"] == "decimal(30,8)"


def test_money_without_a_column_of_currencies_has_that_of_its_source(settings: Settings) -> None:
    files = sales(settings, "day,guide,price\n2024-03-01,Ada Moss,12.50\n", dimensions=["guide"])
    assert "* rate)::decimal(30, 8) as price," in files["core_probe_sale.sql"]
    assert "currency" not in files["stg_probe_till__probe_sales.sql"]
    assert "currency" not in files["stg_probe_till__probe_sales.yml"]
    assert "name: currency, data_type: varchar" in files["int_probe_sales.yml"]
    assert files["int_probe_sales.yml"].count("optional: true") == 1
    assert core_models(settings)["core_probe_sale"].has_rates


def test_all_amounts_are_money_where_no_name_says_so_and_there_are_currencies(settings: Settings) -> None:
    sql = sales(settings, "day,gross,currency\n2024-03-01,12.50,CHF\n")["core_probe_sale.sql"]
    assert "* rate)::decimal(30, 8) as gross," in sql
    assert "To do" not in sql


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("day,guide,minutes\n2024-03-01,Ada Moss,12\n", ""),
        ("day,guide,hours\n2024-03-01,Ada Moss,1.5\n", "To do: hours. Is it money?"),
        (
            "day,guide,price,rate\n2024-03-01,Ada Moss,1.50,2.5\n",
            "To do: price. It stays in the currency of its record",
        ),
    ],
)
def test_a_fact_without_money_converts_nothing(settings: Settings, text: str, note: str) -> None:
    files = sales(settings, text)
    sql = files["core_probe_sale.sql"]
    assert note in sql if note else "To do" not in sql
    assert "fx.rate" not in sql
    assert "currency" not in files["int_probe_sales.yml"]
    assert core_models(settings)["core_probe_sale"].meta.needs_rate is None


def test_every_fact_with_a_moment_makes_a_metric(settings: Settings) -> None:
    for name, fact in core_models(settings).items():
        if fact.meta.moment:
            start_metric(settings, f"{name}_count", name)
    assert_sound(settings)


def test_nothing_is_written_over(settings: Settings) -> None:
    start_source(settings, "probe_crm", [CASES / "deals.csv"])
    staging = settings.dbt_project / "models" / "staging" / "probe_crm"
    (staging / "_sources.yml").unlink()
    with pytest.raises(ScorecardError, match="exists"):
        start_source(settings, "probe_crm", [CASES / "deals_names.csv"], concept="opportunities")
    assert not (staging / "_sources.yml").exists()


def test_a_table_more_of_a_declared_source_is_lines_to_add(settings: Settings, visits: Path) -> None:
    declaration = start_source(settings, "probe_crm", [CASES / "deals.csv"], unit="Orbit").files[0]
    before = declaration.read_text(encoding="utf-8")
    started = start_source(settings, "probe_crm", [visits])
    assert (started.files, declaration.read_text(encoding="utf-8")) == ((), before)
    declaration.write_text(before + "\n".join(started.to_add) + "\n", encoding="utf-8")
    assert_sound(settings)
    assert start_fact(settings, "probe_visit", "probe_crm", "visits").files


def test_wrong_use_is_told(settings: Settings, visits: Path) -> None:
    start_source(settings, "probe_desk", [visits], unit="Orbit")
    wrong = [
        (lambda: start_source(settings, "Orbit", [CASES / "deals.csv"]), "can't be the name of a source"),
        (lambda: start_source(settings, "x", [CASES / "deals.csv"], concept="deals"), "There is no concept deals"),
        (lambda: start_fact(settings, "probe_visit", "probe_desk", "visit"), "has no table visit"),
        (lambda: start_fact(settings, "probe_visit", "probe_desk", "visits", ["team"]), "has no column team"),
        (lambda: start_fact(settings, "probe_visit", "probe_desk", "visits", [], "guide"), "no column guide of days"),
        (lambda: start_metric(settings, "win_rate"), "There is a metric win_rate"),
        (lambda: start_metric(settings, "probes", "core_probes"), "no fact core_probes"),
    ]
    for call, sentence in wrong:
        with pytest.raises(ScorecardError, match=sentence):
            call()
