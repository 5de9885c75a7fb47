"""Whether pages can say why a metric has no value: each gap is declared by a fact, and has words."""

from scorecard.catalogue import Catalogue, Metric, Mistakes, gap_names
from scorecard.catalogue.dbt_lists import core_models
from scorecard.catalogue.yaml_files import read_document
from scorecard.pdf.page.wording import Wording
from scorecard.shared.keys import closest
from scorecard.shared.languages import ENGLISH
from scorecard.shared.settings import Settings


def check_reasons(settings: Settings, catalogue: Catalogue, mistakes: Mistakes) -> None:
    """Note gaps that metrics name and no fact declares, and gaps of which pages couldn't say what they are.

    Raises
    ------
    WrongDeclarations: what is wrong in the files of core models.
    """
    facts = core_models(settings)
    declared = gap_names(facts)
    pages = Wording(settings.project / "reports", ENGLISH)
    for fact in facts.values():
        for gap in fact.meta.gaps:
            if not gap.reason and not pages.has(f"na.{gap.name}"):
                document = read_document(fact.path)
                names = [model["name"] for model in document.content["models"]]
                line = document.line("models", names.index(fact.name), "config", "meta", "gaps")
                problem = f"The gap {gap.name} has no `reason`, so pages can't say why there is no value."
                mistakes.note(fact.path, line, problem, "Write it as a sentence.")
    for metric in catalogue.metrics.values():
        if metric.variant_of is None:
            for gap_name in metric.na_where:
                if gap_name not in declared:
                    _note_unknown(settings, metric, gap_name, declared, mistakes)


def _note_unknown(settings: Settings, metric: Metric, gap: str, declared: list[str], mistakes: Mistakes) -> None:
    path = settings.dbt_project / "models" / "kpis" / f"{metric.model}.yml"
    line = read_document(path).line("models", 0, "config", "meta", "na_where")
    problem = f"`na_where` names {gap}, which no fact declares among its `gaps`."
    mistakes.note(path, line, problem, closest(gap, declared))
