"""Dimensions: the ways to break facts down, declared in ``dbt_project/dimensions/``, one file per owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from scorecard.catalogue.declared_words import DeclaredText
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.validation import Entry, NotEmpty, check
from scorecard.catalogue.yaml_files import YamlFile, read_document
from scorecard.shared.keys import closest
from scorecard.shared.languages import Translations, Words

PRODUCT = "product.yml"
"""The file of the dimensions that the product comes with. They go before a company's own."""
Column = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]


class DimensionEntry(Entry):
    """A dimension. A fact has it if it has a column of its name."""

    name: Column
    label: DeclaredText = Field(description="The name that is printed above the members.")
    within: Column | None = Field(None, description="The dimension of whose members these are parts.")


class DimensionFile(Entry):
    """A file of dimensions, in the order in which figures are listed."""

    dimensions: Annotated[tuple[DimensionEntry, ...], NotEmpty]


@dataclass(frozen=True)
class Dimension:
    """A way to break facts down; ``within`` is the dimension whose members contain these members.

    The words of the product's own come with the program; a close keeps those of a company's.
    """

    name: str
    label: Words
    within: str | None = None
    is_product: bool = True
    crosses: tuple[str, str] | None = None
    """The two dimensions of whose members these are pairs."""


def around(dimension: Dimension, dimensions: Mapping[str, Dimension]) -> list[str]:
    """Return the dimensions that one lies within, the nearest first."""
    names: list[str] = []
    nearest = dimension.within
    while nearest and nearest in dimensions and nearest not in names:
        names.append(nearest)
        nearest = dimensions[nearest].within
    return names


def read_dimensions(folder: Path, translations: Translations, mistakes: Mistakes) -> dict[str, Dimension]:
    """Return the dimensions by name, the product's first, in the order of their files; note what is wrong."""
    dimensions: dict[str, Dimension] = {}
    declared: list[tuple[YamlFile, int, Dimension]] = []
    for path in sorted(folder.glob("*.yml"), key=lambda path: (path.name != PRODUCT, path.name)):
        try:
            document = read_document(path)
        except WrongDeclarations as error:
            mistakes.extend(error)
            continue
        file = check(document, DimensionFile, mistakes)
        for place, entry in enumerate(file.dimensions if file else ()):
            if entry.name in dimensions:
                line = document.line("dimensions", place)
                mistakes.note(path, line, f"The dimension {entry.name} is declared twice.", "Delete one of the two.")
            dimensions[entry.name] = Dimension(
                entry.name, translations.of_text(entry.label), entry.within, path.name == PRODUCT
            )
            declared.append((document, place, dimensions[entry.name]))
    if not declared and not len(mistakes):
        mistakes.note(
            folder / PRODUCT, 1, "No dimensions are declared.", "Restore the file; it comes with the product."
        )
    for document, place, dimension in declared:
        _check_nesting(document, document.line("dimensions", place, "within"), dimension, dimensions, mistakes)
    return dimensions


def _check_nesting(
    document: YamlFile, line: int, dimension: Dimension, dimensions: dict[str, Dimension], mistakes: Mistakes
) -> None:
    if dimension.name in around(dimension, dimensions):
        mistakes.note(document.path, line, f"The dimension {dimension.name} is within itself.", "Correct `within`.")
    elif dimension.within and dimension.within not in dimensions:
        mistakes.note(
            document.path,
            line,
            f"`within` names the unknown dimension {dimension.within}.",
            closest(dimension.within, dimensions),
        )
