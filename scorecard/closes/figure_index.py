"""Which figure id stands for a figure: the newest close that holds it."""

from pathlib import Path

import duckdb

from scorecard.closes import store
from scorecard.closes.verify import chain_problems
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings

FigureKey = tuple[str, str, str, str, str, str]


def figure_ids(
    settings: Settings, metric: str | None = None, period: str | None = None, dimension: str | None = None
) -> dict[FigureKey, str]:
    """Return full figure ids by (metric, grain, period label, scope, dimension, member).

    Only the latest edition of each scorecard and period counts; where several hold a figure, the one closed
    last. One whose figures were changed, or whose place in the chain is broken, names none. The arguments narrow
    what is read.
    """
    broken = {close_id for close_id, _ in chain_problems(settings)}
    latest = {
        str(path): manifest
        for manifest in store.closes(settings)
        if manifest["latest"]
        and not broken & {manifest["close_id"], None}
        and (path := _figures(settings, manifest["close_id"]))
    }
    if not latest:
        return {}
    given = {"metric": metric, "period": period, "dimension": dimension}
    values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    conditions = " and ".join(["true", *(f"figures.{name} = ${name}" for name in values)])
    values |= {
        "paths": list(latest),
        "close_ids": [manifest["close_id"] for manifest in latest.values()],
        "sequences": [manifest["sequence"] for manifest in latest.values()],
    }
    with duckdb.connect() as connection:
        rows = connection.execute(
            "with closes as (select unnest($paths::varchar[]) as filename, "
            "unnest($close_ids::varchar[]) as close_id, unnest($sequences::bigint[]) as sequence) "
            "select metric, grain, period, scope, dimension, member, arg_max(close_id || '.' || figure_id, sequence) "
            "from read_parquet($paths, filename = true, union_by_name = true) as figures "
            "join closes using (filename) "
            f"where {conditions} group by all",
            values,
        ).fetchall()
    return {(row[0], row[1], row[2], row[3], row[4], row[5]): row[6] for row in rows}


def _figures(settings: Settings, close_id: str) -> Path | None:
    """Return the path of a close's figures; None where they are not those that its manifest names."""
    path = settings.archive / close_id / "values.parquet"
    listed = store.read_manifest(path.parent)["files"].get(path.name)
    return path if path.is_file() and sha256_of(path) == listed else None
