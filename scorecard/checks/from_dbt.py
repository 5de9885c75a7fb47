"""dbt's tests, and the models it could not build, as results of checks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scorecard.catalogue import metric_of
from scorecard.checks.check_words import Declared, Phrase, in_languages
from scorecard.checks.results import CheckResult, MetricsOf, Severity
from scorecard.shared.languages import Translations
from scorecard.shared.text import plain

_BUILT = ("model", "seed", "snapshot")


def from_dbt(
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    metrics_of: MetricsOf,
    words: Translations | None = None,
) -> list[CheckResult]:
    """Return the outcome of dbt's tests, and an error for each model, seed or snapshot that was not built.

    Parameters
    ----------
    run_results, manifest: dbt's artifacts as read from JSON.
    metrics_of: metrics by relation (``raw_x.y``, ``core.z``). A relation that isn't there has the metrics of
        the KPI models built on it, or, at the end of the line, of those it is built on.
    words: what checks say in other languages.

    A test says why it matters in its description, or a singular one in ``config.meta`` (``why``), since dbt's partial
    parse forgets a description in another file than the test. In ``config.meta`` it says what to do (``cure``). A node
    that was skipped is left out: what stopped it is here.
    """
    nodes: Mapping[str, Any] = {**manifest["nodes"], **manifest["sources"], **manifest.get("unit_tests", {})}
    # dbt writes UTC with a Z.
    run_at = datetime.fromisoformat(run_results["metadata"]["generated_at"])
    run = _DbtRun(manifest, nodes, metrics_of, run_at, words or Translations())
    results = []
    for result in run_results["results"]:
        node = nodes.get(result["unique_id"])
        if node is None or result["status"] == "skipped":
            continue
        if node["resource_type"] in ("test", "unit_test"):
            results.append(_of_test(run, result, node))
        elif node["resource_type"] in _BUILT and result["status"] == "error":
            results.append(_of_broken(run, result, node))
    return sorted(results, key=lambda check: check.check_id)


@dataclass(frozen=True)
class _DbtRun:
    """One run of dbt: its artifacts, its moment, the metrics of each relation, and the words of checks."""

    manifest: Mapping[str, Any]
    nodes: Mapping[str, Any]
    metrics_of: MetricsOf
    run_at: datetime
    words: Translations

    def metrics(self, starts: Iterable[str]) -> tuple[str, ...]:
        """Return the metrics downstream of nodes, or upstream of those that no KPI model reads."""
        metrics: set[str] = set()
        for start in starts:
            relation = _relation(self.nodes[start])
            if relation in self.metrics_of:
                metrics |= set(self.metrics_of[relation])
                continue
            for name in self._kpis(start, "child_map") or self._kpis(start, "parent_map"):
                metrics |= _of_kpi(self.nodes[name], self.metrics_of)
        return tuple(sorted(metrics))

    def _kpis(self, start: str, edges: str) -> list[str]:
        return [name for name in _reach(start, self.manifest[edges]) if _is_kpi(name, self.nodes)]


def _of_test(run: _DbtRun, result: Mapping[str, Any], node: Mapping[str, Any]) -> CheckResult:
    status = result["status"]
    passed = status in ("pass", "success")
    declared = str(node["config"].get("severity") or "error").lower()
    severity: Severity = "warning" if status == "warn" or (passed and declared == "warn") else "error"
    meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
    tested = tested_nodes(node, run.nodes)
    failures = 0 if passed else int(result.get("failures") or 1)
    why = plain(meta.get("why") or node.get("description") or "", 400)
    cure = _cure(node, meta)
    if passed:
        finding = "It holds."
    elif result.get("failures"):
        finding = f"Rows that break it: {failures:,}."
    else:
        finding = _said(result) or "It could not be checked."
    about = run.nodes[tested[0]] if tested else node
    return CheckResult(
        check_id=f"dbt.{node['name']}",
        kind="dbt",
        name=node["name"].replace("_", " "),
        source="dbt",
        object=_relation(about),
        severity=severity,
        passed=passed,
        failures=failures,
        checked=None,
        message=f"{finding} {why}".strip(),
        cure=cure.english,
        metrics=run.metrics(tested),
        run_at=run.run_at,
        words=in_languages(
            run.words,
            name=_name(node),
            message=None if passed else _message(node, result, why),
            cure=None if passed else cure,
        ),
    )


_UNIQUE = (
    Phrase("{column} of {table} is unique"),
    Phrase("Values that repeat: {failures:,}."),
    Phrase("A row that is there twice is counted twice."),
)
_NOT_NULL = (
    Phrase("{column} of {table} is filled in"),
    Phrase("Rows without a value: {failures:,}."),
    Phrase("A row without a value is missing from figures."),
)
_KINDS = {"unique": _UNIQUE, "not_null": _NOT_NULL}
"""What a test says that a YAML names in one word, in other languages than English: its name, what it found, and why."""


def _name(node: Mapping[str, Any]) -> Phrase:
    """Return what a test is called where a language has words for it."""
    kind = _kind(node)
    return replace(kind[0], values=_about(node)) if kind else Declared(node["name"].replace("_", " "))


def _kind(node: Mapping[str, Any]) -> tuple[Phrase, Phrase, Phrase] | None:
    """Return the words of a test's kind; None where it says itself, in ``config.meta``, what to do or why."""
    meta = node.get("config", {}).get("meta", {})
    name = str((node.get("test_metadata") or {}).get("name"))
    return None if meta.get("why") or meta.get("cure") else _KINDS.get(name)


