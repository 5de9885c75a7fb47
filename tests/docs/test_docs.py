"""What the documents show is run; what they list is compared with the code."""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fault_table
import polars as pl
import pytest
import typer
from pypdf import PdfReader

from scorecard import cli
from scorecard.catalogue import load_catalogue
from scorecard.catalogue.metric_entries import MetricEntry
from scorecard.scaffold.writing import laid_out
from scorecard.shared.settings import Settings
from tests.conftest import PROJECT
from tests.docs.conftest import Copy, copy_project, example_blocks, lacking, print_metric
from tests.docs.markdown import Block, anchors, blocks, links, table_below

METRICS, SETTINGS, PRODUCTION = (
    PROJECT / "docs" / f"{page}.md" for page in ("metrics-guide", "settings", "production")
)
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
ALL_PAGES = [PROJECT / "CHANGELOG.md", *PAGES, *sorted((PROJECT / "docs" / "decisions").glob("*.md"))]
MADE = re.compile("orbit|telephony|int_calls|core_call|spark.sql")
"""In the paths of what a reader makes, or of what is not there yet."""

MakeCopy = Callable[[], Copy]


def shell(page: Path, marked: str | None = None) -> list[Block]:
    """The shell blocks of a page that carry a mark, or none."""
    return [block for block in blocks(page) if block.language == "sh" and block.value == marked]


def examples(marked: str) -> list[Block]:
    """The shell blocks of the pages of examples that carry a mark."""
    return [block for block in example_blocks() if block.language == "sh" and block.value == marked]


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if shell(page)], ids=name)
def test_every_command_runs(page: Path, project: MakeCopy) -> None:
    copy = project()
    for block in shell(page):
        # What make does is run for real by the tests of the whole; here, that the target is there.
        script = re.sub(r"(?m)^make ", "make --dry-run ", block.text)
        done = copy.type(script)
        assert done.returncode == 0, f"{name(page)}, line {block.line}:\n{block.text}\n{done.stderr}"
        printed = done.stdout + done.stderr
        assert not lacking(blocks(page), block, printed), f"{name(page)}, line {block.line}:\n{printed}"


