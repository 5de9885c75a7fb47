"""What an earlier scorecard printed as provisional, and what it has become: told by the next one."""

from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import store

KEY = "metric, grain, period, dimension, member"


def matured(before: Path, now: Path, period: str) -> list[dict[str, Any]]:
    """Return the figures of the period before that are final in a new close, and were not in that period's own close.

    Parameters
    ----------
    before: the folder of the latest close of the period before; now: of the new close, with its values.
    period: the label of the period before.

    Returns
    -------
    One entry per figure: figure_id (in the new close), metric, grain, period, dimension, member, field (final), old and
    old_at_most (the ends that were printed), new (decimal text), seen (false: they make no edition).
    """
    old_values, new_values = before / "values.parquet", now / "values.parquet"
    was, has_become = (store.optional(path, "at_most", "decimal(38, 8)") for path in (old_values, new_values))
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"with old as (select {KEY}, value, {was} from read_parquet($old) where period = $period), "
            f"new as (select figure_id, {KEY}, value, {has_become} from read_parquet($new) where period = $period) "
            f"select new.figure_id, {KEY}, old.value, old.at_most, new.value from old join new using ({KEY}) "
            "where old.at_most is not null and new.at_most is null and new.value is not null "
            "order by length(new.figure_id), new.figure_id",
            {"old": str(old_values), "new": str(new_values), "period": period},
        ).fetchall()
    names = ("figure_id", *KEY.split(", "))
    return [
        {
            **dict(zip(names, row[:6], strict=True)),
            "field": "final",
            "old": f"{row[6]:f}",
            "old_at_most": f"{row[7]:f}",
            "new": f"{row[8]:f}",
            "seen": False,
        }
        for row in rows
    ]
