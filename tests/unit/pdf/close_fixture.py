"""A close folder made from the bundled samples, by the contract and without the warehouse.

The figures are worked out here with a few lines of SQL: near to the product's, and not meant to equal them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from scorecard.catalogue import load_catalogue
from scorecard.shared.periods import Grain, Period, parse_period, period_of
from scorecard.shared.settings import Settings

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
TITLES = {
    "sales": {"en": "Sales scorecard", "ja": "営業スコアカード"},
    "customers": {"en": "Customer scorecard", "ja": "顧客スコアカード"},
}
"""As a close freezes them."""
Row = dict[str, Any]
Change = Callable[[list[Row], list[Row]], None]

_CATALOGUE = load_catalogue(Settings())
METRICS = _CATALOGUE.metrics
_STOCK = {"mrr", "zombie_deals", "pipeline_age", "net_revenue_retention"}
_STAND_IN = {"sales": "won_deals", "customers": "customer_satisfaction"}
_TARGETS = {
    "booked_revenue": "2950000",
    "won_deals": "1250",
    "average_deal_size": "2400",
    "win_rate": "0.62",
    "sales_cycle_length": "55",
    "new_customers": "5",
    "sales_volume": "1250",
    "mrr": "10500000",
    "gross_revenue_retention": "0.97",
    "net_revenue_retention": "1.2",
    "customer_churn_rate": "0.02",
    "customer_satisfaction": "0.60",
    "first_response_time": "90",
    "zombie_deals": "150",
}


def build(folder: Path, scorecard: str, period: str, change: Change | None = None, shown: int | None = None) -> Path:
    """Write a close folder and return it.

    Parameters
    ----------
    folder: where the close's own folder is made.
    scorecard, period: for instance ``sales`` and ``2017-Q4``.
    change: called with the rows of values and of checks before they are written; may alter both.
    shown: how many of the scorecard's metrics it has; all of them if left out.
    """
    close_id = f"{scorecard}-{period}-e1"
    close = folder / close_id
    close.mkdir(parents=True)
    entry = yaml.safe_load((PROJECT / "reports" / f"{scorecard}.yml").read_text(encoding="utf-8"))
    entry["metrics"] = entry["metrics"][:shown]
    values = _values(scorecard, parse_period(period), entry)
    checks = _checks(scorecard)
    if change:
        change(values, checks)
    values.sort(key=lambda row: (row["period"] != period, row["dimension"] != "business_unit"))
    for number, row in enumerate(values, start=1):
        row["figure_id"] = f"F{number:03}"
    _parquet(close / "values.parquet", values)
    _parquet(close / "checks.parquet", checks)
    _parquet(close / "actions.parquet", _actions(scorecard))
    _parquet(close / "targets.parquet", _targets(values))
    definitions = {
        "scorecard": _scorecard(scorecard, entry),
        "metrics": {name: asdict(METRICS[name]) for name in entry["metrics"]},
        "settings": {
            "company": "Example Group",
            "timezone": "America/New_York",
            "currency": "USD",
            "fiscal_year_start_month": 1,
        },
        "horizons": {},
    }
    _json(close / "definitions.json", definitions)
    _json(close / "lineage.json", {})
    _json(close / "restatements.json", [])
    names = sorted(path.name for path in close.iterdir())
    files = {name: hashlib.sha256((close / name).read_bytes()).hexdigest() for name in names}
    content = "\n".join(f"{name} {sha}" for name, sha in files.items())
    _json(
        close / "manifest.json",
        {
            "close_id": close_id,
            "scorecard": scorecard,
            "period": period,
            "grain": str(parse_period(period).grain),
            "edition": 1,
            "sequence": 1,
            "content_sha256": hashlib.sha256(content.encode()).hexdigest(),
            "files": files,
            "previous": None,
            "code": {"revision": "9047c0b8d2f1", "dbt_manifest_sha256": "0" * 64},
            "libraries": {"duckdb": "2.0.0", "weasyprint": "70.0"},
            "fonts": {},
            "closed_at": "2018-01-05T09:00:00Z",
        },
    )
    return close


def _scorecard(name: str, entry: Row) -> Row:
    return {
        "name": name,
        "title": TITLES[name],
        "business_unit": entry["business_unit"],
        "cadences": entry["cadences"],
        "metrics": entry["metrics"],
        "breakdowns": [[b["metric"], b["dimension"]] for b in entry["breakdowns"]],
        "languages": entry["languages"],
        "recipients": entry["recipients"],
        "domains": entry["audience"]["domains"],
        "owner": entry["owner"],
        "purpose": {"en": entry["purpose"]},
    }


def _values(scorecard: str, period: Period, entry: Row) -> list[Row]:
    dimensions = {"business_unit", *(item["dimension"] for item in entry["breakdowns"])}
    with duckdb.connect() as db:
        db.execute((HERE / f"close_{scorecard}.sql").read_text(encoding="utf-8").format(data=PROJECT / "data"))
        members = " union all ".join(
            f"select metric, day, num, den, '{name}' dimension, {name} member from obs where {name} is not null"
            for name in _CATALOGUE.dimensions
            if name in dimensions
        )
        cells: dict[tuple[str, str, str, str], Row] = {}
        for covered in _periods(period):
            for row in _aggregate(db, members, covered):
                cells[row["metric"], covered.label, row["dimension"], row["member"]] = row
    _derive(cells, scorecard)
    _stand_in(cells, entry["metrics"], scorecard)
    rows = [
        _status(cells, metric, covered, dimension, member, period)
        for metric in entry["metrics"]
        for covered in _periods(period)
        for dimension, member in sorted({key[2:] for key in cells if key[:2] == (metric, covered.label)})
    ]
    return rows


def _periods(period: Period) -> list[Period]:
    last = period_of(period.last_day, Grain.MONTH)
    grain = Grain.MONTH if period.grain in {Grain.QUARTER, Grain.YEAR} else period.grain
    thirteen = [period_of(last.start, grain).shift(-n) for n in range(13)]
    return sorted(
        {period, period.shift(-1), period.year_ago(), *thirteen}, key=lambda shown: (shown.grain, shown.start)
    )


def _aggregate(db: duckdb.DuckDBPyConnection, members: str, period: Period) -> list[Row]:
    stock = ", ".join(f"'{name}'" for name in sorted(_STOCK))
    return (
        db.sql(
            f"""
        select metric, dimension, member, count(*) n, sum(num) num, sum(den) den, avg(num) mean, median(num) median,
            quantile_cont(num, 0.9) p90
        from ({members})
        where case when metric in ({stock}) then day = ?::date else day >= ?::date and day < ?::date end
        group by all""",
            params=[period.last_day, period.start, period.end],
        )
        .to_arrow_table()
        .to_pylist()
    )


def _derive(cells: dict[tuple[str, str, str, str], Row], scorecard: str) -> None:
    """Add growth, attainment and the metric whose inputs are missing."""
    for (metric, label, dimension, member), row in list(cells.items()):
        if scorecard == "sales" and metric == "win_rate":
            cells["win_rate_value", label, dimension, member] = {**row, "na": "missing_inputs"}
        if metric != "booked_revenue":
            continue
        period = parse_period(label)
        prior = cells.get((metric, period.shift(-1).label, dimension, member))
        growth: Row = {"n": row["n"], "na": "no_history"}
        if prior:
            growth = {"n": row["n"], "num": row["num"] - prior["num"], "den": prior["num"]}
        cells["booked_revenue_growth", label, dimension, member] = growth
        cells["booked_revenue_growth_yoy", label, dimension, member] = {"n": row["n"], "na": "no_history"}
        if dimension in {"business_unit"} and period.grain is Grain.QUARTER:
            target = Decimal(_TARGETS[metric])
            cells["target_attainment", label, dimension, member] = {"n": row["n"], "num": row["num"], "den": target}


def _stand_in(cells: dict[tuple[str, str, str, str], Row], metrics: list[str], scorecard: str) -> None:
    """Give a metric of a scorecard that the SQL doesn't know the observations of one that it knows."""
    known = {key[0] for key in cells}
    for (metric, *place), row in list(cells.items()):
        if metric == _STAND_IN[scorecard]:
            cells.update({(name, *place): row for name in metrics if name not in known})


