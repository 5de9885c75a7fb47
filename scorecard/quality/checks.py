"""One shape for the outcome of every check, whoever ran it, and the table that keeps them."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from scorecard.catalogue import read_yaml
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
    run_at timestamptz not null
)
"""
_BUILT = ("model", "seed", "snapshot")


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    check_id: stable, unique. kind: great_expectations, dbt or extract. name: a few words. source and object: what
    was checked. failures of checked: rows, where rows are what is counted; checked is None where nobody counted.
    message: a sentence with what was found, and why it matters. cure: a sentence with what to do. metrics: those
    that a failure touches, sorted. run_at: aware.
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


COLUMNS = tuple(field.name for field in fields(CheckResult))


def store(con: "DuckDBPyConnection", results: Sequence[CheckResult]) -> None:
    """Keep results in quality.check_results, in one transaction.

    They replace all that was kept of the same kind and source, so one source can be checked without forgetting
    another, and a rule that was removed leaves nothing behind.
    """
    con.begin()
    try:
        con.execute("create schema if not exists quality")
        con.execute(_TABLE)
        for kind, source in sorted({(result.kind, result.source) for result in results}):
            con.execute("delete from quality.check_results where kind = ? and source = ?", [kind, source])
        if results:
            marks = ", ".join("?" for _ in COLUMNS)
            rows = [[*astuple(result)[:-2], list(result.metrics), result.run_at] for result in results]
            con.executemany(f"insert into quality.check_results by position values ({marks})", rows)  # noqa: S608
    except BaseException:
        con.rollback()
        raise
    con.commit()


def load(con: "DuckDBPyConnection") -> list[CheckResult]:
    """Return what was kept, in the order of check_id; nothing where no check has run yet."""
    there = "select 1 from information_schema.tables where table_schema = 'quality' and table_name = 'check_results'"
    if not con.execute(there).fetchone():
        return []
    columns = ", ".join(name for name in COLUMNS if name != "run_at")
    # The moment comes as a number: for a timestamp with zone the driver would ask for a package of zones.
    rows = con.execute(f"select {columns}, epoch_us(run_at) from quality.check_results order by check_id").fetchall()  # noqa: S608
    return [
        CheckResult(*row[:-2], metrics=tuple(row[-2]), run_at=datetime.fromtimestamp(row[-1] / 1_000_000, UTC))
        for row in rows
    ]


