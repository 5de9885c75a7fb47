"""Models are found by their names, one per source and concept, and held to the columns of the concept."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from scorecard.catalogue import WrongDeclarations
from scorecard.catalogue.dbt_lists import concept_models, dbt_variables
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings, load_settings

CONCEPT = {"deal_id": "varchar", "amount": "decimal(24,8)", "rep": "varchar", "business_unit": "varchar"}
TABLE = {"name": "t", "columns": [{"name": "id", "data_type": "varchar", "description": "Id."}]}
DELIVERED = {"deal_id": "varchar", "amount": "decimal(24,8)"}


@dataclass(frozen=True)
class Project:
    """A dbt project with the concept `deals`, whose column `rep` is optional, and sources that are added to it."""

    settings: Settings

    @property
    def models(self) -> Path:
        return self.settings.dbt_project / "models"

    def source(self, name: str, unit: str = "Unit", **more: object) -> None:
        meta = {"business_unit": unit, "currency": "EUR", "role": "crm", **more}
        self._write(
            f"staging/{name}/_sources.yml",
            yaml.safe_dump(
                {"sources": [{"name": name, "schema": f"raw_{name}", "config": {"meta": meta}, "tables": [TABLE]}]}
            ),
        )

    def model(self, path: str, columns: dict[str, str], **meta: dict[str, object]) -> None:
        """Write a model and its YAML; ``meta`` by column."""
        listed = [
            {"name": name, "data_type": kind, **({"config": {"meta": meta[name]}} if name in meta else {})}
            for name, kind in columns.items()
        ]
        self._write(f"{path}.sql", f"select * from {{{{ provenance('{Path(path).parent.name}', 't', 'id') }}}}")
        self._write(f"{path}.yml", yaml.safe_dump({"models": [{"name": Path(path).stem, "columns": listed}]}))

    def _write(self, path: str, text: str) -> None:
        file = self.models / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(load_settings().model_copy(update={"project": tmp_path, "state": tmp_path / "var"}))
    project.model("intermediate/concepts/int_deals", CONCEPT, rep={"optional": True})
    project.source("shop")
    return project


def test_a_model_is_found_by_its_name(project: Project) -> None:
    project.source("kiosk")
    project.model("staging/shop/stg_shop__deals", DELIVERED)
    project.model("staging/kiosk/stg_kiosk__deals", {**DELIVERED, "rep": "varchar"})
    project.model("staging/kiosk/stg_kiosk__visits", {"visit_id": "varchar"})
    assert concept_models(project.settings) == {"deals": ["stg_kiosk__deals", "stg_shop__deals"]}


def test_an_intermediate_model_counts_instead_of_the_staging_one(project: Project) -> None:
    project.model("staging/shop/stg_shop__deals", {"id": "varchar"})
    project.model("intermediate/shop/int_shop__deals", DELIVERED)
    assert concept_models(project.settings) == {"deals": ["int_shop__deals"]}


def test_a_concept_that_nobody_delivers_has_no_model(project: Project) -> None:
    assert concept_models(project.settings) == {"deals": []}


@pytest.mark.parametrize(
    ("columns", "meta", "problem", "cure"),
    [
        ({"deal_id": "varchar"}, {}, "lacks the column amount (decimal(24,8)), which every model of deals", "Add it"),
        ({**DELIVERED, "reps": "varchar"}, {}, "has the column reps (varchar), which deals don't have", "Call it rep"),
        ({**DELIVERED, "zeal": "date"}, {}, "has the column zeal (date), which deals don't have", "extra: true"),
        ({**DELIVERED, "business_unit": "varchar"}, {}, "has the column business_unit", "extra: true"),
        ({**DELIVERED, "amount": "double"}, {}, "the column amount (double), which is decimal(24,8) in deals", "Cast"),
        ({**DELIVERED, "amount": "decimal(30,8)"}, {}, "the column amount (decimal(30,8)), which is", "Cast"),
        ({}, {}, "lists no columns of stg_shop__deals", "List them"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    project: Project, columns: dict[str, str], meta: dict[str, dict[str, object]], problem: str, cure: str
) -> None:
    project.model("staging/shop/stg_shop__deals", columns, **meta)
    with pytest.raises(ScorecardError) as error:
        concept_models(project.settings)
    assert str(project.models / "staging/shop/stg_shop__deals.yml") in error.value.problem
    assert problem in error.value.problem
    assert cure in error.value.cure


def test_numbers_that_fit_and_columns_of_its_own_are_welcome(project: Project) -> None:
    project.model(
        "staging/shop/stg_shop__deals",
        {"deal_id": "VARCHAR", "amount": "integer", "seats": "bigint"},
        seats={"extra": True},
    )
    assert concept_models(project.settings) == {"deals": ["stg_shop__deals"]}


def test_a_model_without_its_yaml_is_refused(project: Project) -> None:
    project.model("staging/shop/stg_shop__deals", DELIVERED)
    (project.models / "staging/shop/stg_shop__deals.yml").unlink()
    with pytest.raises(ScorecardError, match=r"stg_shop__deals\.sql:1: There is no stg_shop__deals\.yml beside"):
        concept_models(project.settings)


def test_a_model_named_almost_like_a_concept_is_refused(project: Project) -> None:
    project.model("staging/shop/stg_shop__deal", DELIVERED)
    with pytest.raises(ScorecardError, match=r"stg_shop__deal\.sql:1: .* unknown concept.*Name it stg_shop__deals\."):
        concept_models(project.settings)
    # With another that delivers it, it is one of the source's own.
    project.model("intermediate/shop/int_shop__deals", DELIVERED)
    assert concept_models(project.settings) == {"deals": ["int_shop__deals"]}


def test_a_model_of_a_source_that_nobody_declared_is_refused(project: Project) -> None:
    project.model("staging/stall/stg_stall__deals", DELIVERED)
    with pytest.raises(ScorecardError, match="of the source stall, which nobody declared"):
        concept_models(project.settings)


def test_a_model_with_the_provenance_of_another_source_is_refused(project: Project) -> None:
    project.source("kiosk")
    project.model("staging/kiosk/stg_shop__deals", DELIVERED)
    with pytest.raises(ScorecardError, match=r"provenance of kiosk.*provenance\('shop'"):
        concept_models(project.settings)


def test_dbt_is_told_of_the_sources_and_facts(project: Project) -> None:
    project.source("kiosk", "O'Neil", role="billing")
    project.model("staging/kiosk/stg_kiosk__deals", DELIVERED)
    (project.models / "core").mkdir()
    (project.models / "core" / "core_deal.yml").write_text(
        "models: [{name: core_deal, config: {meta: {concept: deals, horizon: [closed_on]}},"
        " columns: [{name: closed_on, data_type: date}]}, {name: core_other}]"
    )
    variables = dbt_variables(project.settings)
    assert variables["concepts"] == {"deals": ["stg_kiosk__deals"]}
    assert variables["facts"] == {
        "core_deal": {"concept": "deals", "horizon": ["closed_on"], "gaps": [], "needs_rate": None}
    }
    assert variables["services"] == {"company": []}
    assert variables["sources"]["kiosk"] == {
        "business_unit": "O'Neil",
        "currency": "EUR",
        "role": "billing",
        "service": "",
        "known_through": [],
    }


def test_all_mistakes_of_all_models_are_told_at_once_with_their_lines(project: Project) -> None:
    project.source("kiosk")
    project.model("staging/shop/stg_shop__deals", {"deal_id": "date", "amuont": "integer"})
    project.model("staging/kiosk/stg_kiosk__deals", {"deal_id": "varchar"})
    with pytest.raises(WrongDeclarations) as error:
        concept_models(project.settings)
    mistakes = [(mistake.path.name, mistake.line, mistake.problem.split(",")[0]) for mistake in error.value.mistakes]
    assert mistakes == [
        ("stg_kiosk__deals.yml", 2, "The model lacks the column amount (decimal(24"),
        ("stg_shop__deals.yml", 2, "The model lacks the column amount (decimal(24"),
        ("stg_shop__deals.yml", 3, "The model has the column deal_id (date)"),
        ("stg_shop__deals.yml", 5, "The model has the column amuont (integer)"),
    ]
