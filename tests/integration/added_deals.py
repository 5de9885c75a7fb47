"""A source of deals that a company adds to a copy of the project."""

import json
import shutil
from pathlib import Path

from tests.conftest import PROJECT, SETTINGS_FILE

COLUMNS = {
    "deal_id": "varchar",
    "owner": "varchar",
    "account": "varchar",
    "status": "varchar",
    "opened": "date",
    "closed": "date",
    "value": "decimal(18,2)",
}
STAGING = """-- One row per deal.
select
    deal_id as opportunity_id, owner as rep, null::varchar as product, account as account_id, status as stage,
    opened as created_on, closed as closed_on, value::decimal(24, 8) as amount, 1 as quantity,
    {{{{ provenance('{name}', 'deals', 'deal_id') }}}}
from ({{{{ current_rows('{name}', 'deals') }}}})
"""


def copy_of_the_project(project: Path) -> None:
    """Copy what a company changes."""
    for name in ("company", "dbt_project", "expectations", "reports", "scorecard"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
    shutil.copy(SETTINGS_FILE, project)


def declare(project: Path, name: str, unit: str, currency: str, **more: str) -> None:
    """Write the contract of the source, with more columns by their types."""
    columns = "".join(
        f'          - {{name: {column}, data_type: "{kind}", description: X.}}\n'
        for column, kind in {**COLUMNS, **more}.items()
    )
    staging = project / "dbt_project" / "models" / "staging" / name
    staging.mkdir(exist_ok=True)
    (staging / "_sources.yml").write_text(
        f"version: 2\nsources:\n  - name: {name}\n    schema: raw_{name}\n    description: Deals.\n"
        f"    config: {{meta: {{business_unit: {json.dumps(unit)}, currency: {currency}}}}}\n"
        "    tables:\n      - name: deals\n"
        "        description: One row per deal.\n"
        "        config: {meta: {file: deals.csv, primary_key: [deal_id], full_export: true}}\n"
        f"        columns:\n{columns}"
    )


def add_deals(project: Path, name: str, unit: str, currency: str) -> None:
    """Declare the source, and make its deals opportunities."""
    declare(project, name, unit, currency)
    staging, model = project / "dbt_project" / "models" / "staging", f"stg_{name}__opportunities"
    (staging / name / f"{model}.sql").write_text(STAGING.format(name=name))
    columns = (staging / "maven_crm" / "stg_maven_crm__opportunities.yml").read_text(encoding="utf-8")
    columns = columns.replace("maven_crm", name).partition("\nunit_tests")[0]
    (staging / name / f"{model}.yml").write_text(columns)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
