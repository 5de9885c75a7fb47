"""dbt's tests, and the models that dbt could not build, as results of checks."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scorecard.catalogue import metric_of
from scorecard.checks.check_words import CheckWords, Declared, Phrase
from scorecard.checks.doubt import Doubt, columns_read
from scorecard.checks.results import CheckedSubject, CheckResult, MetricsOf, Severity
from scorecard.shared.languages import Translations
from scorecard.shared.text import plain

_BUILT = ("model", "seed", "snapshot")


def from_dbt(
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    metrics_of: MetricsOf,
    translations: Translations | None = None,
) -> list[CheckResult]:
    """Return the outcome of each test, and an error for each model, seed or snapshot that dbt could not build.

    Parameters
    ----------
    run_results, manifest: dbt's artifacts as read from JSON.
    metrics_of: metrics by relation (``raw_x.y``, ``core.z``). A relation that it lacks has the metrics of the KPI
        models downstream of it, or else upstream of it.

    A test says why it matters in its description or in ``config.meta`` (``why``), and what to do in ``config.meta``
    (``cure``). A test of its own file needs ``why``: dbt's partial parse forgets a description in another file. A
    skipped node has no result: the node that stopped it has one.
    """
    nodes: Mapping[str, Any] = {**manifest["nodes"], **manifest["sources"], **manifest.get("unit_tests", {})}
    # dbt writes UTC with a Z.
    run_at = datetime.fromisoformat(run_results["metadata"]["generated_at"])
    run = _DbtRun(manifest, nodes, metrics_of, run_at, translations or Translations())
    results = []
    for result in run_results["results"]:
        node = nodes.get(result["unique_id"])
        if node is None or result["status"] == "skipped":
            continue
        if node["resource_type"] in ("test", "unit_test"):
            results.append(_test_result(run, result, node))
        elif node["resource_type"] in _BUILT and result["status"] == "error":
            results.append(_not_built(run, result, node))
    return sorted(results, key=lambda check: check.check_id)


@dataclass(frozen=True)
class _DbtRun:
    """One run of dbt: its artifacts, its moment, and the metrics of each relation."""

    manifest: Mapping[str, Any]
    nodes: Mapping[str, Any]
    metrics_of: MetricsOf
    run_at: datetime
    translations: Translations

    def subject(self, relation: str, node_ids: Iterable[str]) -> CheckedSubject:
        """Return a relation as the subject of a check that touches the metrics of some nodes."""
        return CheckedSubject("dbt", "dbt", relation, self._metrics(node_ids), self.run_at, self.translations)

    def _metrics(self, node_ids: Iterable[str]) -> set[str]:
        """Return the metrics that some nodes touch.

        A relation in ``metrics_of`` has the metrics listed there. Any other node has those of the KPI models downstream
        of it, or else of the KPI models upstream of it.
        """
        metrics: set[str] = set()
        for node_id in node_ids:
            relation = _relation(self.nodes[node_id])
            if relation in self.metrics_of:
                metrics |= set(self.metrics_of[relation])
                continue
            for name in self._kpis(node_id, "child_map") or self._kpis(node_id, "parent_map"):
                metrics |= _metrics_of_kpi(self.nodes[name], self.metrics_of)
        return metrics

    def _kpis(self, node_id: str, edges: str) -> list[str]:
        return [name for name in _reach(node_id, self.manifest[edges]) if _is_kpi(name, self.nodes)]


def _test_result(run: _DbtRun, result: Mapping[str, Any], node: Mapping[str, Any]) -> CheckResult:
    passed = result["status"] in ("pass", "success")
    declared = str(node["config"].get("severity") or "error").lower()
    severity: Severity = "warning" if result["status"] == "warn" or (passed and declared == "warn") else "error"
    meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
    why = plain(meta.get("why") or node.get("description") or "", 400)
    failures = 0 if passed else int(result.get("failures") or 1)
    tested = tested_nodes(node, run.nodes)
    subject = run.subject(_relation(run.nodes[tested[0]] if tested else node), tested)
    words = CheckWords(_name(node), None if passed else _message(node, result, why), _cure(node, meta))
    if passed:
        finding = words.passed
    elif result.get("failures"):
        finding = f"Rows that break it: {failures:,}."
    else:
        finding = _raised(result) or "It could not be checked."
    check = subject.result(f"dbt.{node['name']}", words, severity, failures)
    # The English words are those of the test itself, whatever its kind.
    return replace(check, name=node["name"].replace("_", " "), message=f"{finding} {why}".strip())


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
"""The words of generic tests in other languages than English: the name, what the test found, and why it matters."""


def _name(node: Mapping[str, Any]) -> Phrase:
    """Return the name of a test in the languages that have words for it."""
    kind = _kind(node)
    return replace(kind[0], values=_values(node)) if kind else Declared(node["name"].replace("_", " "))


def _kind(node: Mapping[str, Any]) -> tuple[Phrase, Phrase, Phrase] | None:
    """Return the words of a generic test; None if its ``config.meta`` says why it matters or what to do."""
    meta = node.get("config", {}).get("meta", {})
    name = str((node.get("test_metadata") or {}).get("name"))
    return None if meta.get("why") or meta.get("cure") else _KINDS.get(name)


def _message(node: Mapping[str, Any], result: Mapping[str, Any], why: str) -> Phrase:
    """Return what a test found and why it matters."""
    kind = _kind(node)
    values = {**_values(node), "failures": int(result.get("failures") or 0), "said": _raised(result)}
    finding: Phrase = Phrase("Rows that break it: {failures:,}.")
    reason: Phrase = Declared(why)
    if kind:
        _, finding, reason = kind
    if not result.get("failures"):
        finding = Phrase("It could not be checked: {said}")
    return Phrase("{found} {why}", {"found": replace(finding, values=values), "why": reason})


def _values(node: Mapping[str, Any]) -> dict[str, str]:
    """Return what the words of a generic test name."""
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


def _raised(result: Mapping[str, Any]) -> str:
    """Return the message of a node: the sentence that a test raises, without the words of dbt and DuckDB around it."""
    message = plain(result.get("message") or "", 400)
    return re.sub(r"^\w+ Error in test \S+ \(\S+\) (Invalid Input Error: )?", "", message)


def _not_built(run: _DbtRun, result: Mapping[str, Any], node: Mapping[str, Any]) -> CheckResult:
    values = {
        "kind": node["resource_type"],
        "model": node["name"],
        "said": plain(result.get("message") or "dbt gave no reason", 300),
        "file": node["original_file_path"],
    }
    words = CheckWords(
        Phrase("{model} is built", values),
        Phrase("The {kind} {model} could not be built: {said}", values),
        Phrase("Correct {file} or the data it reads, and build again.", values),
    )
    subject = run.subject(_relation(node), [node["unique_id"]])
    return subject.result(f"dbt.{node['resource_type']}.{node['name']}", words, "error", 1)


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node['name']}"


def tested_nodes(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[str]:
    """Return the unique ids of the nodes that a test tests: the model that declares it, or else all that it reads."""
    attached = node.get("attached_node") or node.get("tested_node_unique_id")
    if isinstance(attached, str) and attached in nodes:
        return [attached]
    return [name for name in node.get("depends_on", {}).get("nodes", []) if name in nodes]


def _reach(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the nodes that edges lead to from a start, and the start itself."""
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


