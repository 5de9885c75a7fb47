"""Why there is no value: the reasons that any metric may have, and the gaps of a source that its facts declare."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from scorecard.catalogue.column_types import plain_type
from scorecard.catalogue.declared_words import DeclaredText
from scorecard.catalogue.dimensions import Column as Name
from scorecard.catalogue.mistakes import Mistakes
from scorecard.catalogue.validation import Entry, Text
from scorecard.catalogue.yaml_files import Place, YamlFile
from scorecard.shared.keys import closest

if TYPE_CHECKING:
    from scorecard.catalogue.facts import Fact

REASONS = (
    "no_observations",
    "no_denominator",
    "too_few_observations",
    "missing_inputs",
    "longer_than",
    "partial_period",
    "no_history",
)
"""Why any metric may have no value, whatever its fact; the reasons beyond these are gaps."""
CONDITION = "those where a column is true or filled in; with `not` before it, the others"
"""What a condition on records is, in words."""
_NOT = "not "


class GapEntry(Entry):
    """Something that a source may lack for every record. Metrics that name the gap are n/a then."""

    name: Name = Field(description="What metrics call it, in `na_where`.")
    lacks: Text | None = Field(default=None, description="The column that no record has.")
    alike: Text | None = Field(default=None, description="The column in which all records say the same.")
    among: Text | None = Field(default=None, description=f"Which records are looked at: {CONDITION}.")
    reason: DeclaredText | None = Field(
        default=None, description="Why there is no value, as pages print it; of the product's they know it."
    )


def check_gaps(document: YamlFile, at: Place, fact: "Fact", mistakes: Mistakes) -> None:
    """Note what is wrong in a fact's gaps: a column that it lacks, or the name of another reason."""
    names: set[str] = set()
    for place, gap in enumerate(fact.meta.gaps):
        line = document.line(*at, "gaps", place)
        if (gap.lacks is None) == (gap.alike is None):
            cure = "Write `lacks` for a column that nobody fills in, or `alike` for one that says the same everywhere."
            mistakes.note(fact.path, line, f"The gap {gap.name} needs either `lacks` or `alike`.", cure)
        for key, column in (("lacks", gap.lacks), ("alike", gap.alike)):
            if column and column not in fact.columns:
                problem = f"`{key}` names {column}, which {fact.name} lacks."
                mistakes.note(fact.path, line, problem, closest(column, fact.columns))
        if gap.name in names or gap.name in REASONS:
            mistakes.note(fact.path, line, f"The gap {gap.name} has the name of another reason.", "Rename it.")
        names.add(gap.name)
        check_condition(document, (*at, "gaps", place, "among"), gap.among, fact, mistakes)


def check_condition(document: YamlFile, at: Place, condition: Text | None, fact: "Fact", mistakes: Mistakes) -> None:
    """Note a condition whose column the fact lacks, or whose column has no type."""
    if condition is None:
        return
    column = condition.removeprefix(_NOT)
    line = document.line(*at)
    if column not in fact.columns:
        problem = f"`{at[-1]}` names {column}, which {fact.name} lacks."
        mistakes.note(fact.path, line, problem, closest(column, fact.columns))
    elif not fact.columns[column]:
        mistakes.note(
            fact.path, line, f"`{at[-1]}` names {column}, which has no `data_type`.", "Write it to the column."
        )


def condition_sql(condition: str | None, columns: Mapping[str, str]) -> str:
    """Return a condition on a fact's records as SQL, which is never null.

    Parameters
    ----------
    condition: a column, or ``not`` and a column: a boolean counts where it is true, any other where it is filled in.
    columns: the fact's types by column.

    >>> condition_sql("not is_trial", {"is_trial": "boolean"}), condition_sql("ended_on", {"ended_on": "date"})
    ('not coalesce(is_trial, false)', 'ended_on is not null')
    """
    if condition is None:
        return "true"
    column = condition.removeprefix(_NOT)
    is_not = column != condition
    if plain_type(columns[column]) == "boolean":
        return f"{_NOT if is_not else ''}coalesce({column}, false)"
    return f"{column} is {'' if is_not else 'not '}null"


def own_reasons(facts: Mapping[str, "Fact"]) -> dict[str, str]:
    """Return by gap the reasons that are declared: a company's own; the product's are messages of its pages."""
    return {gap.name: gap.reason for fact in facts.values() for gap in fact.meta.gaps if gap.reason}


def gap_names(facts: Mapping[str, "Fact"]) -> list[str]:
    """Return the names of the gaps that facts declare."""
    return list(dict.fromkeys(gap.name for fact in facts.values() for gap in fact.meta.gaps))
