"""The list of KPI models, which dbt cannot infer from a loop over its own graph."""

from pathlib import Path

from scorecard.settings import Settings

_TEMPLATE = """{{# Written by `scorecard generate`: dbt infers no references from a loop. Don't edit. #}}
{{% macro kpi_models() %}}
    {{{{ return([
{references}
    ]) }}}}
{{% endmacro %}}
"""


def list_path(settings: Settings) -> Path:
    """Return where the list is."""
    return settings.dbt_project / "macros" / "generated" / "kpi_models.sql"


def write_model_list(settings: Settings, *, write: bool = True) -> bool:
    """Write the macro that names every ``kpi_*.sql``, unless told not to; return whether it was stale."""
    models = sorted(path.stem for path in (settings.dbt_project / "models" / "kpis").glob("kpi_*.sql"))
    text = _TEMPLATE.format(references="\n".join(f"        ref('{model}')," for model in models))
    path = list_path(settings)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return True