def _metrics_of_kpi(node: Mapping[str, Any], metrics_of: MetricsOf) -> set[str]:
    """Return the metrics of a KPI model: its own and those that its ``beside`` declares."""
    name = metric_of(node["name"])
    besides = node.get("config", {}).get("meta", {}).get("beside", ())
    known = metrics_of.get(f"{node['schema']}.{node['name']}")
    return set(known) if known is not None else {name, *(f"{name}_{beside['name']}" for beside in besides)}


def with_doubts(
    results: Sequence[CheckResult],
    manifest: Mapping[str, Any],
    columns_of: Mapping[str, Collection[str]],
    days: Collection[str] = (),
) -> list[CheckResult]:
    """Return results with the columns and rows that a failure of their test puts in doubt.

    Parameters
    ----------
    manifest: dbt's, of the run that tested. columns_of: the columns in the warehouse, by ``schema.relation``.
    days: relations that have days and no records. A test that compares records with them doubts the records only.

    A test that counts rows, or that looks for repeated keys, doubts whole rows. A test that reads more columns than it
    doubts names those in ``config.meta``: ``in_doubt: [table.column]``.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    tests = {f"dbt.{node['name']}": node for node in nodes.values() if node["resource_type"] == "test"}
    return [
        replace(result, doubt=_doubt(tests[result.check_id], nodes, columns_of, days, result))
        if result.check_id in tests
        else result
        for result in results
    ]


def _doubt(
    node: Mapping[str, Any],
    nodes: Mapping[str, Any],
    columns_of: Mapping[str, Collection[str]],
    days: Collection[str],
    result: CheckResult,
) -> Doubt | None:
    """Return the columns that a test names or reads, and the rows that break it; None if it doubts whole rows."""
    kind = node.get("test_metadata") or {}
    column = (kind.get("kwargs") or {}).get("column_name")
    sql = node.get("compiled_code") or ""
    in_doubt = node["config"].get("meta", {}).get("in_doubt", ())
    if in_doubt:
        columns = tuple(_declared_columns(in_doubt, nodes))
    elif kind.get("name") == "unique":
        columns = ()
    elif column:
        columns = ((result.object, column.lower()),)
    else:
        relations = {_relation(nodes[name]) for name in node["depends_on"]["nodes"] if name in nodes}
        relations = relations.difference(days) or relations
        columns = columns_read(sql, {name: columns_of.get(name, ()) for name in relations})
    return Doubt(columns, None if result.passed else sql or None, with_causes=not in_doubt) if columns else None


def _declared_columns(in_doubt: Sequence[str], nodes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    schemas = {node["name"]: node["schema"] for node in nodes.values() if node["resource_type"] == "model"}
    for name in in_doubt:
        table, _, column = name.rpartition(".")
        yield f"{schemas.get(table, 'core')}.{table}", column
