"""One shape for the outcome of every check, whoever ran it, and the table that keeps them."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from scorecard.catalogue import read_yaml
from scorecard.quality.words import Translations, Words, read_translations
from scorecard.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Severity = Literal["error", "warning"]
MetricsOf = Mapping[str, Sequence[str]]

_TABLE = """
create table if not exists quality.check_results (
    check_id varchar not null, kind varchar not null, name varchar not null, source varchar not null,
    object varchar not null, severity varchar not null, passed boolean not null, failures bigint not null,
    checked bigint, message varchar not null, cure varchar not null, metrics varchar[] not null,
    run_at timestamptz not null, words varchar
)
"""
_BUILT = ("model", "seed", "snapshot")


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    check_id: stable, unique. kind: great_expectations, dbt or extract. name: a few words. source, object:
    what was checked. failures of checked: rows, where rows are what is counted; checked is None where nobody
    counted. message: what was found and why it matters. cure: what to do. metrics: those that a failure
    touches, sorted. run_at: aware; where nothing has changed since, the moment it was last looked at.
    words: name, and of a failure message and cure, in other languages.
    """

    check_id: str
    kind: str
    name: str
    source: str
    object: str
    severity: Severity
    passed: bool
    failures: int
    checked: int | None
    message: str
    cure: str
    metrics: tuple[str, ...]
    run_at: datetime
    words: Translations = field(default_factory=dict)


COLUMNS = tuple(each.name for each in fields(CheckResult))


def store(con: "DuckDBPyConnection", results: Sequence[CheckResult]) -> None:
    """Keep results in quality.check_results, in one transaction.

    They replace all that was kept of the same kind and source, so one source can be checked without
    forgetting another, and a rule that was removed leaves nothing behind.
    """
    con.begin()
    try:
        con.execute("create schema if not exists quality")
        con.execute(_TABLE)
        # A warehouse that was built before checks had words in other languages.
        con.execute("alter table quality.check_results add column if not exists words varchar")
        for kind, source in sorted({(result.kind, result.source) for result in results}):
            con.execute("delete from quality.check_results where kind = ? and source = ?", [kind, source])
        if results:
            marks = ", ".join("?" for _ in COLUMNS)
            rows = [list(_row(result).values()) for result in results]
            con.executemany(f"insert into quality.check_results by position values ({marks})", rows)  # noqa: S608
    except BaseException:
        con.rollback()
        raise
    con.commit()


def _row(result: CheckResult) -> dict[str, Any]:
    return {
        **asdict(result),
        "metrics": list(result.metrics),
        "words": json.dumps(result.words, ensure_ascii=False, sort_keys=True),
    }


def load(con: "DuckDBPyConnection") -> list[CheckResult]:
    """Return what was kept, in the order of check_id; nothing where no check has run yet."""
    there = con.execute(
        "select column_name from information_schema.columns "
        "where table_schema = 'quality' and table_name = 'check_results'"
    ).fetchall()
    if not there:
        return []
    # The moment comes as a number: for a timestamp with zone the driver would ask for a package of zones.
    taken = {"run_at": "epoch_us(run_at)"} if ("words",) in there else {"run_at": "epoch_us(run_at)", "words": "null"}
    columns = ", ".join(f"{taken.get(name, name)} as {name}" for name in COLUMNS)
    sql = f"select {columns} from quality.check_results order by check_id"  # noqa: S608
    entries = [dict(zip(COLUMNS, row, strict=True)) for row in con.execute(sql).fetchall()]
    return [
        CheckResult(
            **{
                **entry,
                "metrics": tuple(entry["metrics"]),
                "run_at": datetime.fromtimestamp(entry["run_at"] / 1_000_000, UTC),
                "words": json.loads(entry["words"] or "{}"),
            }
        )
        for entry in entries
    ]


def plain(value: object, limit: int = 60) -> str:
    """Return a value from the data as harmless text: one line, no control characters, cut short."""
    text = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in str(value))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def from_dbt(
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    metrics_of: MetricsOf,
    words: Words | None = None,
) -> list[CheckResult]:
    """Return the outcome of dbt's tests, and an error for each model, seed or snapshot that was not built.

    Parameters
    ----------
    run_results, manifest: dbt's artifacts as read from JSON.
    metrics_of: metrics by relation (``raw_x.y``, ``core.z``). A relation that isn't there has the metrics of
        the KPI models built on it, or, at the end of the line, of those it is built on.
    words: what checks say in other languages.

    A test says why it matters in its description, and in ``config.meta`` what to do (``cure``) and, where a
    failure touches less than all that is built on the tested relation, what it touches (``metrics``), and what all
    this is in another language (``ja: {name, why, cure}``). A node that was skipped is left out: what stopped it is
    here.
    """
    nodes: Mapping[str, Any] = {**manifest["nodes"], **manifest["sources"], **manifest.get("unit_tests", {})}
    # dbt writes UTC with a Z.
    run_at = datetime.fromisoformat(run_results["metadata"]["generated_at"])
    found = []
    for result in run_results["results"]:
        node = nodes.get(result["unique_id"])
        if node is None or result["status"] == "skipped":
            continue
        if node["resource_type"] in ("test", "unit_test"):
            found.append(_of_test(result, node, nodes, manifest, metrics_of, run_at, words or Words()))
        elif node["resource_type"] in _BUILT and result["status"] == "error":
            found.append(_of_broken(result, node, manifest, nodes, metrics_of, run_at, words or Words()))
    return sorted(found, key=lambda check: check.check_id)


