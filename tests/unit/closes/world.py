"""A small company of deals and subscriptions, whose records a test changes and publishes again."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb

from scorecard.checks.results import CheckResult, store
from scorecard.closes.freeze import Build, close
from scorecard.shared.periods import add_months, parse_period
from scorecard.shared.settings import Settings
from tests.unit.closes.by_hand import Figures
from tests.unit.closes.definitions import FONTS, METRICS, PRINTED, SCORECARD, UNIT
from tests.unit.closes.warehouse import create_table, insert

ZONE = ZoneInfo("America/New_York")
RAW_COLUMNS = {
    **{"id": "varchar", "closed": "date", "won": "boolean", "amount": "decimal(28, 4)", "days": "bigint"},
    **{"rep": "varchar", "region": "varchar", "_valid_from": "timestamptz", "_valid_to": "timestamptz"},
    **{"_deleted_at": "timestamptz", "_deleted_reason": "varchar"},
}
EVIDENCE = {"metric": "mrr", "source_system": "crm", "source_object": "deals", "record_id": "S1", "role": "contract"}
EVIDENCE |= {"evidence_object": "contracts", "evidence_id": "C 1", "evidence_file": "crm/contracts.csv"}
EVIDENCE |= {"evidence_line": 7}
ACTION = {"action_id": "A1", "metric": "won_value", "what": "Call", "who": "Ann", "due": date(2017, 12, 1)}
ACTION |= {"progress": "0.5", "status": "open", "expected_effect": "", "scope": UNIT, "dimension": "business_unit"}
ACTION |= {"member": UNIT, "sample": True, "source_file": "company/hardware/actions.csv", "source_line": 2}
ACTION |= {"source_sha256": "a1"}
PUBLISHED: dict[str, bytes] = {}
PUBLISHED_FIELDS = ("deals", "items", "targets", "minimum", "last_day", "check_failures", "check_message")
PUBLISHED_FIELDS += ("check_unit", "action_begins", "factor", "names")
"""The fields of a world that decide what its warehouse holds."""


@dataclass(frozen=True)
class Deal:
    id: str
    closed: date
    won: bool
    amount: Decimal | None
    days: int
    rep: str
    region: str
    unit: str = UNIT
    file: str = "crm/deals.csv"
    line: int = 2
    version: str = "v1"


@dataclass(frozen=True)
class Item:
    id: str
    started: date
    ended: date | None
    amount: Decimal
    region: str = "West"


def first_deals():
    deals = []
    for month in range(16):
        first = add_months(date(2016, 9, 1), month)
        for number in range(4):
            deals.append(
                Deal(
                    id=f"D{month:02}{number}",
                    closed=first.replace(day=3 + 6 * number),
                    won=(month + number) % 3 != 0,
                    amount=Decimal(1000 + 137 * month + 311 * number) + Decimal("0.25") * number,
                    days=20 + (7 * month + 13 * number) % 60,
                    rep=("Ann", "Bo'b", "Cy")[number % 3],
                    region=("West", "East")[number % 2],
                    line=2 + 4 * month + number,
                )
            )
    return deals


def sha(version):
    return hashlib.sha256(version.encode()).hexdigest()


def raw_record(deal):
    return {name: getattr(deal, name) for name in ("id", "closed", "won", "amount", "days", "rep", "region")}


def observation(metric, key, on, numerator, unit, about):
    return {
        **{"metric": metric, "observation_id": f"crm|{key}", "source_system": "crm", "source_object": "deals"},
        **{"record_id": key, "occurred_at": datetime.combine(on, time(), ZONE).astimezone(UTC), "occurred_on": on},
        **{"scope": unit, "company": "all", "business_unit": unit, "is_event": True},
        **{"numerator": numerator, "denominator": Decimal(1), **about},
    }


@dataclass
class World:
    """The records, and the means to publish and close them."""

    settings: Settings
    deals: list = field(default_factory=first_deals)
    items: list = field(
        default_factory=lambda: [
            Item("S1", date(2016, 1, 1), None, Decimal("100.50")),
            Item("S2", date(2017, 2, 10), date(2017, 11, 5), Decimal("40.25"), "East"),
            Item("S3", date(2017, 12, 1), date(2018, 1, 1), Decimal("9.99"), "East"),
        ]
    )
    targets: dict = field(default_factory=lambda: {("quarter", "2017-Q4"): Decimal(20000)})
    minimum: int = 2
    last_day: date = date(2017, 12, 31)
    check_failures: int = 0
    check_message: str = "m"
    check_unit: str | None = None
    action_begins: date = date(2017, 10, 1)
    factor: int = 1
    """The factor by which the SQL multiplies an amount."""
    names: list = field(default_factory=list)
    """The renamed members: dimension, old name, new name."""
    raw: list = field(default_factory=list)
    """The versions of the deals in the raw table: lists of the deal, its first moment and its end."""
    merged: dict = field(default_factory=dict)
    loads: int = 0
    lineage: dict = field(
        default_factory=lambda: {"won_value": {"sql": "select 1", "columns": {"numerator": ["raw.x.y"]}}}
    )
    code: dict = field(default_factory=lambda: {"revision": "abc", "dbt_manifest_sha256": "0"})

    def observations(self):
        for deal in self.deals:
            yield self.deal_observation("win_rate", deal, Decimal(deal.won))
            if deal.won:
                yield self.deal_observation("won_value", deal, deal.amount and deal.amount * self.factor)
                yield self.deal_observation("cycle", deal, Decimal(deal.days))
        for item in self.items:
            about = {"ended_on": item.ended, "rep": "Ann", "region": item.region, "source_sha256": sha("v1")}
            about |= {"source_file": "crm/deals.csv", "source_line": 1}
            yield observation("mrr", item.id, item.started, item.amount, UNIT, about)

    def deal_observation(self, name, deal, numerator):
        about = {"rep": deal.rep, "region": deal.region, "source_sha256": sha(deal.version)}
        about |= {"source_file": deal.file, "source_line": deal.line}
        return observation(name, deal.id, deal.closed, numerator, deal.unit, about)

    def publish(self):
        """Write the snapshot. The same records are computed once for all tests."""
        settings = self.settings
        settings.state.mkdir(parents=True, exist_ok=True)
        records = repr([getattr(self, name) for name in PUBLISHED_FIELDS])
        if records not in PUBLISHED:
            self.build()
            PUBLISHED[records] = settings.warehouse.read_bytes()
        settings.warehouse.write_bytes(PUBLISHED[records])
        self.load()
        settings.warehouse.replace(settings.snapshot)

    def load(self):
        """Extract the present deals. A changed deal ends its version and begins another."""
        self.loads += 1
        moment = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=self.loads)
        current = {version[0].id: version for version in self.raw if version[2] is None}
        deals = {deal.id: deal for deal in self.deals}
        for key, version in current.items():
            if deals.get(key) != version[0]:
                version[2] = moment
        self.raw += [[deal, moment, None] for key, deal in deals.items() if key not in current or current[key][2]]
        rows = [{**raw_record(deal), "_valid_from": first, "_valid_to": last} for deal, first, last in self.raw]
        rows += [
            {"id": key, "_valid_from": moment, "_deleted_at": moment, "_deleted_reason": f"merged into {into}"}
            for key, into in self.merged.items()
        ]
        with duckdb.connect(self.settings.warehouse) as connection:
            connection.execute("set timezone = 'UTC'")
            columns = ", ".join(f"{name} {kind}" for name, kind in RAW_COLUMNS.items())
            connection.execute(f"create table raw_crm.deals ({columns})")
            insert(connection, "raw_crm.deals", rows)
            connection.execute("update raw_crm._loaded_files set loaded_at = ?", [moment])

    def build(self):
        settings = self.settings
        settings.warehouse.unlink(missing_ok=True)
        rows = list(self.observations())
        figures = Figures(UNIT, self.last_day, self.minimum, self.targets).of_all(METRICS.values(), rows)
        horizon = {"business_unit": UNIT, "first_day": date(2016, 9, 1), "last_day": self.last_day}
        with duckdb.connect(settings.warehouse) as connection:
            connection.execute("set timezone = 'America/New_York'")
            for schema in ("core", "kpis", "scorecard", "raw_crm"):
                connection.execute(f"create schema {schema}")
            self.create_names(connection)
            create_table(connection, "kpi_observations", rows)
            create_table(connection, "kpi_evidence", [EVIDENCE])
            create_table(connection, "kpi_status", figures)
            create_table(connection, "kpi_targets", self.target_rows())
            create_table(connection, "actions", [{**ACTION, "from_date": self.action_begins}])
            create_table(connection, "horizons", [{"metric": name, **horizon} for name in ("won_value", "cycle")])
            store(connection, self.checks())
            connection.execute(
                "create table raw_crm._loaded_files as select 'deals' as object, 'crm/deals.csv' as source_file, "
                "unnest($shas) as source_sha256, 10::bigint as size_bytes, "
                "64::bigint as rows_read, 64::bigint as rows_loaded, "
                "0::bigint as rows_quarantined, now() as loaded_at, '1700000000.1' as _dlt_load_id",
                {"shas": [sha("v1"), sha("v2")]},
            )

    def create_names(self, connection):
        if self.names:
            connection.execute("create schema intermediate")
            renamed_rows = ", ".join(f"('{UNIT}', '{field}', '{old}', '{new}')" for field, old, new in self.names)
            connection.execute(
                "create view intermediate.int_names as select * from (values "
                f"{renamed_rows}) as names (business_unit, field, spelling, name)"
            )

    def target_rows(self):
        """Return the target of the fourth quarter, and one of a period that no close shows."""
        target = {"metric": "won_value", "grain": "quarter", "scope": UNIT, "dimension": "business_unit"}
        target |= {"member": UNIT, "unit": "currency", "owner": "Ann", "due": date(2017, 12, 31), "reason": "plan"}
        target |= {"source_file": "company/hardware/targets.csv", "source_line": 2, "source_sha256": "t1"}
        amount = self.targets.get(("quarter", "2017-Q4"), 20000)
        return [{**target, "period": "2017-Q4", "target": amount}, {**target, "period": "2018-Q1", "target": 1}]

    def checks(self):
        """Return a check of the scorecard's metrics, and one of another metric."""
        about = {"kind": "dbt", "source": "crm", "object": "deals", "severity": "warning", "cure": "c", "checked": 100}
        about |= {"name": "amounts", "run_at": datetime.now(UTC)}
        return [
            CheckResult(
                check_id="c1",
                passed=self.check_failures == 0,
                failures=self.check_failures,
                message=self.check_message,
                metrics=("win_rate", "elsewhere", "won_value"),
                business_unit=self.check_unit,
                **about,
            ),
            CheckResult(check_id="c2", passed=True, failures=0, message="", metrics=("elsewhere",), **about),
        ]

    def write_contract(self, unit=UNIT):
        """Write the contract of the source of the deals, with its business unit."""
        path = self.settings.dbt_project / "models" / "staging" / "crm" / "_sources.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"sources: [{{name: crm, schema: raw_crm, config: {{meta: {{business_unit: {unit}}}}}, "
            "tables: [{name: deals, config: {meta: {primary_key: [id]}}, "
            "columns: [{name: id, data_type: varchar, description: Id.}]}]}]"
        )

    def close(self, period="2017-Q4", publish=True, **changes):
        if publish:
            self.publish()
        return close(self.settings, *self.arguments(period, **changes))

    def arguments(self, period, **changes):
        """Return the arguments of `close` after the settings."""
        metrics = {**METRICS, "win_rate": replace(METRICS["win_rate"], minimum_observations=self.minimum)}
        passes = {"won_value": {"sql": "select 1", "metrics": ["won_value"]}}
        build = Build(self.lineage, passes, self.code, FONTS, PRINTED)
        return replace(SCORECARD, **changes), metrics, parse_period(period), build
