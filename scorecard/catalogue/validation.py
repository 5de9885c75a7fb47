"""Check a part of a YAML file by a pydantic model, and name mistakes by the keys of the file."""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from scorecard.catalogue.mistakes import Mistakes
from scorecard.catalogue.yaml_files import Place, YamlFile, doubtful_booleans
from scorecard.shared.keys import closest

# `defer_build`: a DAG file reads schedules alone, so most models are never needed where it is parsed.


class Entry(BaseModel):
    """An entry of a declaration: it has these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Open(BaseModel):
    """An entry of one of dbt's own files, which also has keys that only dbt reads."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


_Model = TypeVar("_Model", bound=BaseModel)


def wrong(problem: str, cure: str) -> PydanticCustomError:
    """Return what a validator raises; ``{key}`` in ``problem`` becomes the name of the entry."""
    return PydanticCustomError("declaration", "{problem}", {"problem": problem, "cure": cure})


def _no_template(given: str) -> str:
    for mark in ("{{", "{%", "{#"):
        if mark in given:
            raise wrong(f"{{key}} has {mark}, which dbt reads as the beginning of a template.", "Write it without.")
    return given


Text = Annotated[str, StringConstraints(strict=True, min_length=1), AfterValidator(_no_template)]
"""Text: a number or a date in its place is a mistake."""


def _not_empty(given: Any) -> Any:
    # Not by pydantic, which also reports wrong entries as missing.
    if isinstance(given, list) and not given:
        raise wrong("{key} is empty.", "List one or more.")
    return given


NotEmpty = BeforeValidator(_not_empty)
"""Marks a list that has an entry or more."""


def check(document: YamlFile, model: type[_Model], mistakes: Mistakes, own: Place = ()) -> _Model | None:
    """Return a document as a model, or None and note every mistake.

    Parameters
    ----------
    own: the part of the file in which unquoted yes, no, on and off are refused; all of it if left out.
    """
    before = len(mistakes)
    for node in doubtful_booleans(document.node(*own)):
        mistakes.note(
            document.path,
            node.start_mark.line + 1,
            f"YAML reads {node.value} as true or false.",
            f'Write true or false, or "{node.value}" if it is text.',
        )
    doubtful = {mistake.line for mistake in mistakes.all() if mistake.path == document.path}
    try:
        checked = model.model_validate(document.content)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = _within(document, detail["loc"])
            if document.line(*place) not in doubtful:
                problem, cure = _in_words(detail, model)
                mistakes.note(document.path, document.line(*place), problem, cure)
        return None
    return checked if len(mistakes) == before else None


def _within(document: YamlFile, place: Sequence[str | int]) -> Place:
    """Return the part of an error's place that is in the file: pydantic adds names of its own."""
    inside: list[str | int] = []
    for step in place:
        if document.node(*inside, step) is not None:
            inside.append(step)
    return tuple(inside)


def _in_words(detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """Return the problem and its cure."""
    kind, place, given = detail["type"], detail["loc"], detail["input"]
    key = _name(place)
    if kind == "missing":
        parent = _name(place[:-1])
        return f"{parent[0].upper()}{parent[1:]} lacks `{place[-1]}`.", "Add it; see docs/data-engineer.md."
    if kind == "extra_forbidden":
        name = str(place[-1])
        known = _keys(model, place[:-1])
        return f"Unknown key `{name}` in {_name(place[:-1])}.", closest(name, known)
    if kind == "declaration":
        context = detail["ctx"]
        return str(context["problem"]).replace("{key}", key), str(context["cure"])
    if kind in _CURES:
        wanted, cure = _CURES[kind]
        return f"{key} is {_shown(given)}, where {wanted} is meant.", cure
    context = detail.get("ctx", {})
    if kind in ("literal_error", "enum"):
        choices = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"{key} is {_shown(given)}.", f"Choose one of: {choices}."
    if kind in _LIMITS:
        return f"{key} is {_shown(given)}.", _LIMITS[kind](context)
    return f"{key} is {_shown(given)}: {detail['msg']}.", "Correct it; see docs/data-engineer.md."


_CURES = {
    "string_type": ("text", "Write text; put a number, a date, yes or no in quotes."),
    "int_type": ("a whole number", "Write a whole number, without quotes."),
    "bool_type": ("true or false", "Write true or false, without quotes."),
    "tuple_type": ("a list", "Write a list, as [a, b], or each entry on a line that begins with a hyphen."),
    "list_type": ("a list", "Write a list, as [a, b], or each entry on a line that begins with a hyphen."),
    "dict_type": ("a mapping", "Write `key: value` below it."),
    "model_type": ("a mapping", "Write `key: value` below it."),
    "model_attributes_type": ("a mapping", "Write `key: value` below it."),
}
_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda context: f"Write a number, {context['ge']} or more.",
    "less_than_equal": lambda context: f"Write a number, {context['le']} or less.",
    "string_too_short": lambda context: "Write a text.",
    "string_pattern_mismatch": lambda context: f"Write it as {context['pattern']}.",
}


def _name(place: Sequence[str | int]) -> str:
    """Return how an entry is named in a sentence: by its key, or by its place in the list of a key."""
    keys = [step for step in place if isinstance(step, str) and not step.startswith("function-")]
    if not keys:
        return "the file"
    last = place[-1]
    return f"entry {last + 1} of `{keys[-1]}`" if isinstance(last, int) else f"`{keys[-1]}`"


def _shown(given: object) -> str:
    """Return a value as the file would write it."""
    if given is None:
        return "empty"
    if isinstance(given, Mapping):
        return "a mapping"
    if isinstance(given, list | tuple):
        return "an empty list" if not given else "a list"
    if isinstance(given, bool):
        return str(given).lower()
    return repr(given) if isinstance(given, str) else str(given)


def _keys(model: Any, place: Sequence[str | int]) -> list[str]:
    """Return the keys that may stand in the entry at a place of a model."""
    for step in place:
        model = _inner(model, step)
    model = _without_none(model)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _inner(model: Any, step: str | int) -> Any:
    """Return the type of an entry's value, by its key or its place in a list."""
    model = _without_none(model)
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            if step in (name, field.alias):
                return field.annotation
        return Any
    arguments = [argument for argument in get_args(model) if argument is not Ellipsis]
    return arguments[-1] if arguments else Any


def _without_none(model: Any) -> Any:
    """Return what an annotated or optional type holds."""
    if get_origin(model) is Annotated:
        return _without_none(get_args(model)[0])
    if get_origin(model) in (Union, types.UnionType):
        kinds = [argument for argument in get_args(model) if argument is not type(None)]
        return _without_none(kinds[0])
    return model
