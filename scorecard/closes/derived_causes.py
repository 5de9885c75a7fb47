"""Why a derived figure differs between two editions: for the reasons of the figures that it is computed from."""

from collections.abc import Mapping, Sequence
from typing import Any

from scorecard.closes.restatement_causes import RANK, ComparedDefinitions, FigureKey
from scorecard.shared.periods import FiscalYear, at_term, parse_period


def of_derived(
    rows: Sequence[Mapping[str, Any]],
    reasons: Mapping[FigureKey, list[str]],
    definitions: ComparedDefinitions,
    fiscal: FiscalYear,
) -> dict[FigureKey, list[str]]:
    """Return the reasons of derived figures, by (metric, grain, period, dimension, member).

    Parameters
    ----------
    rows: every figure of either edition, with old_target, new_target, in_old and in_new.
    reasons: of the figures that have observations.
    """
    targets = {_key(row) for row in rows if row["old_target"] != row["new_target"]}
    # What only one edition froze, for a derived figure to be computed from, is no difference of the figure.
    both = {_key(row) for row in rows if row["in_old"] and row["in_new"]}
    compared = {key: own for key, own in reasons.items() if key in both}
    derived: dict[FigureKey, list[str]] = {}
    for row in rows:
        expression = definitions.metrics[1].get(row["metric"], {}).get("expression")
        if expression:
            key = _key(row)
            own = _reasons(key, expression["terms"], compared, targets, fiscal)
            if own:
                derived[key] = sorted(own, key=RANK.index)
    return derived


def _key(row: Mapping[str, Any]) -> FigureKey:
    return (row["metric"], row["grain"], row["period"], row["dimension"], row["member"])


def _reasons(
    key: FigureKey,
    terms: Sequence[Mapping[str, Any]],
    reasons: Mapping[FigureKey, list[str]],
    targets: set[FigureKey],
    fiscal: FiscalYear,
) -> set[str]:
    _, grain, label, dimension, member = key
    period = parse_period(label, fiscal)
    own: set[str] = set()
    for term in terms:
        if term["at"] == "target":
            own |= {"target"} if (term["metric"], grain, label, dimension, member) in targets else set()
        else:
            then = at_term(period, term["at"], term["months"], fiscal).label
            own.update(reasons.get((term["metric"], grain, then, dimension, member), ()))
    return own