def _of_test(
    result: Mapping[str, Any],
    node: Mapping[str, Any],
    nodes: Mapping[str, Any],
    manifest: Mapping[str, Any],
    metrics_of: MetricsOf,
    run_at: datetime,
    words: Words,
) -> CheckResult:
    status = result["status"]
    passed = status in ("pass", "success")
    declared = str(node["config"].get("severity") or "error").lower()
    severity: Severity = "warning" if status == "warn" or (passed and declared == "warn") else "error"
    meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
    tested = _tested(node, nodes)
    failures = 0 if passed else int(result.get("failures") or 1)
    why = plain(node.get("description") or "", 400)
    if passed:
        found = "It holds."
    elif result.get("failures"):
        found = f"Rows that break it: {failures:,}."
    else:
        found = _said(result) or "It could not be checked."
    metrics = meta.get("metrics") or _metrics(tested, manifest, nodes, metrics_of)
    about = nodes[tested[0]] if tested else node
    return CheckResult(
        check_id=f"dbt.{node['name']}",
        kind="dbt",
        name=node["name"].replace("_", " "),
        source="dbt",
        object=f"{about['schema']}.{about.get('alias') or about['name']}",
        severity=severity,
        passed=passed,
        failures=failures,
        checked=None,
        message=f"{found} {why}".strip(),
        cure=meta.get("cure") or f"Look at the rows with `dbt show --select {node['name']}`, and mend their cause.",
        metrics=tuple(sorted(metrics)),
        run_at=run_at,
        words=_words_of_test(words, result, node, meta, passed),
    )


def _words_of_test(
    words: Words, result: Mapping[str, Any], node: Mapping[str, Any], meta: Mapping[str, Any], passed: bool
) -> Translations:
    """Return a test's own words, or those of its kind (unique, not_null, …)."""
    kind = node.get("test_metadata") or {}
    about = {
        "test": node["name"],
        "table": str(node.get("file_key_name") or node["name"]).rpartition(".")[2],
        "column": (kind.get("kwargs") or {}).get("column_name") or "",
        "failures": int(result.get("failures") or 0),
        "said": _said(result),
    }
    found = "found" if result.get("failures") else "unread"
    own = {key: said for key, said in meta.items() if isinstance(said, Mapping)}
    return words.build(f"dbt_{kind.get('name', 'test')}", "dbt_test", passed, found, about, own)


def _said(result: Mapping[str, Any]) -> str:
    """Return a node's message without dbt's and DuckDB's words around the sentence that a test raises itself."""
    message = plain(result.get("message") or "", 400)
    return re.sub(r"^\w+ Error in test \S+ \(\S+\) (Invalid Input Error: )?", "", message)


def _of_broken(
    result: Mapping[str, Any],
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    nodes: Mapping[str, Any],
    metrics_of: MetricsOf,
    run_at: datetime,
    words: Words,
) -> CheckResult:
    said = plain(result.get("message") or "dbt gave no reason", 300)
    return CheckResult(
        check_id=f"dbt.{node['resource_type']}.{node['name']}",
        kind="dbt",
        name=f"{node['name']} is built",
        source="dbt",
        object=f"{node['schema']}.{node.get('alias') or node['name']}",
        severity="error",
        passed=False,
        failures=1,
        checked=None,
        message=f"The {node['resource_type']} {node['name']} could not be built: {said}",
        cure=f"Correct {node['original_file_path']} or the data it reads, and build again.",
        metrics=tuple(sorted(_metrics([node["unique_id"]], manifest, nodes, metrics_of))),
        run_at=run_at,
        words=words.build(
            "dbt_built",
            "dbt_built",
            False,
            "found",
            {"model": node["name"], "said": said, "file": node["original_file_path"]},
        ),
    )


