"""Extractors for Babel: which English texts of a declaration are printed, and so have words in other languages.

Each takes what Babel gives an extractor and yields line, function, messages and comments: ``gettext`` of a text,
``pgettext`` of a context and a text, ``ngettext`` of one and of several.
"""

import csv
import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from scorecard.catalogue.yaml_files import YamlFile, read_document

Found = Iterator[tuple[int, str, str | tuple[str, ...], list[str]]]
_PLACE = ("models", 0, "config", "meta")
_COLUMNS = {"reason", "what", "expected_effect"}
"""Columns of targets and actions with words for readers."""


def metric(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield the words of a metric's YAML file."""
    document = _document(file)
    meta = document.content["models"][0].get("config", {}).get("meta", {})
    for key in ("label", "definition", "formula", "caveat"):
        yield from _text(document, meta.get(key), *_PLACE, key)
    for place, beside in enumerate(meta.get("beside") or ()):
        yield from _text(document, beside.get("label"), *_PLACE, "beside", place, "label")
    if meta.get("pending"):
        yield document.line(*_PLACE, "pending"), "ngettext", tuple(meta["pending"]), []


def caveats(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield what the file of a source says of metrics."""
    document = _document(file)
    for number, source in enumerate(document.content["sources"]):
        place = ("sources", number, "config", "meta", "caveats")
        for metric, text in ((source.get("config") or {}).get("meta") or {}).get("caveats", {}).items():
            yield from _text(document, text, *place, metric)


def derived(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield the words of a derived metric's YAML file."""
    document = _document(file)
    for key in ("label", "definition", "formula", "caveat"):
        yield from _text(document, document.content.get(key), key)


def dimensions(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield the labels of a file of dimensions."""
    document = _document(file)
    for place, entry in enumerate(document.content.get("dimensions") or ()):
        yield from _text(document, entry.get("label"), "dimensions", place, "label")


def scorecard(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield the title and the purpose of a scorecard."""
    document = _document(file)
    for key in ("title", "purpose"):
        yield from _text(document, document.content.get(key), key)


def gaps(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield why there is no value where a source has a gap, as a core model's file declares it."""
    document = _document(file)
    for number, model in enumerate(document.content.get("models") or ()):
        declared = ((model.get("config") or {}).get("meta") or {}).get("gaps") or ()
        for place, gap in enumerate(declared):
            yield from _text(document, gap.get("reason"), "models", number, "config", "meta", "gaps", place, "reason")


def rules(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield what the rules of a file of expectations say; a name is told apart by suite and object."""
    document = _document(file)
    suite = document.path.stem
    for table, entry in (document.content.get("objects") or {}).items():
        for place, rule in enumerate(entry.get("rules") or ()):
            line = document.line("objects", table, "rules", place)
            yield line, "pgettext", (f"{suite}.{table}", rule["check"].replace("_", " ")), []
            for key in ("found", "why", "cure"):
                if rule.get(key):
                    yield line, "gettext", " ".join(rule[key].split()), []


def data_tests(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield what the named data tests of a YAML file of dbt say."""
    document = _document(file)
    for kind in ("models", "sources"):
        for model in document.content.get(kind) or ():
            for name, test in _named_tests(model):
                meta = (test.get("config") or {}).get("meta") or {}
                # Without words of their own, these two have those of their kind.
                is_told = name in ("unique", "not_null") and not (meta.get("why") or meta.get("cure"))
                own = () if is_told else (test["name"].replace("_", " "), test.get("description"))
                for text in (*own, meta.get("why"), meta.get("cure")):
                    if text:
                        yield _line(document, test["name"]), "gettext", text, []


def singular_test(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield the name of a singular test of dbt, and what its configuration says."""
    import jinja2
    from jinja2 import nodes

    path = Path(file.name)
    with warnings.catch_warnings():
        # A backslash in a text of Jinja's, which dbt reads as it stands.
        warnings.simplefilter("ignore", DeprecationWarning)
        tree = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(file.read().decode("utf-8"))
    yield 1, "gettext", path.stem.replace("_", " "), []
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "config":
            for argument in call.kwargs:
                meta = argument.value.as_const() if argument.key == "meta" else {}
                for key in ("why", "cure"):
                    if meta.get(key):
                        yield call.lineno, "gettext", meta[key], []


def table(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Found:
    """Yield the words in the columns of a file of targets or actions."""
    rows = csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"), newline=""))
    for row in rows:
        for column in _COLUMNS & row.keys():
            if row[column]:
                yield rows.line_num, "gettext", row[column], []


def _document(file: IO[bytes]) -> YamlFile:
    return read_document(Path(file.name))


def _text(document: YamlFile, text: Any, *place: str | int) -> Found:
    if isinstance(text, str) and text:
        yield document.line(*place), "gettext", text, []


def _named_tests(entry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and the arguments of each named test of a model or a source, and of its columns and tables."""
    for test in entry.get("data_tests") or ():
        # A test without arguments is a text: its kind.
        for kind, arguments in () if isinstance(test, str) else test.items():
            if isinstance(arguments, dict) and "name" in arguments:
                yield kind, arguments
    for key in ("columns", "tables"):
        for part in entry.get(key) or ():
            yield from _named_tests(part)


def _line(document: YamlFile, name: str) -> int:
    text = document.path.read_text("utf-8")
    return 1 + text[: text.index(f"name: {name}")].count("\n")
