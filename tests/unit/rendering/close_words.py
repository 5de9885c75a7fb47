"""What the made-up closes say about their metrics: label, formula, unit and so on, one line a metric."""

from typing import Any

# name: (English, Japanese, unit, direction, level, class, perspective, aggregate, drives, variant_of)
METRICS: dict[str, tuple[str, str, str, str, str, str, str, str, tuple[str, ...], str | None]] = {
    "booked_revenue": (
        "Booked revenue", "受注額", "currency", "higher", "kgi", "outcome", "internal", "sum", (), None),
    "booked_revenue_growth": (
        "Booked revenue growth", "受注額の成長率", "percent", "higher", "kgi", "outcome", "internal", "growth",
        ("booked_revenue",), None),
    "booked_revenue_growth_yoy": (
        "Booked revenue growth, year on year", "受注額の前年同期比成長率", "percent", "higher", "kgi", "outcome",
        "internal", "growth", ("booked_revenue",), "booked_revenue_growth"),
    "target_attainment": (
        "Target attainment", "目標達成率", "percent", "higher", "kpi", "effectiveness", "internal", "attainment",
        ("booked_revenue",), None),
    "won_deals": (
        "Won deals", "受注件数", "count", "higher", "kpi", "effectiveness", "internal", "sum",
        ("booked_revenue",), None),
    "sales_volume": (
        "Sales volume", "販売数量", "units", "higher", "kpi", "effectiveness", "internal", "sum",
        ("booked_revenue",), None),
    "new_customers": (
        "New customers", "新規顧客数", "count", "higher", "kpi", "effectiveness", "internal", "sum",
        ("booked_revenue",), None),
    "win_rate": (
        "Win rate", "勝率", "percent", "higher", "kpi", "effectiveness", "internal", "ratio", ("won_deals",), None),
    "win_rate_value": (
        "Win rate by value", "勝率（金額）", "percent", "higher", "kpi", "effectiveness", "internal", "ratio",
        ("win_rate",), "win_rate"),
    "win_rate_cohort": (
        "Win rate of deals created", "勝率（起票コホート）", "percent", "higher", "kpi", "effectiveness", "internal",
        "ratio", ("win_rate",), "win_rate"),
    "cohort_maturity": (
        "Cohort already closed", "コホートの完了率", "percent", "higher", "kfs", "effectiveness", "internal", "ratio",
        ("win_rate",), "win_rate"),
    "average_deal_size": (
        "Average deal size", "平均受注単価", "currency", "higher", "kpi", "effectiveness", "internal", "ratio",
        ("booked_revenue",), None),
    "average_deal_size_median": (
        "Average deal size, median", "受注単価（中央値）", "currency", "higher", "kpi", "effectiveness", "internal",
        "median", ("average_deal_size",), "average_deal_size"),
    "sales_cycle_length": (
        "Sales cycle length", "商談期間", "days", "lower", "kpi", "efficiency", "internal", "median",
        ("won_deals",), None),
    "sales_cycle_length_mean": (
        "Sales cycle length, mean", "商談期間（平均）", "days", "lower", "kpi", "efficiency", "internal", "average",
        ("sales_cycle_length",), "sales_cycle_length"),
    "sales_cycle_length_p90": (
        "Sales cycle length, 90th percentile", "商談期間（90パーセンタイル）", "days", "lower", "kpi", "efficiency",
        "internal", "percentile_90", ("sales_cycle_length",), "sales_cycle_length"),
    "pipeline_age": (
        "Pipeline age", "案件の経過日数", "days", "lower", "kfs", "efficiency", "internal", "median",
        ("sales_cycle_length",), None),
    "zombie_deals": (
        "Zombie deals", "停滞案件", "count", "lower", "kfs", "efficiency", "internal", "last",
        ("pipeline_age",), None),
    "mrr": ("MRR", "月次経常収益 (MRR)", "currency", "higher", "kgi", "outcome", "internal", "last", (), None),
    "mrr_movement": (
        "MRR movement", "MRRの増減", "currency", "higher", "kgi", "outcome", "internal", "sum", ("mrr",), None),
    "gross_revenue_retention": (
        "Gross revenue retention", "総収益維持率", "percent", "higher", "kgi", "outcome", "internal", "ratio",
        ("mrr",), None),
    "net_revenue_retention": (
        "Net revenue retention", "純収益維持率", "percent", "higher", "kgi", "outcome", "internal", "ratio",
        ("mrr",), None),
    "customer_churn_rate": (
        "Customer churn rate", "顧客解約率", "percent", "lower", "kpi", "effectiveness", "internal", "ratio",
        ("gross_revenue_retention",), None),
    "customer_satisfaction": (
        "Customer satisfaction", "顧客満足度", "percent", "higher", "kpi", "effectiveness", "customer", "ratio",
        ("customer_churn_rate",), None),
    "survey_response_rate": (
        "Survey response rate", "アンケート回答率", "percent", "higher", "kfs", "effectiveness", "customer", "ratio",
        ("customer_satisfaction",), None),
    "first_response_time": (
        "First response time", "初回応答時間", "minutes", "lower", "kpi", "efficiency", "customer", "median",
        ("customer_satisfaction",), None),
    "first_response_time_p90": (
        "First response time, 90th percentile", "初回応答時間（90パーセンタイル）", "minutes", "lower", "kpi",
        "efficiency", "customer", "percentile_90", ("first_response_time",), "first_response_time"),
}