def _value(metric: str, row: Row) -> Decimal | None:
    if row.get("na"):
        return None
    aggregate = METRICS[metric].aggregate
    if aggregate in {"sum", "last"}:
        return Decimal(row["num"])
    column = {"median": "median", "percentile_90": "p90", "average": "mean"}.get(aggregate)
    value = Decimal(row[column]) if column else Decimal(row["num"]) / Decimal(row["den"])
    return round(value, 8)


def _status(
    cells: dict[tuple[str, str, str, str], Row],
    metric: str,
    period: Period,
    dimension: str,
    member: str,
    closed: Period,
) -> Row:
    def at(other: Period) -> Decimal | None:
        row = cells.get((metric, other.label, dimension, member))
        return _value(metric, row) if row else None

    row = cells[metric, period.label, dimension, member]
    value, prior, before = at(period), at(period.shift(-1)), at(period.year_ago())
    target = None
    if metric in _TARGETS and period == closed:
        target = Decimal(_TARGETS[metric])
        if dimension not in {"business_unit"}:
            flow = METRICS[metric].aggregate in {"sum", "last"}
            target = round(prior * Decimal("0.99"), 0) if flow and prior else None if flow else target
    return {
        "metric": metric,
        "grain": str(period.grain),
        "period": period.label,
        "period_start": period.start,
        "period_end": period.end,
        "is_complete": True,
        "dimension": dimension,
        "member": member,
        "numerator": _wide(row.get("num")),
        "denominator": _wide(row.get("den")),
        "value": value,
        "observations": row["n"],
        "na_reason": row.get("na"),
        "target": target,
        "elapsed_share": Decimal(1),
        "expected": target,
        "status": _judge(metric, value, target),
        **_against(value, prior, "prior_value", "change", "change_ratio"),
        **_against(value, before, "year_ago_value", "year_ago_change", "year_ago_change_ratio"),
    }


