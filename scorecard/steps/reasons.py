"""Check that pages can say why a metric has no value: a fact declares each gap, and the gap has words."""

from scorecard.catalogue import Catalogue, Metric, Mistakes, gap_names
from scorecard.catalogue.dbt_lists import core_models
from scorecard.catalogue.yaml_files import read_document
from scorecard.pdf.page.wording import Wording
from scorecard.shared.keys import closest
from scorecard.shared.languages import ENGLISH
from scorecard.shared.settings import Settings


def check_reasons(settings: Settings, catalogue: Catalogue, mistakes: Mistakes) -> None:
    """Note the gaps that a metric names and no fact declares, and the gaps without a reason for the pages.

    Raises
    ------
    WrongDeclarations: it lists all mistakes in the files of core models.
    """
    facts = core_models(settings)
    declared = gap_names(facts)
    wording = Wording(settings.project / "reports", ENGLISH)
    for fact in facts.values():
        for gap in fact.meta.gaps:
            if not gap.reason and not wording.has(f"na.{gap.name}"):
                document = read_document(fact.path)
                names = [model["name"] for model in document.content["models"]]
                line = document.line("models", names.index(fact.name), "config", "meta", "gaps")
                problem = f"The gap {gap.name} lacks `reason`. Pages print it in the place of a value."
                mistakes.note(fact.path, line, problem, "Write the reason as a sentence.")
    for metric in catalogue.metrics.values():
        if metric.variant_of is None:
            for gap_name in metric.na_where:
                if gap_name not in declared:
                    _note_unknown(settings, metric, gap_name, declared, mistakes)


def _note_unknown(settings: Settings, metric: Metric, gap: str, declared: list[str], mistakes: Mistakes) -> None:
    path = settings.dbt_project / "models" / "kpis" / f"{metric.model}.yml"
    line = read_document(path).line("models", 0, "config", "meta", "na_where")
    problem = f"Unknown gap {gap} in `na_where`: no fact declares it in `gaps`."
    mistakes.note(path, line, problem, closest(gap, declared))