# name: (English definition, Japanese definition, formula)
DEFINITIONS: dict[str, tuple[str, str, str]] = {
    "booked_revenue": (
        "Value of the opportunities won in the period, by the day they closed.",
        "期間内に受注した商談の金額。受注日で計上。", "Σ won value"),
    "win_rate": (
        "Share of the opportunities closed in the period that were won.",
        "期間内に完了した商談のうち受注した割合。", "won / (won + lost)"),
    "sales_cycle_length": (
        "Days from creation to close of a won opportunity, median.",
        "受注商談の起票から受注までの日数の中央値。", "median(closed − created)"),
    "mrr": (
        "Monthly value of the subscriptions active on the last day; trials count as zero.",
        "期末時点で有効な契約の月額合計。試用は0とする。", "Σ monthly value at period end"),
    "customer_churn_rate": (
        "Customers of the period's first day who had no active subscription on its last.",
        "期首の顧客のうち、期末に有効な契約がない割合。", "customers lost / customers at start"),
}

CAVEATS: dict[str, dict[str, str]] = {
    "win_rate_cohort": {
        "en": "Young cohorts read low: read it with the share already closed.",
        "ja": "新しいコホートは低く出るため、完了率と併せて読むこと。"},
    "pipeline_age": {"en": "Open deals without an engage date are left out.", "ja": "起票日のない案件は含まない。"},
}


def definition(name: str) -> dict[str, Any]:
    """Return what definitions.json holds for a metric: the fields of ``catalogue.Metric``."""
    en, ja, unit, direction, level, metric_class, perspective, aggregate, drives, variant_of = METRICS[name]
    words = DEFINITIONS.get(variant_of or name) or DEFINITIONS.get(name)
    return {
        "name": name,
        "model": f"kpi_{variant_of or name}",
        "label": {"en": en, "ja": ja},
        "definition": {"en": words[0], "ja": words[1]} if words else {"en": f"{en} of the period.", "ja": f"期間の{ja}。"},
        "formula": words[2] if words else f"{aggregate} of {name}",
        "unit": unit,
        "direction": direction,
        "level": level,
        "perspective": perspective,
        "metric_class": metric_class,
        "aggregate": aggregate,
        "owner": "sales-operations@example.com",
        "journey_stage": None,
        "drives": list(drives),
        "minimum_observations": 1,
        "grains": ["day", "week", "month", "quarter", "year"],
        "parameters": {},
        "variant_of": variant_of,
        "of": "booked_revenue" if aggregate in {"growth", "attainment"} else None,
        "caveat": CAVEATS.get(name),
    }