def _tested(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[str]:
    attached = node.get("attached_node") or node.get("tested_node_unique_id")
    if isinstance(attached, str) and attached in nodes:
        return [attached]
    return [name for name in node.get("depends_on", {}).get("nodes", []) if name in nodes]


def _metrics(
    starts: Iterable[str], manifest: Mapping[str, Any], nodes: Mapping[str, Any], metrics_of: MetricsOf
) -> set[str]:
    """Return the metrics downstream of nodes, or upstream of those that no KPI model reads."""
    found: set[str] = set()
    for start in starts:
        below = _reach(start, manifest["child_map"])
        above = _reach(start, manifest["parent_map"])
        kpis = [name for name in below if _is_kpi(name, nodes)] or [name for name in above if _is_kpi(name, nodes)]
        relation = f"{nodes[start]['schema']}.{nodes[start].get('alias') or nodes[start]['name']}"
        if relation in metrics_of:
            found |= set(metrics_of[relation])
            continue
        for name in kpis:
            found |= _of_kpi(nodes[name], metrics_of)
    return found


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
    name = node["name"].removeprefix("kpi_")
    besides = node.get("config", {}).get("meta", {}).get("beside", ())
    known = metrics_of.get(f"{node['schema']}.{node['name']}")
    return set(known) if known is not None else {name, *(f"{name}_{beside['name']}" for beside in besides)}


def from_extract(
    con: "DuckDBPyConnection",
    settings: Settings,
    sources: Sequence[str],
    metrics_of: MetricsOf,
    max_quarantined_share: float = 0.01,
) -> list[CheckResult]:
    """Return what extraction set aside, per object: rows in quarantine, and columns that no contract names.

    Parameters
    ----------
    con: the warehouse; raw_<source>._loaded_files and ._quarantine are read.
    metrics_of: metrics by raw object, ``raw_<source>.<object>``.
    max_quarantined_share: above this share of an object's rows in quarantine, an error instead of a warning.
    """
    found = []
    words = read_translations(settings.project)
    for source in sources:
        contract = settings.dbt_project / "models" / "staging" / source / "_sources.yml"
        (entry,) = (item for item in read_yaml(contract)["sources"] if item["name"] == source)
        for table in entry["tables"]:
            # What extraction keeps beside the objects is its own, and has no export.
            if table["name"].startswith("_"):
                continue
            metrics = tuple(sorted(metrics_of.get(f"raw_{source}.{table['name']}", ())))
            found.append(_quarantined(con, source, table["name"], metrics, max_quarantined_share, words))
            found.append(_unknown_columns(con, source, table["name"], metrics, words))
    return found


def _newest(source: str) -> str:
    """Return a query of the newest version of an object's files: what an older one had wrong is mended."""
    return f"""
        select source_file, source_sha256, rows_read, rows_quarantined, unknown_columns
        from raw_{source}._loaded_files where object = $object
        qualify row_number() over (partition by source_file order by loaded_at desc) = 1
    """  # noqa: S608


def _quarantined(
    con: "DuckDBPyConnection", source: str, table: str, metrics: tuple[str, ...], most: float, words: Words
) -> CheckResult:
    counts = "select coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_quarantined), 0)::bigint from"
    read, failures = con.execute(f"{counts} ({_newest(source)})", {"object": table}).fetchall()[0]
    severity: Severity = "error" if failures > most * read else "warning"
    message = f"Every row of {source}.{table} was read into its table."
    about: dict[str, Any] = {"source": source, "table": table, "failures": failures, "checked": read, "reasons": ""}
    if failures:
        reasons = con.execute(
            f"""
            select reason, count(*), min(source_file || ' line ' || source_line)
            from raw_{source}._quarantine inner join ({_newest(source)}) using (source_file, source_sha256)
            where object = $object group by reason order by 2 desc, 1 limit 3
            """,  # noqa: S608
            {"object": table},
        ).fetchall()
        told = "; ".join(f"{plain(why, 120)} ({count:,}, first {plain(line)})" for why, count, line in reasons)
        about["reasons"] = "; ".join(f"{plain(why, 120)} ({count:,}, {plain(line)})" for why, count, line in reasons)
        message = f"{failures:,} of {read:,} rows of {source}.{table} are in quarantine, in no figure: {told}."
    return CheckResult(
        check_id=f"extract.{source}.{table}.no_row_in_quarantine",
        kind="extract",
        name="no row in quarantine",
        source=source,
        object=table,
        severity=severity,
        passed=failures == 0,
        failures=failures,
        checked=read,
        message=message,
        cure=f"Correct these rows in the export and extract again; they are in raw_{source}._quarantine.",
        metrics=metrics,
        run_at=datetime.now(UTC),
        words=words.build("quarantine", "quarantine", failures == 0, "found", about),
    )


def _unknown_columns(
    con: "DuckDBPyConnection", source: str, table: str, metrics: tuple[str, ...], words: Words
) -> CheckResult:
    rows = con.execute(
        f"select distinct unknown_columns from ({_newest(source)}) where unknown_columns is not null",  # noqa: S608
        {"object": table},
    ).fetchall()
    unknown = sorted({name for (names,) in rows for name in names.split(", ")})
    told = ", ".join(plain(name) for name in unknown[:5])
    return CheckResult(
        check_id=f"extract.{source}.{table}.no_unknown_column",
        kind="extract",
        name="no unknown column",
        source=source,
        object=table,
        severity="warning",
        passed=not unknown,
        failures=len(unknown),
        checked=None,
        message=f"{source}.{table} has columns that its contract does not name, used in no figure: {told}."
        if unknown
        else f"{source}.{table} has the columns that its contract names.",
        cure=f"Name them in dbt_project/models/staging/{source}/_sources.yml, or drop them from the export.",
        metrics=metrics,
        run_at=datetime.now(UTC),
        words=words.build(
            "unknown_columns",
            "unknown_columns",
            not unknown,
            "found",
            {"source": source, "table": table, "columns": told},
        ),
    )