def _wide(number: Decimal | None) -> Decimal | None:
    return None if number is None else round(Decimal(number), 4)


def _against(value: Decimal | None, base: Decimal | None, *names: str) -> Row:
    change = None if value is None or base is None else value - base
    ratio = None if change is None or not base else round(change / abs(base), 8)
    return dict(zip(names, (base, change, ratio), strict=True))


def _judge(metric: str, value: Decimal | None, target: Decimal | None) -> str:
    if value is None or target is None:
        return "na"
    better = (value / target - 1) * (1 if METRICS[metric].direction == "higher" else -1)
    if better > Decimal("0.02"):
        return "ahead"
    return "on_track" if better >= 0 else "at_risk" if better > Decimal("-0.03") else "off_track"


def _checks(scorecard: str) -> list[Row]:
    source = "maven_crm" if scorecard == "sales" else "ravenstack"
    objects = (
        ("accounts", "sales_pipeline", "sales_teams", "products")
        if scorecard == "sales"
        else ("subscriptions", "accounts", "support_tickets", "churn_events")
    )
    names = [name for name in METRICS if (name in {"mrr"} or METRICS[name].metric_class == "outcome")]
    rows = []
    for number in range(41):
        kind = ("great_expectations", "dbt", "extract")[number % 3]
        rows.append(
            _check(f"c{number:03}", kind, f"{kind} rule {number}", source, objects[number % 4], True, 0, "", "", names)
        )
    if scorecard == "sales":
        rows.append(
            _check(
                "w1",
                "great_expectations",
                "opportunities name an account",
                source,
                "sales_pipeline",
                False,
                1425,
                "1,425 open opportunities name no account.",
                "Ask the reps to fill in the account of their open deals.",
                ["win_rate", "pipeline_age", "zombie_deals"],
            )
        )
        rows.append(
            _check(
                "w2",
                "dbt",
                "products are in the catalogue",
                source,
                "sales_pipeline",
                False,
                1480,
                "1,480 opportunities name the product GTXPro, which the catalogue calls GTX Pro; they were mapped.",
                "Correct the product name in the CRM.",
                ["booked_revenue", "sales_volume"],
            )
        )
    else:
        rows.append(
            _check(
                "w1",
                "dbt",
                "churn flags agree with churn events",
                source,
                "accounts",
                False,
                312,
                "The churn flag of 312 of 500 accounts contradicts their churn events; periods are the truth.",
                "Correct the flags in the billing system, or stop exporting them.",
                ["customer_churn_rate", "gross_revenue_retention"],
            )
        )
    return rows


