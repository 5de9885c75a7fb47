"""The raw tables follow the exports: what changed is versioned, what vanished ended; what fails leaves no trace."""

import gc
import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scorecard.extract import extract_source, load_contracts, read_state, recover
from scorecard.extract.files.compare_versions import VersionComparison
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

from .conftest import ORDERS, VISITS, YAML, Shop, make_shop


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(state=tmp_path_factory.mktemp("bundled"))
    for source in load_contracts(settings).values():
        extract_source(settings, source)
    return settings


@pytest.mark.samples
@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("raw_maven_crm.sales_pipeline", 8800),
        ("raw_maven_crm.accounts", 85),
        ("raw_maven_crm.products", 7),
        ("raw_maven_crm.sales_teams", 35),
        ("raw_ravenstack.accounts", 500),
        ("raw_ravenstack.subscriptions", 5000),
        ("raw_ravenstack.churn_events", 600),
        ("raw_ravenstack.support_tickets", 2000),
        ("raw_ravenstack.feature_usage", 25000),
        ("raw_maven_crm._quarantine", 0),
        ("raw_ravenstack._quarantine", 0),
    ],
)
def test_every_bundled_row_is_there(bundled: Settings, table: str, rows: int) -> None:
    with duckdb.connect(bundled.warehouse, read_only=True) as db:
        assert db.execute(f"select count(*) from {table}").fetchall() == [(rows,)]


@pytest.mark.samples
def test_the_bundled_tables_have_the_declared_types(bundled: Settings) -> None:
    with duckdb.connect(bundled.warehouse, read_only=True) as db:
        for source in load_contracts(bundled).values():
            for contract in source.objects if not source.folder else ():
                columns = db.execute(f"describe {source.schema}.{contract.name}").fetchall()
                types = {name: data_type.lower() for name, data_type, *_ in columns}
                assert {c.name: types[c.name] for c in contract.columns} == {c.name: c.stored for c in contract.columns}
                own = set(types) - {c.name for c in contract.columns}
                assert own == {
                    "_source_file",
                    "_source_line",
                    "_source_sha256",
                    "_row_version",
                    "_dlt_load_id",
                    "_undeclared",
                    "_valid_from",
                    "_valid_to",
                }


@pytest.mark.samples
def test_a_row_leads_back_to_its_line(bundled: Settings) -> None:
    with duckdb.connect(bundled.warehouse, read_only=True) as db:
        rows = db.execute("""
            select _source_file, _source_line, opportunity_id, coalesce(close_date::varchar, ''),
                coalesce(close_value::bigint::varchar, '')
            from raw_maven_crm.sales_pipeline where _source_line % 97 = 0 or _source_line in (2, 8801)
        """).fetchall()
        sums = db.execute("""
            select count(*), sum(close_value)::varchar from raw_maven_crm.sales_pipeline
            where deal_stage = 'Won'
        """).fetchall()
    assert len(rows) > 80
    assert sums == [(4238, "10005534.00000000")]
    for file, line, opportunity, closed, value in rows:
        text = (bundled.data / file).read_text().splitlines()[line - 1]
        assert text.split(",")[0] == opportunity
        assert text.split(",")[-2:] == [closed, value]


def test_the_books_say_what_was_loaded(shop: Shop) -> None:
    shop.write(ORDERS + "A5,x,2024-01-05,\n")
    result = shop.extract()
    assert [(o.name, o.rows_read, o.rows_loaded, o.rows_quarantined, o.rows_new) for o in result.loaded] == [
        ("orders", 5, 4, 1, 4),
        ("visits", 2, 2, 0, 2),
    ]
    assert shop.query(
        "select object, source_file, rows_read, rows_loaded, rows_quarantined, size_bytes, _dlt_load_id"
        " from raw_shop._loaded_files order by object"
    ) == [
        ("orders", "shop/orders.csv", 5, 4, 1, len(ORDERS) + 17, result.load_id),
        ("visits", "shop/visits.csv", 2, 2, 0, len(VISITS), result.load_id),
    ]
    assert shop.query("select object, reason, payload, source_line, _dlt_load_id from raw_shop._quarantine") == [
        (
            "orders",
            'amount: "x" is no decimal(18,2)',
            '{"order_id":"A5","amount":"x","ordered_on":"2024-01-05","note":null}',
            7,
            result.load_id,
        )
    ]
    ((valid_from, loaded_at),) = shop.query(
        "select distinct _valid_from::varchar, loaded_at::varchar from raw_shop.orders, raw_shop._loaded_files"
    )
    assert valid_from == loaded_at


