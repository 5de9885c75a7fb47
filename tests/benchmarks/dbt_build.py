"""CPU of the dbt build over CPU of the same metrics as one bare SQL script, side by side, on scaled samples.

    python tests/benchmarks/dbt_build.py [opportunities, a million if not given]

Prints a line a measure: seconds of CPU (user and system, threads together) and peak memory of a process of its own,
which includes the start of Python, DuckDB and dbt. The sales sample is scaled; the billing sample stays as it is. Stops
where the two don't come to the same values of a month.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb

from scorecard import steps
from scorecard.shared.settings import Settings

SAMPLE = 8800
SAME = {
    "won_deals": "select month, max(won_deals) from bare_closed where month is not null group by month",
    "booked_revenue": "select month, max(booked_revenue) from bare_closed where month is not null group by month",
    "sales_cycle_length": (
        "select month, arg_max(cycle_median, closed_deals) from bare_closed where month is not null group by month"
    ),
    "pipeline_age": (
        "select start_on, arg_max(pipeline_age, deals) from bare_open where grain = 'month' group by start_on"
    ),
    "new_customers": "select month, max(new_customers) from bare_new_customers group by month",
    "mrr": "select start_on, max(mrr) from bare_mrr where grain = 'month' group by start_on",
}
"""By metric the company's values by month of the bare script; what is largest is of all members together."""


def scale(settings: Settings, opportunities: int) -> None:
    """Extract the samples and repeat every opportunity under other ids, other accounts and by days moved a little."""
    for source in ("maven_crm", "ravenstack"):
        steps.extract(settings, source, lambda _: None)
    copies = max(opportunities // SAMPLE, 1)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            f"""
            insert into raw_maven_crm.sales_pipeline by name
            select original.* replace (
                opportunity_id || '-' || copy as opportunity_id,
                engage_date - (copy % 7)::int as engage_date,
                close_value + copy % 100 * (close_value > 0)::int as close_value
            )
            from raw_maven_crm.sales_pipeline as original, range(1, {copies}) as copies(copy)
            """
        )


def build(settings: Settings) -> None:
    """Build the models as a run does: one dbt process, the plan of the passes, and models."""
    from scorecard.catalogue import load_catalogue
    from scorecard.warehouse.dbt import Dbt
    from scorecard.warehouse.plan import make_plan, write_plan

    dbt = Dbt(settings, lambda _: None)
    dbt.parse()
    write_plan(settings, make_plan(load_catalogue(settings), dbt.compile_kpis()))
    dbt.build()


def bare(settings: Settings) -> None:
    """Run the script."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute((Path(__file__).parent / "bare.sql").read_text())


def refuse_other_values(settings: Settings) -> None:
    """Stop where a month's value of the two isn't the same: a script that computes something else is no measure."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        for metric, script in SAME.items():
            months, differing = connection.execute(
                f"""
                select count(*), count(*) filter (abs(built.value - bare.value) > 0.000001)
                from ({script}) as bare(month, value)
                inner join scorecard.kpi_values as built on bare.month = built.period_start
                where built.metric = ? and built.grain = 'month' and built.dimension = 'company' and built.is_complete
                """,
                [metric],
            ).fetchone() or (0, 0)
            if not months or differing:
                raise SystemExit(f"{metric}: {differing} of {months} months have another value in the bare script.")


def measured(work: Callable[[Settings], None], settings: Settings) -> tuple[float, float, float]:
    """Run some work in a process of its own; return CPU seconds, wall seconds and peak megabytes."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(work, settings, send))
    process.start()
    measures: tuple[float, float, float] = receive.recv()
    process.join()
    return measures


def _measure(work: Callable[[Settings], None], settings: Settings, send: Connection) -> None:
    started = time.monotonic()
    work(settings)
    used = resource.getrusage(resource.RUSAGE_SELF)
    send.send((used.ru_utime + used.ru_stime, time.monotonic() - started, _peak()))


def _peak() -> float:
    """Return this process's peak of memory, in megabytes. `getrusage` has that of the process which began it, too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the measures."""
    opportunities = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state=Path(folder) / "var", out=Path(folder) / "out")
        scale(settings, opportunities)
        print(f"{opportunities:,} opportunities", flush=True)
        rounds = []
        for _ in range(3):
            script, dbt = measured(bare, _fresh(settings)), measured(build, settings)
            refuse_other_values(settings)
            rounds.append(dbt[0] / script[0])
            for name, (cpu, wall, memory) in (("bare SQL", script), ("dbt build", dbt)):
                print(f"{name:10} {cpu:7.1f} CPU s {wall:7.1f} s {memory:7.0f} MB", flush=True)
        print(f"dbt over bare SQL, median of {len(rounds)}: {sorted(rounds)[len(rounds) // 2]:.2f} times the CPU")


def _fresh(settings: Settings) -> Settings:
    """Drop what the script made the time before."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where table_name like 'bare%'").fetchall()
        for (table,) in tables:
            connection.execute(f"drop table {table}")
    return settings


if __name__ == "__main__":
    main()
