"""A core model declares itself: its concept, its days and its members, each held to the model's own columns."""

from pathlib import Path

import pytest

from scorecard.catalogue import WrongDeclarations, read_facts
from scorecard.catalogue.dbt_lists import core_models, dbt_variables
from scorecard.shared.settings import load_settings

COLUMNS = "columns: [{name: called_on, data_type: date}, {name: outcome, data_type: varchar}]"


def wrong(folder: Path, meta: str) -> list[tuple[int, str]]:
    """What is said of a fact with such a ``config.meta``, by line."""
    (folder / "core_call.yml").write_text(
        f"models:\n  - name: core_call\n    {COLUMNS}\n    config:\n      meta:\n        {meta}\n"
    )
    with pytest.raises(WrongDeclarations) as error:
        read_facts(folder, ["calls"])
    return [(mistake.line, f"{mistake.problem} {mistake.cure}") for mistake in error.value.mistakes]


@pytest.mark.parametrize(
    ("meta", "sentence"),
    [
        ("concpet: calls", "Unknown key `concpet` in `meta`. Write concept, or delete it."),
        ("concept: call", "`concept` names the unknown concept call. Write calls"),
        ("{concept: calls, horizon: called_on}", "`horizon` is 'called_on', where a list is meant"),
        ("{concept: calls, horizon: [caled_on]}", "`horizon` names caled_on, which core_call lacks as a date"),
        ("moment: outcome", "`moment` names outcome, which core_call lacks as a date."),
        ("settling: settles_on", "`settling` names settles_on"),
        ("horizon: [called_on]", "has `horizon` and no `concept`"),
        ("needs_rate: outcome", "The fact has `needs_rate` and lacks the columns currency, rate, rate_on."),
        ("gaps: [{name: no_ends, lacks: called_on}]", "The fact has `gaps` and no `concept`"),
        ("{concept: calls, gaps: [{name: no_ends, lacks: ended}]}", "`lacks` names ended, which core_call lacks"),
        ("{concept: calls, gaps: [{name: no_ends}]}", "The gap no_ends needs either `lacks` or `alike`."),
        (
            "{concept: calls, gaps: [{name: a, lacks: outcome, among: not cald}]}",
            "`among` names cald, which core_call lacks",
        ),
        ("{concept: calls, gaps: [{name: no_history, lacks: outcome}]}", "has the name of another reason. Rename it."),
        ("members: 3", "`members` is 3, where true or false is meant"),
    ],
)
def test_a_fact_that_declares_what_it_lacks_is_refused(tmp_path: Path, meta: str, sentence: str) -> None:
    ((line, problem),) = wrong(tmp_path, meta)
    assert line == 6
    assert sentence in problem


def test_dbt_is_told_of_facts_and_of_models_that_list_members() -> None:
    settings = load_settings()
    variables = dbt_variables(settings)
    assert variables["facts"]["core_opportunity"] == {
        "concept": "opportunities",
        "horizon": ["created_on", "closed_on"],
        "needs_rate": "coalesce(is_won, false)",
        "gaps": [
            {"name": "one_outcome", "lacks": None, "alike": "is_won", "among": "coalesce(is_closed, false)"},
            {"name": "no_quantities", "lacks": "quantity", "alike": None, "among": "coalesce(is_won, false)"},
        ],
    }
    assert variables["facts"]["core_subscription"]["needs_rate"] == "not coalesce(is_trial, false)"
    assert variables["facts"]["core_subscription"]["gaps"][0]["among"] == "true"
    assert variables["facts"]["core_ticket"]["gaps"][0]["among"] == "closed_on is not null"
    assert variables["facts"]["core_ticket"]["needs_rate"] is None
    assert variables["members"] == ["core_product", "core_rep"]


def test_every_fact_of_a_concept_says_which_day_is_its_moment() -> None:
    dated = [fact for fact in core_models(load_settings()).values() if fact.meta.horizon]
    assert dated
    assert [fact.name for fact in dated if fact.meta.moment not in fact.meta.horizon] == []
