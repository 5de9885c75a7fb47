"""YAML files with the line of each entry. What a loader accepts in silence is refused: repeated keys, odd booleans."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations

Place = tuple[str | int, ...]
"""The keys and list positions that lead to an entry, from the top of the file."""


@dataclass(frozen=True)
class YamlFile:
    """A YAML file whose top is a mapping: its content as plain Python, and the nodes that know their lines."""

    path: Path
    content: dict[str, Any]
    root: yaml.MappingNode

    def line(self, *place: str | int) -> int:
        """Return the line of an entry (of its key, in a mapping), or of the nearest entry above it; 1 is the first."""
        node: yaml.Node = self.root
        line = node.start_mark.line
        for step in place:
            key, value = _child(node, step)
            if value is None:
                break
            node, line = value, (key or value).start_mark.line
        return int(line) + 1

    def node(self, *place: str | int) -> yaml.Node | None:
        """Return the node of an entry; None where there is none."""
        node: yaml.Node | None = self.root
        for step in place:
            node = None if node is None else _child(node, step)[1]
        return node


def read_document(path: Path) -> YamlFile:
    """Read a YAML file.

    Raises
    ------
    WrongDeclarations: the file can't be read, is not YAML, is not a mapping, or has a key twice.
    """
    mistakes = Mistakes()
    try:
        loader = yaml.CSafeLoader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        content = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        mistakes.note(path, mark.line + 1 if mark else 1, f"This is not valid YAML: {error.problem}.", "Correct it.")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mistakes.note(path, 1, f"The file is not valid YAML: {error}.", "Write it as text in UTF-8.")
    except OSError as error:
        mistakes.note(path, 1, f"The file cannot be read: {error.strerror}.", "Correct its permissions.")
    else:
        if not isinstance(root, yaml.MappingNode) or not isinstance(content, dict):
            mistakes.note(path, 1, "The file is empty or not a mapping.", "Write its keys as `name: value`.")
        else:
            for key in _repeated(root, set()):
                line = key.start_mark.line + 1
                mistakes.note(path, line, f"The key `{key.value}` is given twice.", "Delete one of the two.")
            mistakes.raise_any()
            return YamlFile(path, content, root)
    raise WrongDeclarations(mistakes.all())


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file. Raises as `read_document`."""
    return read_document(path).content


def doubtful_booleans(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield the values yes, no, on and off, which YAML 1.1 reads as booleans: a language `no`, say."""
    for inner in _below(node, set()):
        if inner.tag == "tag:yaml.org,2002:bool" and inner.value.lower() not in ("true", "false"):
            yield inner


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return the key, in a mapping, and the value of an entry."""
    if isinstance(node, yaml.MappingNode):
        # Of a repeated key, the last counts.
        for key, value in reversed(node.value):
            if key.value == str(step):
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None, None


def _below(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.Node]:
    """Yield a node and all below it, each once, however many aliases name it."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for inner in pair:
                yield from _below(inner, seen)
    elif isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _below(inner, seen)


def _repeated(node: yaml.Node, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    """Yield the repeated keys of a mapping."""
    for inner in _below(node, seen):
        if isinstance(inner, yaml.MappingNode):
            names: set[tuple[str, str]] = set()
            for key, _ in inner.value:
                if isinstance(key, yaml.ScalarNode):
                    if (key.tag, key.value) in names and key.tag != "tag:yaml.org,2002:merge":
                        yield key
                    names.add((key.tag, key.value))