def _check(
    key: str,
    kind: str,
    name: str,
    source: str,
    table: str,
    passed: bool,
    failures: int,
    message: str,
    cure: str,
    metrics: list[str],
) -> Row:
    return {
        "check_id": key,
        "kind": kind,
        "name": name,
        "source": source,
        "object": table,
        "severity": "warning",
        "passed": passed,
        "failures": failures,
        "checked": 8800,
        "message": message,
        "cure": cure,
        "metrics": metrics,
        "run_at": datetime(2018, 1, 5, tzinfo=UTC),
    }


def _actions(scorecard: str) -> list[Row]:
    if scorecard == "sales":
        return [
            _action(
                "A1",
                "win_rate",
                "Second call within two days for open East deals",
                "東部の案件へ2日以内に再架電",
                "Rocco Neubert",
                date(2017, 11, 30),
                "3 of 5",
                "open",
                "region",
                "East",
            ),
            _action(
                "A2",
                "sales_cycle_length",
                "Quote template for GTX Pro",
                "GTX Pro の見積ひな形",
                "agency",
                date(2017, 10, 15),
                "1",
                "done",
                "product",
                "GTX Pro",
            ),
        ]
    return [
        _action(
            "A1",
            "first_response_time",
            "Second shift for the support desk",
            "サポート窓口の二交代制",
            "support lead",
            date(2025, 2, 28),
            "0.4",
            "open",
            "company",
            "all",
        )
    ]


def _action(
    key: str,
    metric: str,
    en: str,
    ja: str,
    who: str,
    due: date,
    progress: str,
    status: str,
    dimension: str,
    member: str,
) -> Row:
    return {
        "action_id": key,
        "metric": metric,
        "what": en,
        "who": who,
        "from_date": date(2017, 10, 1),
        "due": due,
        "progress": progress,
        "status": status,
        "expected_effect": "two points more",
        "dimension": dimension,
        "member": member,
        "sample": True,
        "words": json.dumps({"ja": {"what": ja, "expected_effect": "2ポイント改善"}}),
    }


def _targets(values: list[Row]) -> list[Row]:
    return [
        {
            "metric": row["metric"],
            "grain": row["grain"],
            "period": row["period"],
            "dimension": row["dimension"],
            "member": row["member"],
            "target": row["target"],
            "unit": METRICS[row["metric"]].unit,
            "owner": "sales-director",
            "due": row["period_end"],
            "parent_kgi": "booked_revenue",
            "reason": "Sample target, set for the demonstration.",
            "elapsed_share": Decimal(1),
            "achievable": Decimal("0.97") if row["metric"] == "win_rate" else Decimal("0.6"),
        }
        for row in values
        if row["target"] is not None
    ]


_WIDE, _FINE = pa.decimal128(38, 4), pa.decimal128(38, 8)
_TYPES = {
    **dict.fromkeys(("numerator", "denominator"), _WIDE),
    **dict.fromkeys(
        (
            "value",
            "at_most",
            "pending",
            "target",
            "elapsed_share",
            "expected",
            "prior_value",
            "change",
            "change_ratio",
            "year_ago_value",
            "year_ago_change",
            "year_ago_change_ratio",
            "achievable",
        ),
        _FINE,
    ),
    **dict.fromkeys(("period_start", "period_end", "due", "from_date"), pa.date32()),
    **dict.fromkeys(("observations", "failures", "checked"), pa.int64()),
    **dict.fromkeys(("is_complete", "passed", "sample"), pa.bool_()),
    "metrics": pa.list_(pa.string()),
    "run_at": pa.timestamp("us", tz="UTC"),
}


def _parquet(path: Path, rows: list[Row]) -> None:
    names = list(rows[0])
    schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in names])
    columns = [pa.array([row[name] for row in rows], type=schema.field(name).type) for name in names]
    pq.write_table(pa.table(columns, schema=schema), path)


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