def _message(node: Mapping[str, Any], result: Mapping[str, Any], why: str) -> Phrase:
    """Return what a test found and why it matters."""
    kind = _kind(node)
    about = {**_about(node), "failures": int(result.get("failures") or 0), "said": _said(result)}
    finding: Phrase = Phrase("Rows that break it: {failures:,}.")
    reason: Phrase = Declared(why)
    if kind:
        _, finding, reason = kind
    if not result.get("failures"):
        finding = Phrase("It could not be checked: {said}")
    return Phrase("{found} {why}", {"found": replace(finding, values=about), "why": reason})


def _about(node: Mapping[str, Any]) -> dict[str, str]:
    kind = node.get("test_metadata") or {}
    return {
        "table": str(node.get("file_key_name") or node["name"]).rpartition(".")[2],
        "column": (kind.get("kwargs") or {}).get("column_name") or "",
    }


def _cure(node: Mapping[str, Any], meta: Mapping[str, Any]) -> Phrase:
    if meta.get("cure"):
        return Declared(meta["cure"])
    return Phrase(
        "Look at the rows with `scorecard dbt show --select {test}`, and mend their cause.", {"test": node["name"]}
    )


def _said(result: Mapping[str, Any]) -> str:
    """Return a node's message without dbt's and DuckDB's words around the sentence that a test raises itself."""
    message = plain(result.get("message") or "", 400)
    return re.sub(r"^\w+ Error in test \S+ \(\S+\) (Invalid Input Error: )?", "", message)


def _of_broken(run: _DbtRun, result: Mapping[str, Any], node: Mapping[str, Any]) -> CheckResult:
    about = {
        "kind": node["resource_type"],
        "model": node["name"],
        "said": plain(result.get("message") or "dbt gave no reason", 300),
        "file": node["original_file_path"],
    }
    name = Phrase("{model} is built", about)
    message = Phrase("The {kind} {model} could not be built: {said}", about)
    cure = Phrase("Correct {file} or the data it reads, and build again.", about)
    return CheckResult(
        check_id=f"dbt.{node['resource_type']}.{node['name']}",
        kind="dbt",
        name=name.english,
        source="dbt",
        object=_relation(node),
        severity="error",
        passed=False,
        failures=1,
        checked=None,
        message=message.english,
        cure=cure.english,
        metrics=run.metrics([node["unique_id"]]),
        run_at=run.run_at,
        words=in_languages(run.words, name=name, message=message, cure=cure),
    )


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node['name']}"


def tested_nodes(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[str]:
    """Return the unique ids of what a test is about: the model that it stands with, or all that it reads."""
    attached = node.get("attached_node") or node.get("tested_node_unique_id")
    if isinstance(attached, str) and attached in nodes:
        return [attached]
    return [name for name in node.get("depends_on", {}).get("nodes", []) if name in nodes]


def _reach(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    rest = [start]
    while rest:
        name = rest.pop()
        if name not in seen:
            seen.add(name)
            rest += edges.get(name, [])
    return seen


def _is_kpi(unique_id: str, nodes: Mapping[str, Any]) -> bool:
    node = nodes.get(unique_id)
    return node is not None and node["resource_type"] == "model" and "kpis" in node["fqn"][1:-1]


def _of_kpi(node: Mapping[str, Any], metrics_of: MetricsOf) -> set[str]:
    name = metric_of(node["name"])
    besides = node.get("config", {}).get("meta", {}).get("beside", ())
    known = metrics_of.get(f"{node['schema']}.{node['name']}")
    return set(known) if known is not None else {name, *(f"{name}_{beside['name']}" for beside in besides)}