def test_an_unchanged_source_costs_no_run(loaded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = loaded.settings.warehouse.read_bytes()
    monkeypatch.setitem(sys.modules, "dlt", None)
    result = loaded.extract()
    assert (result.load_id, result.loaded, result.unchanged) == (None, (), ("orders", "visits"))
    assert loaded.settings.warehouse.read_bytes() == before


def test_change_insert_vanish_and_come_back(loaded: Shop) -> None:
    first = loaded.query("select _source_sha256, _dlt_load_id from raw_shop.orders limit 1")[0]

    # A1 changes, A2 vanishes, A3 moves up a line, A5 is new.
    changed = ORDERS.replace("10.50", "11").replace("A2,20,2024-01-02,\n", "") + "A5,50,2024-01-05,new\n"
    loaded.write(changed)
    result = loaded.extract()
    assert result.unchanged == ("visits",)
    assert [(o.name, o.rows_new, o.rows_retired) for o in result.loaded] == [("orders", 2, 2)]
    assert [(row[0], row[1]) for row in loaded.current()] == [
        ("A1", "11.00"),
        ("A3", "30.00"),
        ("A4", "40.00"),
        ("A5", "50.00"),
    ]
    # A row that only moved keeps the file version and the line that brought it.
    assert loaded.query(
        "select distinct _source_line, _source_sha256, _dlt_load_id from raw_shop.orders where order_id = 'A3'"
    ) == [(4, *first)]
    assert loaded.query("select count(*), count(_valid_to) from raw_shop.orders where order_id = 'A2'") == [(1, 1)]
    assert loaded.query(
        "select amount::decimal(18, 2)::varchar, _valid_to = lead(_valid_from) over (order by _valid_from)"
        " from raw_shop.orders where order_id = 'A1' order by _valid_from"
    ) == [("10.50", True), ("11.00", None)]

    loaded.write(changed + "A2,20,2024-01-02,\n")
    loaded.extract()
    assert loaded.query(
        "select _source_line, _valid_to is null from raw_shop.orders where order_id = 'A2' order by _valid_from"
    ) == [(3, False), (7, True)]


def test_an_export_of_changes_ends_only_what_it_brings_anew(loaded: Shop) -> None:
    loaded.write("day,customer,seconds,seen_at,paid\n2024-01-01,2,9,,\n2024-01-02,1,3,,\n", "visits.csv")
    loaded.extract()
    assert loaded.query(
        "select day::varchar, customer, seconds, _valid_to is null from raw_shop.visits order by day, customer, seconds"
    ) == [
        ("2024-01-01", 1, 1.5, True),
        ("2024-01-01", 2, 2.5, False),
        ("2024-01-01", 2, 9.0, True),
        ("2024-01-02", 1, 3.0, True),
    ]


def test_a_record_that_broke_keeps_its_last_good_version(loaded: Shop) -> None:
    loaded.write(ORDERS.replace("20,2024", "oops,2024") + "A4,41,2024-01-04,contradiction\n")
    result = loaded.extract()
    assert [(o.rows_new, o.rows_retired, o.rows_quarantined) for o in result.loaded] == [(0, 0, 3)]
    assert [(row[0], row[1]) for row in loaded.current()] == [
        ("A1", "10.50"),
        ("A2", "20.00"),
        ("A3", "30.00"),
        ("A4", "40.00"),
    ]


def test_an_unknown_column_is_kept_and_told_of(loaded: Shop) -> None:
    loaded.write(
        "order_id,amount,ordered_on,note,Score\nA1,10.50,2024-01-01,first,1.5\nA2,20,2024-01-02,,\n"
        "A3,30.00,2024-01-03,other,\nA4,40,2024-01-04,last,x\n"
    )
    result = loaded.extract()
    assert len(result.warnings) == 1
    assert "1 of them: Score" in result.warnings[0]
    assert loaded.query("select _undeclared from raw_shop.orders where _valid_to is null order by order_id") == [
        ('{"Score":"1.5"}',),
        (None,),
        (None,),
        ('{"Score":"x"}',),
    ]
    assert loaded.extract().warnings == result.warnings, "each run warns as long as it is so"

    # A contract that takes the column in gives it a type; the value that is none goes to quarantine.
    loaded.yaml.write_text(
        YAML.replace("Words.}", 'Words.}\n          - {name: score, data_type: "decimal(4,1)", description: Score.}', 1)
    )
    assert loaded.extract().warnings == ()
    assert loaded.query("select order_id, score::varchar from raw_shop.orders where score is not null") == [
        ("A1", "1.50000000")
    ]
    assert loaded.quarantine() == [("orders", 5, 'score: "x" is no decimal(4,1)')]
    loaded.write(ORDERS)
    loaded.yaml.write_text(YAML)
    loaded.extract()
    assert [row[1] for row in loaded.current()] == ["10.50", "20.00", "30.00", "40.00"]


def test_a_new_type_makes_new_versions(loaded: Shop) -> None:
    loaded.yaml.write_text(YAML.replace("decimal(18,2)", "decimal(18,4)"))
    result = loaded.extract()
    assert [(o.name, o.rows_new, o.rows_retired) for o in result.loaded] == [("orders", 4, 4)]
    assert [row[1] for row in loaded.current()] == ["10.50", "20.00", "30.00", "40.00"]


def test_all_faulty_exports_are_named_and_nothing_is_loaded(loaded: Shop) -> None:
    before = loaded.everything()
    loaded.write(ORDERS.replace("amount", "total"))
    loaded.write(b"day,\xff\n", "visits.csv")
    with pytest.raises(ScorecardError) as error:
        loaded.extract()
    assert "orders.csv lacks the column amount" in error.value.problem
    assert "visits.csv is not UTF-8" in error.value.problem
    assert loaded.everything() == before
    loaded.write(VISITS + "2024-01-09,1,1,,\n", "visits.csv")
    with pytest.raises(ScorecardError):
        loaded.extract()
    assert loaded.everything() == before, "the good export waits for the other"


def test_a_missing_export(shop: Shop) -> None:
    (shop.root / "data/shop/orders.csv").rename(shop.root / "data/shop/Orders 2024.csv")
    with pytest.raises(ScorecardError, match=r"shop/orders\.csv cannot be read: No such file.*Orders 2024\.csv"):
        shop.extract()
    assert not shop.settings.warehouse.exists()


@pytest.mark.parametrize("row", ["A2,20,2024-01-02,one,more", "A2,20", ",20,2024-01-02,nobody"])
def test_a_row_that_does_not_say_which_it_is_ends_no_record(shop: Shop, row: str) -> None:
    shop.extract()
    before = shop.current()
    shop.write(ORDERS.replace("A2,20,2024-01-02,", row).replace("A4,40,2024-01-04,last\n", ""))
    result = shop.extract()
    assert [(table.rows_retired, table.rows_quarantined) for table in result.loaded] == [(0, 1)]
    assert shop.current() == before, "A2 may be that row, and so may A4"
    assert result.warnings == (
        "orders.csv has rows in quarantine that don't say which record they are, so the 2 records that it lacks are"
        " kept: some of those rows may be theirs. Mend the rows, and the others will end.",
    )
    shop.write(ORDERS.replace("A4,40,2024-01-04,last\n", ""))
    result = shop.extract()
    assert [row[0] for row in shop.current()] == ["A1", "A2", "A3"]
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/etc/passwd", "shop/orders.csv is a link to /etc/passwd, which lies outside of the data folder"),
        ("/dev/zero", "shop/orders.csv is a link to /dev/zero, which lies outside of the data folder"),
        ("../../dbt_project/models/staging/shop/_sources.yml", "lies outside of the data folder"),
        ("../shop", "shop/orders.csv is no regular file but a folder"),
        ("orders.csv", "shop/orders.csv cannot be read: Too many levels of symbolic links"),
        ("gone.csv", "shop/orders.csv cannot be read: No such file"),
    ],
)
def test_a_link_to_what_is_no_export_is_not_opened(shop: Shop, target: str, message: str) -> None:
    path = shop.root / "data/shop/orders.csv"
    path.unlink()
    path.symlink_to(target)
    (shop.root / "data/shop/visits.csv").unlink()
    with pytest.raises(ScorecardError) as error:
        shop.extract()
    assert message in error.value.problem
    assert "root:" not in str(error.value)
    assert "(2) shop/visits.csv cannot be read" in error.value.problem, "it is one of those that are missing"


