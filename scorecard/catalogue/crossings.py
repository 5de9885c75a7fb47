"""Crossings: dimensions whose members are pairs of members of two others, for the metrics that declare them."""

from collections.abc import Iterable, Mapping

from scorecard.catalogue.dimensions import Dimension, around
from scorecard.shared.languages import ENGLISH, Words

CROSS = "×"
WHOLE = ("company", "business_unit")
"""The dimensions that every figure has."""
Pair = tuple[str, str]


def crossing_name(pair: Pair) -> str:
    """Return the name of the dimension of pairs: ``product_by_region``."""
    return "_by_".join(pair)


def crossings(pairs: Iterable[Pair], dimensions: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return by name the dimensions of pairs, in the order of the dimensions themselves."""
    order = list(dimensions)
    pairs = sorted({*pairs}, key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
    return {
        crossing_name(pair): Dimension(
            crossing_name(pair), _label(dimensions[pair[0]].label, dimensions[pair[1]].label), None, False, pair
        )
        for pair in pairs
    }


def member_in_sql(pair: Pair, columns: Mapping[str, str] | None = None) -> str:
    """Return the SQL of a pair of members; null where one of the two doesn't count. A cross in a name is doubled.

    Parameters
    ----------
    columns: the SQL of each dimension's member; a column of its name where it isn't given.
    """
    members = [(columns or {}).get(name, name) for name in pair]
    first, second = (f"replace({member}, '{CROSS}', '{CROSS}{CROSS}')" for member in members)
    return f"{first} || ' {CROSS} ' || {second}"


def parts_in_sql(member: str) -> list[str]:
    """Return the SQL of the two names in a pair; ``member`` is SQL of the pair."""
    return [f"replace(split_part({member}, ' {CROSS} ', {place}), '{CROSS * 2}', '{CROSS}')" for place in (1, 2)]


def renamed_pair(member: str, pair: Pair, called: Mapping[Pair, str]) -> str:
    """Return what a pair of members is called now.

    Parameters
    ----------
    pair: the two dimensions. called: the newest names, by dimension and another name.

    >>> renamed_pair("GTX Pro × East", ("product", "region"), {("region", "East"): "North-East"})
    'GTX Pro × North-East'
    """
    parts = [part.replace(CROSS * 2, CROSS) for part in member.split(f" {CROSS} ")]
    if len(parts) != len(pair):
        return member
    names = (called.get((dimension, part), part) for dimension, part in zip(pair, parts, strict=True))
    return f" {CROSS} ".join(name.replace(CROSS, CROSS * 2) for name in names)


def problem_of(pair: Pair, dimensions: Mapping[str, Dimension]) -> str | None:
    """Return why two dimensions can't be crossed, if they can't."""
    for name, other in (pair, pair[::-1]):
        if name not in dimensions:
            return f"the unknown dimension {name}"
        if name in WHOLE:
            return f"{name}, which every figure has"
        if other == name or other in around(dimensions[name], dimensions):
            return f"{name} and {other}, of which one is within the other"
    return f"{crossing_name(pair)}, which is a dimension itself" if crossing_name(pair) in dimensions else None


def _label(first: Words, second: Words) -> Words:
    languages = dict.fromkeys([*first, *second])
    return {
        language: f"{first.get(language, first[ENGLISH])} {CROSS} {second.get(language, second[ENGLISH])}"
        for language in languages
    }