def plain(value: object, limit: int = 60) -> str:
    """Return a value from the data as harmless text for a log, a mail or a page: one line, no controls, cut short."""
    text = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in str(value))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def from_dbt(
    run_results: Mapping[str, Any], manifest: Mapping[str, Any], metrics_of: MetricsOf
) -> list[CheckResult]:
    """Return the outcome of dbt's tests, and an error for each model, seed or snapshot that could not be built.

    Parameters
    ----------
    run_results, manifest: dbt's artifacts as read from JSON.
    metrics_of: metrics by relation (``raw_x.y``, ``core.z``). A relation that isn't there has the metrics of the KPI
        models built on it, or, at the end of the line, of those it is built on; a test's own ``meta.metrics`` wins.

    A test says what to do in ``config.meta.cure`` and why it matters in its description. A node that was skipped is
    left out: what stopped it is here.
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
            found.append(_of_test(result, node, nodes, manifest, metrics_of, run_at))
        elif node["resource_type"] in _BUILT and result["status"] == "error":
            found.append(_of_broken(result, node, manifest, nodes, metrics_of, run_at))
    return sorted(found, key=lambda check: check.check_id)


def _of_test(
    result: Mapping[str, Any],
    node: Mapping[str, Any],
    nodes: Mapping[str, Any],
    manifest: Mapping[str, Any],
    metrics_of: MetricsOf,
    run_at: datetime,
) -> CheckResult:
    status = result["status"]
    passed = status in ("pass", "success")
    declared = str(node["config"].get("severity") or "error").lower()
    severity: Severity = "warning" if status == "warn" or (passed and declared == "warn") else "error"
    meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
    tested = _tested(node, nodes)
    failures = 0 if passed else int(result.get("failures") or 1)
    why = plain(node.get("description") or "", 400)
    said = plain(result.get("message") or "", 300) if status in ("error", "fail") and not result.get("failures") else ""
    counted = "It holds." if passed else f"{failures:,} row{'s' if failures > 1 else ''} break{'' if failures > 1 else 's'} it."
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
        message=" ".join(part for part in (said or counted, why) if part),
        cure=meta.get("cure") or f"See the rows with `dbt show --select {node['name']}`, and correct what made them.",
        metrics=tuple(sorted(metrics)),
        run_at=run_at,
    )


def _of_broken(
    result: Mapping[str, Any],
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    nodes: Mapping[str, Any],
    metrics_of: MetricsOf,
    run_at: datetime,
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
    )


def _tested(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[str]:
    attached = node.get("attached_node") or node.get("tested_node_unique_id")
    needed = [name for name in node.get("depends_on", {}).get("nodes", []) if name in nodes]
    return [attached] if attached in nodes else needed


def _metrics(
    starts: Iterable[str], manifest: Mapping[str, Any], nodes: Mapping[str, Any], metrics_of: MetricsOf
) -> set[str]:
    """Return the metrics downstream of nodes, or upstream of those that no KPI model reads."""
    found: set[str] = set()
    for start in starts:
        below = _reach(start, manifest["child_map"])
        kpis = [name for name in below if _is_kpi(name)] or [
            name for name in _reach(start, manifest["parent_map"]) if _is_kpi(name)
        ]
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


def _is_kpi(unique_id: str) -> bool:
    kind, _, name = unique_id.split(".", 2)
    return kind == "model" and name.startswith("kpi_") and name not in ("kpi_values", "kpi_status")


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
    """Return what extraction had to set aside: quarantined rows and columns that no contract names, per object.

    Parameters
    ----------
    con: the warehouse; raw_<source>._loaded_files, ._quarantine and the raw tables are read.
    metrics_of: metrics by raw object, ``raw_<source>.<object>``.
    max_quarantined_share: above this share of an object's rows in quarantine, an error instead of a warning.
    """
    found = []
    for source in sources:
        contract = settings.dbt_project / "models" / "staging" / source / "_sources.yml"
        (entry,) = (item for item in read_yaml(contract)["sources"] if item["name"] == source)
        for table in entry["tables"]:
            named = {column["name"] for column in table.get("columns", ())}
            metrics = tuple(sorted(metrics_of.get(f"raw_{source}.{table['name']}", ())))
            found.append(_quarantined(con, source, table["name"], metrics, max_quarantined_share))
            found.append(_unknown_columns(con, source, table["name"], metrics, named))
    return found


def _quarantined(
    con: "DuckDBPyConnection", source: str, table: str, metrics: tuple[str, ...], most: float
) -> CheckResult:
    """Only the newest version of each file counts: what an older one had wrong has been mended or replaced."""
    newest = f"""
        select source_file, source_sha256, rows_read, rows_quarantined from raw_{source}._loaded_files
        where object = ? qualify row_number() over (partition by source_file order by loaded_at desc) = 1
    """  # noqa: S608
    read, failures = con.execute(
        f"select coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_quarantined), 0)::bigint from ({newest})",  # noqa: S608
        [table],
    ).fetchall()[0]
    message = f"Every row of {source}.{table} was read into its table."
    severity: Severity = "warning"
    if failures:
        reasons = con.execute(
            f"""
            select reason, count(*), min(source_file || ' line ' || source_line)
            from raw_{source}._quarantine join ({newest}) using (source_file, source_sha256)
            where object = ? group by reason order by 2 desc, 1 limit 3
            """,  # noqa: S608
            [table, table],
        ).fetchall()
        severity = "error" if failures > most * read else "warning"
        told = "; ".join(f"{plain(reason, 120)} ({count:,}, first {plain(where)})" for reason, count, where in reasons)
        message = f"{failures:,} of {read:,} rows of {source}.{table} are in quarantine and in no figure: {told}."
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
    )


def _unknown_columns(
    con: "DuckDBPyConnection", source: str, table: str, metrics: tuple[str, ...], named: set[str]
) -> CheckResult:
    columns = con.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ? "
        "and column_name not like '\\_%' escape '\\' order by ordinal_position",
        [f"raw_{source}", table],
    ).fetchall()
    unknown = [name for (name,) in columns if name not in named]
    return CheckResult(
        check_id=f"extract.{source}.{table}.no_unknown_column",
        kind="extract",
        name="no unknown column",
        source=source,
        object=table,
        severity="warning",
        passed=not unknown,
        failures=len(unknown),
        checked=len(columns),
        message=f"{source}.{table} has columns that its contract does not name, kept as text and in no figure: "
        f"{', '.join(plain(name) for name in unknown[:5])}."
        if unknown
        else f"{source}.{table} has the columns that its contract names.",
        cure=f"Add them to dbt_project/models/staging/{source}/_sources.yml, or leave them out of the export.",
        metrics=metrics,
        run_at=datetime.now(UTC),
    )