def test_a_pipe_is_not_waited_for(shop: Shop) -> None:
    path = shop.root / "data/shop/orders.csv"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ScorecardError, match=r"shop/orders\.csv is no regular file but a pipe") as error:
        shop.extract()
    assert "as a file" in error.value.cure


def test_links_within_the_data_folder_are_followed(shop: Shop) -> None:
    shop.settings.data.rename(shop.root / "elsewhere")
    shop.settings.data.symlink_to("elsewhere")
    path = shop.root / "data/shop/orders.csv"
    path.rename(path.with_name("2024.csv"))
    path.symlink_to("2024.csv")
    shop.extract()
    assert shop.query("select distinct _source_file from raw_shop.orders") == [("shop/orders.csv",)]


def test_a_data_folder_may_have_any_name(shop: Shop) -> None:
    data = shop.root / "a [b] *?{c} 'd' %20 [/data"
    data.parent.mkdir()
    shop.settings.data.rename(data)
    assert len(shop.extract(data=data).loaded) == 2


def test_a_state_folder_may_have_brackets(shop: Shop) -> None:
    assert len(shop.extract(state=shop.root / 'a [b] * "c" é/state').loaded) == 2


@pytest.mark.parametrize("letter", ["'", "%", "?", "\\"])
def test_a_state_folder_that_cannot_be_written_to_is_named(shop: Shop, letter: str) -> None:
    state = shop.root / f"a{letter}b/state"
    with pytest.raises(ScorecardError) as error:
        shop.extract(state=state)
    assert f"The path of the state folder {state} holds {letter}" in error.value.problem
    assert "SCORECARD_STATE" in error.value.cure
    assert not state.parent.exists()


