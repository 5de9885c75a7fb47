"""Hold names to what they may be: words that say nothing name no variable, and one name means one thing.

`python tools/lint_names.py` prints each line that breaks a rule, as file:line, and exits with 1 if any does.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = ("dags", "plugins", "sandbox", "scorecard", "tests", "tools")
NO_NAMES = frozenset({"asked", "each", "found", "of", "said", "there", "told"})
"""Words that tell nothing of what a variable holds."""

KEYS = frozenset({"each", "found"})
"""Keys of declarations, which stand as attributes of the classes that check them."""

PLUGINS = "scorecard/extract/services/"
"""Each connector has modules and classes of the same roles."""


def main(folders: list[str]) -> int:
    """Check the folders of the project, all of them if none is named; return the exit code."""
    problems = [problem for folder in folders or FOLDERS for problem in vague_names(PROJECT / folder)]
    problems += repeated_names(PROJECT / "scorecard")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def vague_names(folder: Path) -> Iterator[str]:
    """Yield the places at which a variable or an argument has a name that tells nothing."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        keys = {id(line.target) for line in _class_lines(tree) if isinstance(line, ast.AnnAssign)}
        for node in ast.walk(tree):
            name = _bound(node)
            if name in NO_NAMES and not (name in KEYS and id(node) in keys):
                place = f"{_relative(path)}:{getattr(node, 'lineno', 0)}"
                yield f"{place}: {name} tells nothing; name the variable by what it holds"


def repeated_names(package: Path) -> Iterator[str]:
    """Yield the classes and modules of a package whose name another one has, connectors' aside."""
    modules: dict[str, list[str]] = defaultdict(list)
    classes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(package.rglob("*.py")):
        place = _relative(path)
        if place.startswith(PLUGINS) and place.count("/") > PLUGINS.count("/"):
            continue
        if path.stem not in ("__init__", "__main__"):
            modules[path.stem].append(place)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].append(f"{place}:{node.lineno}")
    for kind, names in (("module", modules), ("class", classes)):
        for name, places in sorted(names.items()):
            if len(places) > 1:
                yield f"{places[0]}: another {kind} is named {name}, too: {', '.join(places[1:])}"


def _bound(node: ast.AST) -> str | None:
    """Return the name that a node binds."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.arg if isinstance(node, ast.arg) else None


def _class_lines(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from node.body


def _relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
