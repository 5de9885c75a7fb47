"""Which metrics a column can change, and which records a metric would count if some columns had other values."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from scorecard.catalogue import metric_of
from scorecard.lineage.conditions import PROVENANCE, rows_going_in, without_conditions
from scorecard.lineage.model_sql import ROWS, ColumnSet, read_scope
from scorecard.lineage.relations import QueryLineages, Relation, read_relations
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

_NO_FIGURE = (*PROVENANCE, "loaded_at")


def read_reach(settings: Settings, target: Path) -> "Reach":
    """Read the lineage of all metrics from what dbt compiled into a folder.

    Raises
    ------
    ScorecardError: the project was not built.
    """
    relations, models = read_relations(target)
    queries = QueryLineages(settings, relations)
    reach = Reach(relations, {metric_of(model): name for model, name in models.items()}, queries)
    queries.keep()
    return reach


class Reach:
    """The lineage of metrics, by their models, from column to column.

    ``columns`` has, by metric with a model, the columns of any relation that could change its observations. A metric
    that rests on a model whose SQL can't be read is not there.
    """

    def __init__(self, relations: Mapping[str, Relation], models: Mapping[str, str], queries: QueryLineages) -> None:
        """Read the columns that reach metrics.

        Parameters
        ----------
        relations: by ``schema.table``.
        models: the metrics' relations, by metric.
        """
        self._relations, self._models, self._queries = relations, models, queries
        self._behind: dict[tuple[str, str], frozenset[tuple[str, str]]] = {}
        self._scopes: dict[str, Any] = {}
        self.columns: dict[str, ColumnSet] = {}
        for metric, model in models.items():
            # A model that can't be read is an error of publishing. Here its metric is left out.
            with suppress(ScorecardError):
                self.columns[metric] = self._of_metric(model)

    def _of_metric(self, model: str) -> ColumnSet:
        reached: ColumnSet = set()
        lineage = self._queries.lineage(model)
        rest = {pair for column, pairs in lineage.depends_on.items() if column not in _NO_FIGURE for pair in pairs}
        while rest:
            pair = rest.pop()
            relation = self._relations.get(pair[0])
            if pair in reached or (relation is not None and relation.days_only):
                continue
            reached.add(pair)
            # A record that a model leaves out doesn't count in the models on top of it either.
            rest |= self._upstream(pair) | self._upstream((pair[0], ROWS))
        return reached

    def _upstream(self, pair: tuple[str, str]) -> ColumnSet:
        """Return the columns that a column of a relation depends on; none where it is a source's field."""
        relation = self._relations.get(pair[0])
        if relation is None or relation.sql is None or relation.days_only:
            return set()
        return self._queries.lineage(pair[0]).depends_on.get(pair[1], set())

    def behind(self, pair: tuple[str, str]) -> frozenset[tuple[str, str]]:
        """Return a column and all columns that its value depends on, as far as the SQL of models can be read."""
        if pair not in self._behind:
            self._behind[pair] = frozenset({pair})  # ends the recursion: a model never rests on itself
            try:
                parents = self._upstream(pair)
            except ScorecardError:  # a metric that rests on it is not in `columns`
                parents = set()
            self._behind[pair] = frozenset({pair}).union(*map(self.behind, parents))
        return self._behind[pair]

    def would_count(self, metric: str, relation: str, doubted: ColumnSet) -> list[str] | None:
        """Return queries of the rows of a relation that a metric would count if columns in doubt had other values.

        Returns
        -------
        SQL with `PROVENANCE` as its columns, one query for each place where rows go in. None where nothing can be said:
        a model on the way leaves rows out because of the columns in doubt, or its rows don't say which row of the
        relation they come from.
        """
        model = self._models[metric]
        between = self._between(model, relation)
        single = {name for name in between if self._is_row_by_row(name, relation)}
        for name in single - {model}:
            if self._rests_on(self._queries.lineage(name).depends_on[ROWS], doubted):
                return None
        if model in single:
            query = without_conditions(self._scope(model), partial(self._rests_on, doubted=doubted))
            return [query] if query else None
        queries: list[str] = []
        for name in sorted(between - single):
            for parent, times in self._queries.lineage(name).reads.items():
                if parent not in {*single, relation}:
                    continue
                rests_on = partial(self._rests_on, doubted=doubted)
                going_in = list(rows_going_in(self._scope(name), parent, self._prefix(parent), rests_on))
                if len(going_in) < times:
                    return None
                queries += going_in
        return queries

    def _prefix(self, name: str) -> str:
        """Return what stands before the names of the `PROVENANCE` columns: ``_`` in a raw table, nothing in a model."""
        relation = self._relations.get(name)
        return "_" if relation is None or relation.sql is None else ""

    def _scope(self, name: str) -> Any:
        if name not in self._scopes:
            relation = self._relations[name]
            columns = {need: self._queries.columns(need) for need in relation.needs}
            self._scopes[name] = read_scope(relation.sql or "", columns)
        return self._scopes[name]

    def _rests_on(self, pairs: Iterable[tuple[str, str]], doubted: ColumnSet) -> bool:
        return any(not doubted.isdisjoint(self.behind(pair)) for pair in pairs)

    def _between(self, model: str, relation: str) -> set[str]:
        """Return the relations on the way from a relation to a metric's model, the model among them."""
        reads: dict[str, bool] = {relation: True}

        def reaches(name: str) -> bool:
            if name not in reads:
                known = self._relations.get(name)
                is_query = known is not None and known.sql is not None and not known.days_only
                parents = list(self._queries.lineage(name).reads) if is_query else []
                reads[name] = any([reaches(parent) for parent in parents])  # noqa: C419 - a list, so that each parent is visited
            return reads[name]

        reaches(model)
        return {name for name, is_between in reads.items() if is_between and name != relation}

    def _is_row_by_row(self, model: str, relation: str) -> bool:
        """Tell whether each row of a model is one row of a relation that is read once on the way."""
        between = self._between(model, relation)
        if not all(self._queries.lineage(name).is_row_by_row for name in between):
            return False

        def ways(name: str) -> int:
            if name == relation:
                return 1
            return sum(
                number * ways(parent)
                for parent, number in self._queries.lineage(name).reads.items()
                if parent == relation or parent in between
            )

        line = self.behind((model, PROVENANCE[1]))
        return ways(model) == 1 and not line.isdisjoint({(relation, f"_{PROVENANCE[1]}"), (relation, PROVENANCE[1])})