def test_an_export_that_needs_too_much_memory_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["scorecard.extract.raw.extraction"], "MEMORY", "20MB")
    shop.write(ORDERS + "A5,1,2024-01-01,x" + "," * 3_000_000 + "\n")
    with pytest.raises(ScorecardError, match=r"shop/orders\.csv cannot be read: Out of Memory") as error:
        shop.extract()
    assert "far longer" in error.value.cure


def test_an_export_may_be_empty_from_the_start(shop: Shop) -> None:
    shop.write("order_id,amount,ordered_on,note\n")
    shop.extract()
    assert shop.current() == []


def test_a_clock_put_back_does_not_turn_history_round(loaded: Shop) -> None:
    with duckdb.connect(loaded.settings.warehouse) as db:
        db.execute("update raw_shop._loaded_files set loaded_at = timestamptz '2999-01-01 00:00:00+00'")
        db.execute("update raw_shop.orders set _valid_from = timestamptz '2999-01-01 00:00:00+00'")
    loaded.write(ORDERS.replace("10.50", "11"))
    loaded.extract()
    assert loaded.query("select count(*) from raw_shop.orders where _valid_to < _valid_from") == [(0,)]
    assert loaded.current()[0][1] == "11.00"


HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_warehouse_in_use_is_named(loaded: Shop) -> None:
    loaded.write(ORDERS.replace("10.50", "11"))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, loaded.settings.warehouse], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ScorecardError, match=r"warehouse\.duckdb is in use by another process"):
            loaded.extract()
        holder.communicate()
    loaded.extract()
    assert loaded.current()[0][1] == "11.00"


def test_a_damaged_warehouse_is_named(shop: Shop) -> None:
    shop.settings.state.mkdir()
    shop.settings.warehouse.write_bytes(b"no database" * 1000)
    with pytest.raises(ScorecardError, match=r"warehouse\.duckdb is damaged") as error:
        shop.extract()
    assert "delete it" in error.value.cure
    assert "extract again" in error.value.cure


@pytest.mark.parametrize("offset", [0, 8, 4096 + 20, 12288 + 100])
def test_a_wrong_byte_in_the_warehouse_is_no_lock(loaded: Shop, offset: int) -> None:
    _flip(loaded.settings.warehouse, offset)
    with pytest.raises(ScorecardError, match=r"warehouse\.duckdb is damaged"):
        loaded.extract()


