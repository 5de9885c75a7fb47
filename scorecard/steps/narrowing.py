"""Narrow the metrics that a failed check touches to those that its broken rows can change.

A check touches a metric if one of the broken rows could change a figure of the metric, were the columns in doubt to
have other values. A metric also stays touched if that can't be decided: its observations are not single rows of the
table, or the broken rows are unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from scorecard.catalogue import Catalogue
from scorecard.checks.doubt import Doubt, columns_there, rows_with
from scorecard.checks.results import CheckResult, MetricsOf
from scorecard.lineage.conditions import PROVENANCE
from scorecard.lineage.reach import Reach

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BROKEN_ROWS = "broken_rows"


def narrow(
    con: "DuckDBPyConnection", catalogue: Catalogue, reach: Reach, metrics_of: MetricsOf, results: Sequence[CheckResult]
) -> list[CheckResult]:
    """Return results that touch only the metrics that their doubts reach.

    A result without a doubt stays as it is, and so does one whose doubt names an unknown column.

    Parameters
    ----------
    con: the warehouse, built. reach: the lineage of what was built. metrics_of: the metrics that rest on each relation.
    """
    narrowing = _Narrowing(con, catalogue, reach, metrics_of, columns_there(con))
    return [narrowing.narrowed(result) for result in results]


@dataclass(frozen=True)
class _Narrowing:
    """What decides which metrics a result touches. Arguments as in `narrow`; columns_of: columns by relation."""

    con: "DuckDBPyConnection"
    catalogue: Catalogue
    reach: Reach
    metrics_of: MetricsOf
    columns_of: Mapping[str, Sequence[str]]

    def narrowed(self, result: CheckResult) -> CheckResult:
        """Return a result with the metrics that its doubt reaches."""
        if result.doubt is None or any(
            name not in self.columns_of.get(relation, ()) for relation, name in result.doubt.columns
        ):
            return result
        columns = set(result.doubt.columns)
        if result.doubt.with_causes:
            columns.update(*map(self.reach.behind, result.doubt.columns))
        resting: dict[str, set[str]] = {}
        for relation, _ in result.doubt.columns:
            for metric in self.metrics_of.get(relation, result.metrics):
                resting.setdefault(metric, set()).add(relation)
        counted = _Counted(self.con, self.reach, result.doubt)
        touched = [metric for metric in sorted(resting) if self._touches(metric, resting[metric], columns, counted)]
        return replace(result, metrics=tuple(touched))

    def _touches(self, metric: str, relations: set[str], columns: set[tuple[str, str]], counted: "_Counted") -> bool:
        """Whether a doubt about columns, or columns behind these, touches a metric that rests on some relations."""
        known = self.catalogue.metrics.get(metric)
        bases = self.catalogue.bases(known) if known else {metric}
        reached = {base: self.reach.columns.get(base, set()) for base in bases}
        # Lineage does not know the targets beside a figure, nor the columns of a model that it can't parse.
        reaching = {relation for pairs in reached.values() for relation, _ in pairs}
        if not all(reached.values()) or not relations <= reaching:
            return True
        return any(pairs & columns and counted.may_count(base, pairs & columns) for base, pairs in reached.items())


@dataclass(frozen=True)
class _Counted:
    """The broken rows of one doubt, and which metrics may count one of them."""

    con: "DuckDBPyConnection"
    reach: Reach
    doubt: Doubt
    by_metric: dict[str, bool] = field(default_factory=dict)

    def may_count(self, metric: str, doubted: set[tuple[str, str]]) -> bool:
        """Whether a metric counts a broken row, or would count it if the columns in doubt had other values."""
        if metric not in self.by_metric:
            self.by_metric[metric] = self._may_count(metric, doubted)
        return self.by_metric[metric]

    def _may_count(self, metric: str, doubted: set[tuple[str, str]]) -> bool:
        relation = self._relation
        if relation is None:
            return True
        queries = self.reach.would_count(metric, relation, doubted)
        if queries is None:
            return True
        import duckdb

        names = ", ".join(PROVENANCE)
        tests = [f"exists (select 1 from ({query}) semi join {_BROKEN_ROWS} using ({names}))" for query in queries]
        try:
            return bool(self.con.execute(f"select {' or '.join(tests) or False}").fetchall()[0][0])
        except duckdb.Error:  # only a query that runs can exclude a metric
            return True

    @cached_property
    def _relation(self) -> str | None:
        """The one relation of the broken rows, if their places in an export identify them; else None."""
        relations = {relation for relation, _ in self.doubt.columns}
        return next(iter(relations)) if len(relations) == 1 and self._find_rows(*relations) else None

    def _find_rows(self, relation: str) -> bool:
        """Store the places of the broken rows in a table; return whether all of them are rows of a relation."""
        import duckdb

        for prefix in ("_", ""):
            names = [f"{prefix}{name}" for name in PROVENANCE]
            query = rows_with(self.doubt.rows, names) if self.doubt.rows else None
            if query is None:
                continue
            listed = ", ".join(f"{name} as {plain}" for name, plain in zip(names, PROVENANCE, strict=True))
            try:
                self.con.execute(
                    f"create or replace temp table {_BROKEN_ROWS} as select distinct {listed} from ({query})"
                )
                (foreign,) = self.con.execute(
                    f"select count(*) from {_BROKEN_ROWS} anti join (select {listed} from {relation}) "
                    f"using ({', '.join(PROVENANCE)})"
                ).fetchall()[0]
            except duckdb.Error:
                continue
            return not foreign
        return False
