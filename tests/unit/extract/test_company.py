"""Files that people write: of the whole company, and of each business unit. Any may be missing, empty or half empty."""

import shutil
from pathlib import Path

import duckdb
import pytest

from scorecard.catalogue import Mistakes, declared_sources
from scorecard.catalogue.company_files import check_folders
from scorecard.extract import extract_source, load_contracts
from scorecard.extract.raw.troubles import read_all
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from tests.conftest import PROJECT, SETTINGS_FILE

# The units are the samples'.
pytestmark = pytest.mark.samples
NORTH = "company_maven_hardware"
HEADER = "metric,period,dimension,member,target,unit,parent_kgi"
ROW = "win_rate,2017-Q4,region,East,0.62,percent,booked_revenue"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project with the product's declarations, and no file that people wrote."""
    shutil.copytree(PROJECT / "dbt_project" / "models" / "staging", tmp_path / "dbt_project" / "models" / "staging")
    shutil.copy(SETTINGS_FILE, tmp_path)
    (tmp_path / "company" / "maven_hardware").mkdir(parents=True)
    return Settings(project=tmp_path, state=tmp_path / "var", settle_seconds=0)


def wrote(settings: Settings, text: str, file: str = "targets.csv") -> None:
    (settings.project / "company" / "maven_hardware" / file).write_text(text, encoding="utf-8")


def loaded(settings: Settings, source: str = NORTH) -> tuple[str, ...]:
    """Extract a folder; return the raw tables that changed."""
    return tuple(table.name for table in extract_source(settings, load_contracts(settings)[source]).loaded)


def current(settings: Settings, columns: str = "member, target") -> list[tuple[object, ...]]:
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        return db.execute(f"select {columns} from raw_{NORTH}.targets where _valid_to is null order by all").fetchall()


def test_a_folder_is_of_the_unit_that_it_is_spelt_as(settings: Settings) -> None:
    (settings.project / "company" / "RavenStack-SaaS").mkdir()
    (settings.project / "company" / "北海道").mkdir()
    units = {name: source.business_unit for name, source in declared_sources(settings).items() if source.folder}
    (other,) = units.keys() - {"company", NORTH, "company_ravenstack_saas"}
    assert units == {
        "company": "all",
        NORTH: "Maven Hardware",
        "company_ravenstack_saas": "RavenStack SaaS",
        other: "北海道",
    }
    assert other.isascii()


def test_what_is_not_there_is_nothing(settings: Settings) -> None:
    assert loaded(settings) == loaded(settings, "company") == ()
    wrote(settings, "\ufeff\n \n")
    assert loaded(settings) == ()
    shutil.rmtree(settings.project / "company")
    assert {"company", NORTH}.isdisjoint(load_contracts(settings))


@pytest.mark.parametrize("emptied", [None, "", f"{HEADER}\n", HEADER])
def test_rows_end_with_their_file_and_nobody_asks_why(settings: Settings, emptied: str | None) -> None:
    wrote(settings, f"{HEADER}\n" + "".join(f"{ROW.replace('East', f'R{number}')}\n" for number in range(50)))
    assert loaded(settings) == ("targets",)
    assert len(current(settings)) == 50
    if emptied is None:
        (settings.project / "company" / "maven_hardware" / "targets.csv").unlink()
    else:
        wrote(settings, emptied)
    assert loaded(settings) == ("targets",)
    assert current(settings) == []
    assert loaded(settings) == (), "once it is known to be empty, nothing changes"
    wrote(settings, f"{HEADER}\n{ROW}")
    assert loaded(settings) == ("targets",)
    assert len(current(settings)) == 1


def test_a_column_that_may_be_left_out_is_empty(settings: Settings) -> None:
    wrote(settings, f"{HEADER},reason\n{ROW},\n")
    assert loaded(settings) == ("targets",)
    assert current(settings, "member, owner, due, reason") == [("East", None, None, None)]
    wrote(settings, "metric,period\nwin_rate,2017-Q4\n")
    with pytest.raises(ScorecardError, match=r"company/maven_hardware/targets.csv lacks the columns dimension, member"):
        loaded(settings)