def test_a_wrong_byte_that_only_a_query_meets_is_named_too(loaded: Shop) -> None:
    """Whichever byte it is, whoever comes across it: an error is a sentence, and no lock is blamed."""
    whole = loaded.settings.warehouse.read_bytes()
    met = 0
    for offset in range(12288 + 2000, len(whole), len(whole) // 40):
        loaded.settings.warehouse.write_bytes(whole)
        _flip(loaded.settings.warehouse, offset)
        problem = ""
        try:
            recover(loaded.settings.warehouse, loaded.source)
            read_state(loaded.settings.warehouse, loaded.source)
        except ScorecardError as error:
            problem = error.problem
        assert not problem or "is damaged" in problem
        met += bool(problem)
    assert met


def test_damage_found_while_exports_are_compared_is_named(loaded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.write(ORDERS.replace("10.50", "11"))

    def meets_damage(*_: Any) -> None:
        raise duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2 in block 3")

    monkeypatch.setattr(VersionComparison, "compare", meets_damage)
    with pytest.raises(ScorecardError, match=r"warehouse\.duckdb is damaged"):
        loaded.extract()


def test_a_warehouse_cut_short_is_damaged(loaded: Shop) -> None:
    whole = loaded.settings.warehouse.read_bytes()
    for size in (1000, 12288 + 100, len(whole) // 2):
        loaded.settings.warehouse.write_bytes(whole[:size])
        with pytest.raises(ScorecardError, match=r"warehouse\.duckdb is damaged"):
            loaded.extract()


def _flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x55
    path.write_bytes(data)


def test_a_load_that_fails_is_taken_back(loaded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = loaded.everything()
    loaded.write(ORDERS.replace("10.50", "11"))
    loaded.write(VISITS.replace("1.5", "7"), "visits.csv")
    from dlt.destinations.impl.duckdb.duck import DuckDbClient

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DuckDbClient, "complete_load", full)
        with pytest.raises(ScorecardError, match="No space left"):
            loaded.extract()
    assert loaded.everything() == before
    loaded.extract()
    assert loaded.current()[0][1] == "11.00"


def _kill_at(point: str) -> None:
    """Have this process die by SIGKILL at the n-th time that it comes by a point of the run ("merged:2")."""
    from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
    from dlt.destinations.job_client_impl import SqlLoadJob
    from dlt.normalize.normalize import Normalize

    name, number = point.split(":")
    owner, method, dies_before = {
        "read": (sys.modules["scorecard.extract.files.file_extraction"], "read_export", False),
        "extracted": (Normalize, "run", True),
        "normalized": (DuckDbClient, "initialize_storage", True),
        "copied": (DuckDbCopyJob, "run", False),
        "merged": (SqlLoadJob, "run", False),
        "completing": (DuckDbClient, "complete_load", True),
        "completed": (DuckDbClient, "complete_load", False),
    }[name]
    inner = getattr(owner, method)
    times = itertools.count(1)

    def outer(*args: Any, **kwargs: Any) -> Any:
        if dies_before and next(times) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        result = inner(*args, **kwargs)
        if not dies_before and next(times) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, outer)


def _killed_run(shop: Shop, point: str) -> int:
    """Run the extraction in a process of its own that dies at the point; give the signal it died of."""
    child = os.fork()  # not a new Python: importing dlt takes longer than all the rest
    if child == 0:
        # Collecting what other tests left behind crashes the child: the threads of those objects are not in it.
        gc.disable()
        try:
            _kill_at(point)
            shop.extract()
        finally:
            os._exit(1)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, dict[str, Any]]:
    """A shop whose exports have changed since they were loaded, and what a clean run makes of it."""
    before = make_shop(tmp_path_factory.mktemp("before"))
    before.extract()
    before.write(ORDERS.replace("10.50", "11").replace("A2,20,", "A2,bad,") + "A5,5,2024-01-05,\n")
    before.write(VISITS.replace("1.5", "7"), "visits.csv")
    clean = Shop(tmp_path_factory.mktemp("clean"))
    shutil.copytree(before.root, clean.root, dirs_exist_ok=True)
    clean.extract()
    return before, clean.everything()


POINTS = [
    "read:2",
    "extracted:1",
    "normalized:1",
    "copied:1",
    "copied:3",
    "merged:1",
    "merged:2",
    "completing:1",
    "completed:1",
]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_leaves_nothing_lost_or_twice(
    before_and_after: tuple[Shop, dict[str, Any]], tmp_path: Path, point: str
) -> None:
    before, clean = before_and_after
    shop = Shop(tmp_path)
    shutil.copytree(before.root, shop.root, dirs_exist_ok=True)
    assert _killed_run(shop, point) == signal.SIGKILL
    shop.extract()
    assert shop.everything() == clean
    assert shop.extract().load_id is None


def test_a_killed_load_of_an_export_that_was_put_back_is_undone(loaded: Shop) -> None:
    before = loaded.everything()
    with duckdb.connect(loaded.settings.warehouse) as db:
        # As a run leaves it that was killed between the tables.
        db.execute("update raw_shop.orders set _valid_to = now() where order_id = 'A1'")
        db.execute(
            "insert into raw_shop.orders by name select 'A9' as order_id, 'v' as _row_version, 'x' as _dlt_load_id"
        )
        db.execute("insert into raw_shop._quarantine by name select 'orders' as object, 'x' as _dlt_load_id")
    assert loaded.everything() != before
    assert loaded.extract().load_id is None
    assert loaded.everything() == before