def test_a_start_of_a_metric_prints_what_the_guides_show(tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("SCORECARD_")}
    copy = Copy(tmp_path / "project", env | {"SCORECARD_PROJECT": str(tmp_path / "project")})
    copy_project(copy.root)
    for block in examples("as a start"):
        done = copy.type(f"PATH={sys.prefix}/bin:$PATH\n{block.text}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not lacking(example_blocks(), block, done.stdout + done.stderr), done.stdout


def test_sql_is_laid_out_as_the_formatter_does() -> None:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "sql":
                assert block.text == laid_out(block.text), f"{name(page)}, line {block.line}"


def test_every_block_is_run_or_used() -> None:
    known = {
        None,
        "as a start",
        "with the metric",
        "with the source",
        "as a new company",
        "with the German export",
        "with Airflow",
    }
    for page in PAGES:
        for block in blocks(page):
            if block.language == "toml":
                tomllib.loads(block.text)
                continue
            if block.language == "csv" and block.key is None:
                assert len({len(row) for row in csv.reader(block.text.splitlines())}) == 1
                continue
            # A text shows what the command above it prints.
            assert block.language in ("sh", "text") or block.key == "file", f"{name(page)}, line {block.line}"
            assert block.language != "sh" or block.value in known, f"{name(page)}, line {block.line}"


def test_a_metric_is_two_new_files(project: MakeCopy) -> None:
    copy = project()
    files = [block for block in example_blocks() if block.value and "lost_deals" in block.value]
    # And one more, of the metric that is computed from it.
    assert [Path(str(block.value)).suffix for block in files] == [".sql", ".yml", ".yml"]
    for block in files:
        copy.put(block)
    for block in examples("with the metric"):
        done = copy.type(block.text)
        assert done.returncode == 0, f"line {block.line}: {done.stdout}{done.stderr}"
        assert not lacking(example_blocks(), block, done.stdout + done.stderr), done.stdout
        if "dbt test" in block.text:
            assert "PASS kpi_lost_deals::lost_deals_counts_lost_deals_only" in done.stdout

    lost = (
        pl.read_csv(copy.root / "data" / "maven_crm" / "sales_pipeline.csv", try_parse_dates=True)
        .filter(pl.col("deal_stage") == "Lost")
        .join(pl.read_csv(copy.root / "data" / "maven_crm" / "sales_teams.csv"), on="sales_agent")
        .with_columns(
            period=pl.format("{}-Q{}", pl.col("close_date").dt.year(), pl.col("close_date").dt.quarter()),
        )
    )
    expected = {
        ("business_unit", period, "Maven Hardware"): count
        for period, count in lost.group_by("period").len().iter_rows()
    } | {
        ("region", period, region): count
        for period, region, count in lost.group_by("period", "regional_office").len().iter_rows()
    }
    assert expected["business_unit", "2017-Q4", "Maven Hardware"] == 789
    done = copy.type("scorecard values --metric lost_deals --json")
    values = {
        (row["dimension"], row["period"], row["member"]): int(row["value"])
        for row in json.loads(done.stdout)
        if row["grain"] == "quarter" and row["dimension"] in ("business_unit", "region") and row["value"] != "0"
    }
    assert values == expected
    before, now = (expected["business_unit", period, "Maven Hardware"] for period in ("2017-Q3", "2017-Q4"))
    done = copy.type("scorecard values --metric lost_deals_growth --period 2017-Q4 --by business_unit --json")
    (growth,) = json.loads(done.stdout)
    assert round(float(growth["value"]), 8) == round((now - before) / before, 8)
    assert "## lost_deals" in (copy.root / "out" / "metrics.md").read_text(encoding="utf-8")
    reference = (copy.root / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert reference == (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")

    print_metric(copy.root, "lost_deals")
    done = copy.type("scorecard publish --scorecard sales --period 2017-Q4 --json")
    assert done.returncode == 0, done.stderr
    (edition,) = json.loads(done.stdout)
    assert edition["created"]
    (english,) = (path for path in edition["pdfs"] if path.endswith("-en.pdf"))
    assert "Lost deals" in "".join(page.extract_text() for page in PdfReader(english).pages)


def test_a_source_needs_no_python(project: MakeCopy) -> None:
    copy = project()
    before = of_unit(copy, "Maven Hardware")
    others = ("lost_deals", "kontor_crm", "reports/orbit.yml")
    files = [block for block in example_blocks() if block.key == "file" if not _is_of(others, block)]
    assert not [block for block in files if str(block.value).endswith(".py")]
    for block in files:
        copy.put(block)
    for block in examples("with the source"):
        done = copy.type(block.text)
        assert done.returncode == 0, f"line {block.line}: {done.stdout}{done.stderr}"

    with duckdb.connect(str(copy.root / "var" / "published.duckdb"), read_only=True) as connection:
        failed = connection.execute(
            "select check_id, message from quality.check_results where not passed and severity = 'error'"
        ).fetchall()
    assert failed == []

    path = copy.root / "data" / "orbit_crm" / "deals.csv"
    deals = pl.read_csv(path, schema_overrides={"Value (USD)": pl.Decimal(18, 2)})
    won = deals.filter(pl.col("Status") == "closed won")["Value (USD)"].sum()
    assert booked(copy, "Orbit Services", "2017-Q4") == won == Decimal("2000.50")
    # What the new unit brings, no figure of another one shows: neither its status nor whether it is whole.
    assert len(before) > 50_000
    assert of_unit(copy, "Maven Hardware") == before
    done = copy.type("scorecard publish --scorecard sales --period 2017-Q4 --json")
    assert [close["created"] for close in json.loads(done.stdout)] == [False]


def _is_of(names: tuple[str, ...], block: Block) -> bool:
    return any(part in str(block.value) for part in names)


def test_a_german_export_needs_no_preprocessor(project: MakeCopy) -> None:
    copy = project()
    for block in example_blocks():
        if block.key == "file" and _is_of(("kontor_crm",), block):
            copy.put(block)
    for block in examples("with the German export"):
        done = copy.type(block.text)
        assert done.returncode == 0, f"line {block.line}: {done.stdout}{done.stderr}"
    with duckdb.connect(str(copy.root / "var" / "warehouse.duckdb"), read_only=True) as connection:
        deals = connection.execute(
            "select deal_id, customer, opened::varchar, value_eur from raw_kontor_crm.deals order by all"
        ).fetchall()
        bad = connection.execute("select source_line, reason from raw_kontor_crm._quarantine order by all").fetchall()
    assert deals == [
        ("K-1", "Müller & Söhne", "2024-04-26", Decimal("3850.00")),
        ("K-2", "Groß GmbH", "2024-05-31", None),
    ]
    assert bad == [(4, 'opened: "31.02.2024" is no date (%d.%m.%Y)'), (5, 'value_eur: "n. v." is no decimal(18,2)')]


def of_unit(copy: Copy, unit: str) -> list[tuple[object, ...]]:
    """Every figure of a business unit, with all that is said of it."""
    with duckdb.connect(str(copy.root / "var" / "published.duckdb"), read_only=True) as connection:
        return connection.execute("select * from scorecard.kpi_status where scope = ? order by all", [unit]).fetchall()


def booked(copy: Copy, unit: str, period: str) -> Decimal:
    done = copy.type(f"scorecard values --metric booked_revenue --period {period} --by business_unit --json")
    (row,) = (row for row in json.loads(done.stdout) if row["member"] == unit)
    return Decimal(row["value"])


def test_the_backfill_names_the_periods_it_says(project: MakeCopy) -> None:
    copy = project()
    block, _ = examples("with Airflow")
    prepared = copy.type("python tools/airflow_cli.py dags reserialize")
    assert prepared.returncode == 0, prepared.stderr
    done = copy.type(f"{block.text.rstrip()} --dry-run")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"\| (\d{4}-\d{2}) +\|", done.stdout) == ["2017-10", "2017-11", "2017-12"]


def test_a_password_is_stored_encrypted_by_the_command_of_the_guide(project: MakeCopy) -> None:
    copy = project()
    _, block = examples("with Airflow")
    done = copy.type(block.text.replace("…", "hunter2"))
    assert done.returncode == 0, done.stderr
    database = (copy.root / "var" / "airflow" / "airflow.db").read_bytes()
    assert b"mail.example.com" in database
    assert b"hunter2" not in database
    shown = copy.type("python tools/airflow_cli.py connections get scorecard_smtp -o json")
    assert '"hunter2"' in shown.stdout


def test_generated_files_are_up_to_date(built_free_settings: Settings) -> None:
    from scorecard.reference import metrics_page

    stale = metrics_page.generate(built_free_settings, write=False)
    assert not stale, "run `scorecard generate` and commit what it writes"


@pytest.mark.samples
def test_the_table_of_faults_is_up_to_date() -> None:
    assert fault_table.PAGE.read_text("utf-8") == fault_table.page(), "run `python tools/fault_table.py`"


@pytest.fixture
def built_free_settings(tmp_path: Path) -> Settings:
    """Settings of the project as it is, with a state of its own that nothing is written to."""
    return Settings(state=tmp_path / "var", out=tmp_path / "out")


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commands of a group and of the groups in it, by what is typed."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_every_command_and_option_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    group = typer.main.get_command(cli.app)
    commands = dict(_commands(group))
    assert len(commands) > 10
    undocumented = [command for command in commands if not re.search(rf"\bscorecard {command}\b", text)]
    undocumented += [
        f"{command} {option}"
        for command, entry in commands.items()
        for parameter in entry.params
        for option in parameter.opts
        if option.startswith("--") and option not in text
    ]
    assert not undocumented


def test_the_settings_are_those_that_there_are() -> None:
    rows = table_below(SETTINGS, "Settings")
    listed = [setting for row in rows for setting in re.findall(r"`(\w+)`", row[0])]
    assert listed == list(Settings.model_fields)
    for names, _, default in rows:
        for setting in re.findall(r"`(\w+)`", names):
            field = Settings.model_fields[setting]
            if field.is_required():
                assert default == "(required)", setting
            elif setting != "project":
                documented = default.strip("`")
                value = {"none": "None", "false": "False"}.get(documented, documented)
                assert value == str(field.default).removesuffix(".0"), setting


def test_the_keys_of_a_metric_are_those_that_there_are(built_free_settings: Settings) -> None:
    section = METRICS.read_text(encoding="utf-8").split("What the YAML may say", 1)[1].split("\n### ", 1)[0]
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\|([^|]*)\|", section))))
    assert listed == {field.alias or name for name, field in MetricEntry.model_fields.items()}
    assert load_catalogue(built_free_settings).metrics


def test_the_dags_are_those_that_there_are() -> None:
    rows = table_below(PRODUCTION, "Airflow")
    listed = set(re.findall(r"`(\w+)(?:_<source>)?`", "".join(row[0] for row in rows)))
    from scorecard.shared.periods import Grain

    assert listed == {"extract", "build", "publish_due", "watch", *(f"publish_{grain}" for grain in Grain)}


@pytest.mark.samples
@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{name(page)} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{name(page)} links to {target}"


@pytest.mark.samples
def test_paths_in_the_documents_exist() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    files = [Path(line) for line in listed.splitlines()]
    known = {path.name for path in files} | {parent.name for path in files for parent in path.parents}
    missing = []
    for page in [*PAGES, *sorted((PROJECT / "docs" / "decisions").glob("*.md"))]:
        text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
        for path in re.findall(r"`([\w./<>*-]+(?:\.(?:py|sql|ya?ml|j2|toml)|/))`", text):
            # Of a path with a name to fill in, the folder above it.
            path = re.sub(r"[^/]*[<*].*", "", path)
            if not path:
                continue
            bases = (PROJECT, PROJECT / "scorecard", PROJECT / "dbt_project", page.parent)
            is_made = Path(path).parts[0] in ("var", "out", "data", "scorecard.toml") or MADE.search(path)
            is_module = (PROJECT / f"{path.replace('.', '/')}.py").exists()
            is_name = is_module or ("/" not in path.rstrip("/") and Path(path).name in known)
            if not is_made and not is_name and not any((base / path).exists() for base in bases):
                missing.append(f"{name(page)}: {path}")
    assert missing == []


def test_the_glossary_is_alphabetical_and_explains_a_term_once() -> None:
    text = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = [term.lower() for term in re.findall(r"(?m)^\| \*\*(.+?)\*\* \|", text)]
    assert len(terms) > 50
    assert terms == sorted(set(terms))


def test_every_decision_is_in_the_index() -> None:
    folder = PROJECT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [record for record in records if record not in index] == []
    numbers = [record[:3] for record in records]
    assert len(numbers) == len(set(numbers))


def test_the_documents_give_away_no_machine() -> None:
    for page in ALL_PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:home|work|root|Users)/", text), name(page)