@pytest.mark.parametrize(
    ("file", "header", "row", "empty"),
    [
        ("customer_links.csv", "source,account_id,customer", "maven_crm,Isdom,Acme", "maven_crm,Isdom,"),
        ("product_ladder.csv", "product,product_family,tier,per_seat", "GTX Pro,GTX,2,no", ",GTX,2,no"),
    ],
)
def test_links_and_ladder_may_be_empty_or_lack_a_column(
    settings: Settings, file: str, header: str, row: str, empty: str
) -> None:
    table = file.removesuffix(".csv")
    wrote(settings, "", file)
    assert loaded(settings) == ()
    wrote(settings, f"{header}\n", file)
    assert loaded(settings) == (table,)
    wrote(settings, f"{header}\n{row}\n{empty}\n", file)
    assert loaded(settings) == (table,)
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        assert db.execute(f"select count(*), min(_source_line) from raw_{NORTH}.{table}").fetchall() == [(1, 2)]
        assert db.execute(f"select object, source_line from raw_{NORTH}._quarantine").fetchall() == [(table, 3)]


def test_a_ladder_needs_products_alone(settings: Settings) -> None:
    wrote(settings, "product,tier\nGTX Pro,\nGTX Basic,1\nGTX Basic,2\nGTX Plus,high\n", "product_ladder.csv")
    assert loaded(settings) == ("product_ladder",)
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        rows = db.execute(f"select product, tier, per_seat from raw_{NORTH}.product_ladder order by all").fetchall()
        ((reason,),) = db.execute(f"select reason from raw_{NORTH}._quarantine").fetchall()
    assert rows == [("GTX Basic", 1, None), ("GTX Basic", 2, None), ("GTX Pro", None, None)]
    assert "tier" in reason


def test_a_row_that_cannot_be_read_goes_to_quarantine_alone(settings: Settings) -> None:
    wrote(settings, f"{HEADER}\n{ROW}\n{ROW.replace('0.62', 'many').replace('East', 'West')}\n")
    assert loaded(settings) == ("targets",)
    assert [member for member, _ in current(settings)] == ["East"]
    with duckdb.connect(settings.warehouse, read_only=True) as db:
        rows = db.execute(f"select reason, source_file, source_line from raw_{NORTH}._quarantine").fetchall()
    ((reason, file, line),) = rows
    assert (file, line) == ("company/maven_hardware/targets.csv", 3)
    assert "target" in reason


def test_a_file_that_cannot_be_read_is_the_trouble_of_its_unit(settings: Settings) -> None:
    (settings.project / "company" / "maven_hardware" / "targets.csv").write_bytes(b"metric,\xff\n")
    (settings.project / "company" / "holidays.csv").write_text("holiday_on\n2024-01-01\n")
    with pytest.raises(ScorecardError, match=r"company/maven_hardware/targets\.csv is not UTF-8"):
        loaded(settings)
    assert loaded(settings, "company") == ("holidays",)
    assert {(trouble.source, trouble.business_unit) for trouble in read_all(settings)} == {(NORTH, "Maven Hardware")}


def test_what_nothing_reads_is_told(settings: Settings) -> None:
    company = settings.project / "company"
    read = ("maven_hardware/customer_links.csv", "maven_hardware/product_ladder.csv")
    for name in (
        "maven_hardware/target.csv",
        "maven_hardware/fx_rates.csv",
        "aliases.csv",
        "customer_links.csv",
        *read,
    ):
        (company / name).write_text("")
    for name in ("maven_hardware ", "mavn_hardware"):
        (company / name).mkdir()
    mistakes = Mistakes()
    check_folders(settings, mistakes)
    messages = {
        mistake.path.relative_to(company).as_posix(): f"{mistake.problem} {mistake.cure}" for mistake in mistakes.all()
    }
    assert messages == {
        "aliases.csv": messages["aliases.csv"],
        "customer_links.csv": messages["customer_links.csv"],
        "maven_hardware/fx_rates.csv": messages["maven_hardware/fx_rates.csv"],
        "maven_hardware/target.csv": "Nothing reads this file here. Write targets.csv, or delete it.",
        "maven_hardware ": "Another folder is spelt alike, and that one is read. Put their files together.",
        "mavn_hardware": messages["mavn_hardware"],
    }
    assert messages["mavn_hardware"].startswith("The folder mavn_hardware names no business unit.")
