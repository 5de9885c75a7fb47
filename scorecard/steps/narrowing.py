"""Which metrics a check touches: those that its columns reach, and that count one of the rows that break it.

A metric is touched where a row that breaks the rule could change one of its figures if the columns in doubt had other
values. What can't be told so stays touched: a metric whose observations are not rows of the table one by one, or rows
that nobody knows.
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

_BROKEN = "rows_that_break_the_rule"


def narrow(
    con: "DuckDBPyConnection", catalogue: Catalogue, reach: Reach, metrics_of: MetricsOf, results: Sequence[CheckResult]
) -> list[CheckResult]:
    """Return results that touch the metrics which their doubts reach.

    One without a doubt, or whose doubt names a column that isn't there, stays as it is.

    Parameters
    ----------
    con: the warehouse, built. reach: the lineage of what was built. metrics_of: the metrics that rest on each relation.
    """
    touching = _Touching(con, catalogue, reach, metrics_of, columns_there(con))
    return [touching.narrowed(result) for result in results]


@dataclass(frozen=True)
class _Touching:
    con: "DuckDBPyConnection"
    catalogue: Catalogue
    reach: Reach
    metrics_of: MetricsOf
    columns_of: Mapping[str, Sequence[str]]

    def narrowed(self, result: CheckResult) -> CheckResult:
        """Return a result with the metrics that it touches."""
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
        """Whether a metric that rests on relations is touched by doubts about columns of theirs, or behind these."""
        known = self.catalogue.metrics.get(metric)
        bases = self.catalogue.bases(known) if known else {metric}
        reached = {base: self.reach.columns.get(base, set()) for base in bases}
        # A target stands beside a figure, and a model that can't be read may rest on anything.
        reaching = {relation for pairs in reached.values() for relation, _ in pairs}
        if not all(reached.values()) or not relations <= reaching:
            return True
        return any(pairs & columns and counted.may_count(base, pairs & columns) for base, pairs in reached.items())


@dataclass(frozen=True)
class _Counted:
    """Whether metrics count the rows that break a rule."""

    con: "DuckDBPyConnection"
    reach: Reach
    doubt: Doubt
    known: dict[str, bool] = field(default_factory=dict)

    def may_count(self, metric: str, doubted: set[tuple[str, str]]) -> bool:
        """Whether a metric counts one of the rows, or would if the columns in doubt had other values."""
        if metric not in self.known:
            self.known[metric] = self._may_count(metric, doubted)
        return self.known[metric]

    def _may_count(self, metric: str, doubted: set[tuple[str, str]]) -> bool:
        relation = self._relation
        if relation is None:
            return True
        queries = self.reach.would_count(metric, relation, doubted)
        if queries is None:
            return True
        import duckdb

        names = ", ".join(PROVENANCE)
        tests = [f"exists (select 1 from ({query}) semi join {_BROKEN} using ({names}))" for query in queries]
        try:
            return bool(self.con.execute(f"select {' or '.join(tests) or False}").fetchall()[0][0])
        except duckdb.Error:  # a metric is left out by what runs only
            return True

    @cached_property
    def _relation(self) -> str | None:
        """The relation whose rows break the rule, when each is known by its place in an export; else None."""
        relations = {relation for relation, _ in self.doubt.columns}
        return next(iter(relations)) if len(relations) == 1 and self._find_rows(*relations) else None

    def _find_rows(self, relation: str) -> bool:
        """Note where the rows that break the rule stand; return whether all of them are rows of a relation."""
        import duckdb

        for prefix in ("_", ""):
            names = [f"{prefix}{name}" for name in PROVENANCE]
            query = rows_with(self.doubt.rows, names) if self.doubt.rows else None
            if query is None:
                continue
            listed = ", ".join(f"{name} as {plain}" for name, plain in zip(names, PROVENANCE, strict=True))
            try:
                self.con.execute(f"create or replace temp table {_BROKEN} as select distinct {listed} from ({query})")
                (foreign,) = self.con.execute(
                    f"select count(*) from {_BROKEN} anti join (select {listed} from {relation}) "
                    f"using ({', '.join(PROVENANCE)})"
                ).fetchall()[0]
            except duckdb.Error:
                continue
            return not foreign
        return False
