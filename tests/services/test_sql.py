"""The connector of SQL databases against a real PostgreSQL: what is read ends as the table's own rows."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from sandbox.standins.faults import Faults
from scorecard.extract import check, confirm, load_contracts
from scorecard.extract.connectors import connector
from scorecard.extract.raw import troubles
from scorecard.extract.raw.troubles import Suspect
from scorecard.extract.services import service_extraction
from scorecard.extract.services.sql import Sql
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings
from tests.conftest import SETTINGS_FILE

from .conftest import Reader, in_quarantine, quarantine_of
from .postgres import PASSWORD, READER, Postgres

pytestmark = pytest.mark.xdist_group("postgres")

CALLS = """
    create table calls (id bigint primary key, agent text, minutes numeric(10, 2), updated_at timestamptz);
    create table teams (name text primary key, region text);
    insert into calls select i, 'Ann', i + 0.5, timestamptz '2023-12-01 00:00:00+00' + i * interval '1 hour'
        from generate_series(1, 40) as i;
    insert into teams values ('Blue', 'East'), ('Red', 'West');
    grant select on all tables in schema public to reader;
"""


def table(name: str, columns: dict[str, str], **meta: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "A table.",
        "config": {"meta": meta},
        "columns": [
            {"name": column, "data_type": kind, "description": "A column."} for column, kind in columns.items()
        ],
    }


def calls(**changed: str) -> dict[str, Any]:
    columns = {"id": "bigint", "agent": "varchar", "minutes": "decimal(18,2)", "updated_at": "timestamptz", **changed}
    return table("calls", columns, object="public.calls", primary_key="id", cursor="updated_at")


TEAMS = table("teams", {"name": "varchar", "region": "varchar"}, primary_key="name")


@pytest.fixture
def db(server: Postgres) -> Postgres:
    server.fresh()
    server.sql(CALLS)
    return server


def declare(root: Path, *tables: dict[str, Any]) -> Path:
    path = root / "dbt_project/models/staging/telephony/_sources.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SETTINGS_FILE, root)
    meta = {"meta": {"service": "sql"}}
    source = {"name": "telephony", "schema": "raw_telephony", "description": "Calls.", "config": meta}
    path.write_text(yaml.safe_dump({"version": 2, "sources": [{**source, "tables": list(tables)}]}))
    return path


def with_cursor(column: str) -> dict[str, str]:
    """Declare a cursor; a table without one is read whole."""
    return {"cursor": column} if column else {}


def standing(db: Postgres) -> Any:
    """The server in the place of a stand-in."""
    return SimpleNamespace(url=db.url, faults=Faults())


Read = Callable[..., Reader]


@pytest.fixture
def read(db: Postgres, tmp_path: Path) -> Read:
    def read(*tables: dict[str, Any], connection: dict[str, Any] | None = None, **own: Any) -> Reader:
        declare(tmp_path, *(tables or (calls(), TEAMS)))
        login = {"login": READER, "password": PASSWORD, **(connection or {})}
        return Reader(tmp_path, "telephony", standing(db), login, own)

    return read


def truth(db: Postgres) -> list[tuple[Any, ...]]:
    return db.sql("select id, agent, minutes, updated_at from calls order by id")


def current_calls(reader: Reader) -> list[tuple[Any, ...]]:
    return reader.current("calls", "id, agent, minutes, updated_at")


def test_all_then_what_changed(read: Read, db: Postgres) -> None:
    reader = read(overlap_seconds=600)
    first = reader.extract()
    assert {loaded.name: loaded.rows_read for loaded in first.loaded} == {"calls": 40, "teams": 2}
    assert current_calls(reader) == truth(db)

    last = "2023-12-02 16:00:00+00"
    db.sql(f"""
        update calls set agent = 'Ben', updated_at = '{last}' where id = 3;
        insert into calls values (101, 'tie', 1, '{last}'), (102, 'tie', 2, '{last}');
        insert into calls values (103, 'committed late', 3, timestamptz '{last}' - interval '500 seconds');
        insert into calls values (104, 'no moment', 4, null);
        update teams set region = 'North' where name = 'Red';
        delete from teams where name = 'Blue';
        insert into teams values ('Green', 'South');
    """)
    second = reader.extract()
    assert {loaded.name: loaded.rows_read for loaded in second.loaded}["calls"] == 6, (
        "the overlap and what is new, no more"
    )
    assert current_calls(reader) == truth(db)
    assert reader.current("teams", "name, region") == [("Green", "South"), ("Red", "North")]
    gone = reader.sql(
        "select name, region, _deleted_at, _deleted_reason from raw_telephony.teams"
        " where _valid_to is null and _deleted_at is not null"
    )
    assert gone == [("Blue", "East", datetime(2024, 1, 1, tzinfo=UTC), "no longer in the service")]


def test_a_row_names_the_query_that_brought_it(read: Read, db: Postgres) -> None:
    reader = read(page_size=30)
    result = reader.extract()
    ((url, place, sha256, load_id),) = reader.sql(
        "select _source_file, _source_line, _source_sha256, _dlt_load_id from raw_telephony.calls where id = 31"
    )
    assert url == f"sql://127.0.0.1:{db.port}/postgres/public.calls?rows=31-40"
    assert (place, len(sha256), load_id) == (1, 64, result.load_id)
    db.sql("insert into calls values (41, 'Ann', 1, '2023-12-02 16:00:00+00')")
    reader.extract()
    assert reader.sql("select _source_file from raw_telephony.calls where id = 41")[0][0].endswith(
        "/public.calls?updated_at>=2023-12-02 15:50:00+00:00&rows=1-2"
    )


def test_deletes_and_what_moved_no_cursor_are_found_by_the_databases_clock(read: Read, db: Postgres) -> None:
    reader = read(calls(), reconcile_days=7)
    reader.extract()
    db.sql("delete from calls where id = 7; update calls set agent = 'Eve' where id = 8")
    db.set_clock("2024-01-07 23:59:59+00")
    reader.extract()
    assert current_calls(reader) != truth(db), "not due yet"
    db.set_clock("2024-01-08 00:00:00+00")
    reader.extract()
    assert current_calls(reader) == truth(db)
    assert reader.tombstones("calls") == {7: "no longer in the service"}
    db.sql("insert into calls values (7, 'back', 1, '2024-01-07 00:00:00+00')")
    reader.extract()
    assert current_calls(reader) == truth(db)


WORDS = """it's "quoted" <b>&amp; {{ x }}</b>\n'; drop table calls; -- \u202e顧客 👩‍💻 \\ %s :x"""


EXACT = {
    "id": "varchar",
    "n": "decimal(30,10)",
    "f": "double",
    "i": "bigint",
    "on_day": "date",
    "at": "timestamptz",
    "wall": "timestamp",
    "words": "varchar",
    "j": "varchar",
    "jb": "varchar",
    "a": "varchar",
    "ok": "boolean",
    "nothing": "varchar",
}


def test_values_are_exact(read: Read, db: Postgres) -> None:
    db.sql("""
        create type mood as enum ('good', 'bad');
        create table exact (id uuid primary key, n numeric(30, 10), f float8, i bigint, on_day date,
            at timestamptz, wall timestamp, words text, j json, jb jsonb, a int[], ok boolean, m mood, b bytea,
            nothing text);
        grant select on exact to reader;
    """)
    db.sql(
        "insert into exact values ('11111111-1111-1111-1111-111111111111', 12345678901234.1234567890, 0.1,"
        " 9223372036854775807, '2024-02-29', '2024-03-10 02:30:00.123456+09', '2024-03-10 02:30:00', %s,"
        """ '{"a": 1.10, "b": 12345678901234567890.12345}', '{"b": 1.10}', '{1,2,null}', false, 'bad', 'x', null)""",
        WORDS,
    )
    reader = read(table("exact", EXACT, primary_key="id"))
    result = reader.extract()
    assert reader.current("exact", ", ".join(f'"{column}"' for column in EXACT)) == [
        (
            "11111111-1111-1111-1111-111111111111",
            Decimal("12345678901234.1234567890"),
            0.1,
            2**63 - 1,
            date(2024, 2, 29),
            datetime(2024, 3, 9, 17, 30, 0, 123456, tzinfo=UTC),
            datetime(2024, 3, 10, 2, 30),
            WORDS,
            '{"a": 1.10, "b": 12345678901234567890.12345}',
            '{"b": 1.10}',
            "[1,2,null]",
            False,
            None,
        )
    ]
    assert reader.sql("select _undeclared->>'m' from raw_telephony.exact") == [("bad",)], "nobody declared it"
    assert "m" in result.warnings[0]
    assert "b" not in [name for (name,) in reader.sql("select column_name from duckdb_columns()")], "bytes are no text"


def test_what_is_no_moment_goes_to_quarantine_and_hides_nothing(read: Read, db: Postgres) -> None:
    db.sql("""
        insert into calls values (201, 'a', 'NaN', '2023-12-02 16:00:00+00'), (202, 'b', 1, 'infinity'),
            (203, 'c', 1, '9999-12-31 00:00:00+00'), (204, 'd', 1, '0044-03-15 00:00:00+00 BC');
    """)
    reader = read(calls())
    reader.extract()
    bad = dict(reader.sql("select record_key, reason from raw_telephony._quarantine"))
    assert set(bad) == {"201", "202", "203", "204"}
    assert 'minutes: "NaN" is no decimal(18,2)' in bad["201"]
    db.sql("insert into calls values (205, 'e', 1, timestamptz '2024-01-01 00:00:00+00')")
    reader.extract()
    assert (205,) in reader.current("calls", "id"), "the cursor is not behind the end of time"


RATES = """
    create table rates (a text, b text, is_net boolean, rate numeric, updated_at timestamptz);
    insert into rates values ('a, b', 'c', true, 1, '2023-12-01 00:00:00+00'),
        ('a', 'b, c', true, 2, '2023-12-01 01:00:00+00'), ('x', 'y', false, 3, '2023-12-01 02:00:00+00');
    grant select on rates to reader;
"""


def rates(**meta: Any) -> dict[str, Any]:
    columns = {
        "a": "varchar",
        "b": "varchar",
        "is_net": "varchar",
        "rate": "decimal(18,2)",
        "updated_at": "timestamptz",
    }
    return table("rates", columns, object="public.rates", primary_key=["a", "b", "is_net"], **meta)


def test_keys_that_would_read_the_same_are_told_apart(read: Read, db: Postgres) -> None:
    db.sql(RATES)
    reader = read(rates())
    reader.extract()
    db.sql("delete from rates where a = 'a'")
    reader.extract()
    assert reader.current("rates", "a, b") == [("a, b", "c"), ("x", "y")]


def test_a_record_in_quarantine_is_not_mended_by_another(read: Read, db: Postgres) -> None:
    db.sql(RATES)
    db.sql("update rates set rate = 'NaN' where a = 'a, b'")
    reader = read(rates(cursor="updated_at"), overlap_seconds=0)
    reader.extract()
    assert reader.sql("select record_key from raw_telephony._quarantine") == [("a\\, b, c, true",)]
    db.sql("update rates set rate = 5, updated_at = '2023-12-01 03:00:00+00' where a = 'a'")
    reader.extract()
    assert in_quarantine(reader, "rates") == 1


def kept(reader: Reader) -> list[tuple[Any, ...]]:
    return reader.sql("select payload->>'rate' from raw_telephony._quarantine order by _dlt_load_id")


@pytest.mark.parametrize("cursor", ["updated_at", ""])
def test_what_is_read_again_as_bad_as_before_is_no_news(read: Read, db: Postgres, cursor: str) -> None:
    db.sql(RATES)
    db.sql("update rates set rate = 'NaN' where a = 'x'")
    reader = read(rates(**with_cursor(cursor)), overlap_seconds=86_400)
    (first,) = reader.extract().loaded
    assert (first.rows_read, first.rows_loaded, first.rows_quarantined) == (3, 2, 1)
    again = reader.extract()
    assert (again.loaded, again.load_id) == ((), None)

    db.sql("update rates set rate = 5 where a = 'a'")
    (other,) = reader.extract().loaded
    assert (other.rows_read, other.rows_loaded, other.rows_quarantined, other.rows_new) == (3, 2, 0, 1)
    assert kept(reader) == [("NaN",)]
    quarantine = quarantine_of(reader, "rates")
    assert quarantine.failures == 1
    assert 'rate: "NaN" is no decimal(18,2) (1, first sql://' in quarantine.message


def test_what_is_bad_in_another_way_or_once_more_goes_to_quarantine(read: Read, db: Postgres) -> None:
    db.sql(RATES)
    db.sql("update rates set rate = 'NaN' where a = 'x'")
    reader = read(rates())
    reader.extract()
    db.sql("update rates set rate = 1e20 where a = 'x'")
    reader.extract()
    quarantine = quarantine_of(reader, "rates")
    assert quarantine.failures == 1
    assert 'rate: "100000000000000000000"' in quarantine.message
    assert "NaN" not in quarantine.message, "what is wrong with it now is told"
    db.sql("update rates set rate = 3 where a = 'x'")
    reader.extract()
    assert in_quarantine(reader, "rates") == 0
    db.sql("update rates set rate = 'NaN' where a = 'x'")
    reader.extract()
    assert kept(reader) == [("NaN",), ("100000000000000000000",), ("NaN",)]
    assert in_quarantine(reader, "rates") == 1


LINES = (Path(__file__).parents[1] / "cases/order_lines.sql").read_text() + "grant select on lines to reader;"


def lines(*key: str, **meta: Any) -> dict[str, Any]:
    columns = {"order_id": "bigint", "line": "bigint", "amount": "decimal(18,2)", "updated_at": "timestamp"}
    return table("lines", columns, primary_key=list(key), **meta)


def lines_loaded(reader: Reader) -> list[tuple[Any, ...]]:
    return reader.current("lines", "order_id, line, amount")


@pytest.mark.parametrize("cursor", ["updated_at", ""])
@pytest.mark.parametrize("enough", [5, 100_000], ids=["several loads", "one load"])
def test_a_key_that_repeats_puts_all_its_rows_into_quarantine(
    read: Read, db: Postgres, cursor: str, enough: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_extraction, "BUFFER_ROWS", enough)
    db.sql(LINES)
    reader = read(lines("order_id", **with_cursor(cursor)), page_size=3)
    (loaded,) = reader.extract().loaded
    assert (loaded.rows_read, loaded.rows_loaded, loaded.rows_quarantined) == (20, 0, 20)
    assert lines_loaded(reader) == []
    assert reader.sql("select sum(rows_loaded) from raw_telephony._loaded_files") == [(0,)]
    kept = reader.sql("select record_key, reason from raw_telephony._quarantine order by record_key::int")
    reasons = {f"the key order_id = {order} stands for 2 records that differ" for order in range(1, 11)}
    assert (len(kept), {reason for _, reason in kept}) == (20, reasons)
    quarantine = quarantine_of(reader, "lines")
    assert (quarantine.severity, quarantine.failures, quarantine.checked) == ("error", 20, 20), "the unit is held"
    assert "20 of 20 rows (amount: 100.0%) of telephony.lines break its contract" in quarantine.message
    assert "the key order_id = 1 stands for 2 records that differ (2, first sql://" in quarantine.message
    assert reader.extract().loaded == (), "that is no news"


def test_the_whole_key_loads_every_row(read: Read, db: Postgres) -> None:
    db.sql(LINES)
    reader = read(lines("order_id", "line"))
    (loaded,) = reader.extract().loaded
    assert (loaded.rows_read, loaded.rows_loaded, loaded.rows_quarantined) == (20, 20, 0)
    assert reader.current("lines", "sum(amount)") == [(Decimal("210.00"),)]


def test_a_key_that_comes_to_repeat_after_it_was_loaded(read: Read, db: Postgres) -> None:
    db.sql(LINES + "delete from lines where line = 2; ")
    db.set_clock("2024-04-01 00:00:00+00")
    reader = read(lines("order_id", cursor="updated_at"), overlap_seconds=0)
    reader.extract()
    assert len(lines_loaded(reader)) == 10
    db.sql("insert into lines values (10, 2, 20.00, '2024-03-02 10:00:00'), (11, 1, 21.00, '2024-03-02 10:00:00')")
    (second,) = reader.extract().loaded
    assert (second.rows_loaded, second.rows_quarantined) == (1, 2), "its old row is read again beside the new one"
    assert lines_loaded(reader)[-2:] == [(10, 1, 19), (11, 1, 21)], "the version from before stays"
    assert in_quarantine(reader, "lines") == 2
    db.sql("delete from lines where order_id = 10 and line = 1")
    reader.extract()
    reader.extract()
    assert in_quarantine(reader, "lines") == 0
    assert lines_loaded(reader)[-2:] == [(10, 2, 20), (11, 1, 21)]


def test_equal_rows_are_kept_once(read: Read, db: Postgres) -> None:
    db.sql(LINES)
    db.sql("delete from lines where line = 2; insert into lines select * from lines where order_id < 3")
    reader = read(lines("order_id"))
    (loaded,) = reader.extract().loaded
    assert (loaded.rows_read, loaded.rows_loaded, loaded.rows_quarantined) == (12, 10, 2)
    assert len(lines_loaded(reader)) == 10
    quarantine = quarantine_of(reader, "lines")
    assert quarantine.failures == 2
    assert "the key order_id = 1 comes 2 times with equal records, and is kept once (1, first" in quarantine.message


def test_a_view_and_a_key_wider_than_the_constraint(read: Read, db: Postgres) -> None:
    """A view has no constraint, so its rows are looked at; a constraint on a part of the key is enough."""
    db.sql("create view seen as select * from calls; grant select on seen to reader")
    view = {**calls(), "config": {"meta": {"object": "seen", "primary_key": ["id"], "cursor": "updated_at"}}}
    reader = read(view)
    reader.extract()
    assert current_calls(reader) == truth(db)
    db.sql(
        "create or replace view seen as select * from calls"
        " union all select id, 'Eve', 1::numeric(10, 2), updated_at from calls"
    )
    db.set_clock("2024-03-01 00:00:00+00")
    assert {loaded.rows_quarantined for loaded in reader.extract().loaded} == {80}
    assert current_calls(reader) == truth(db)


def test_a_renamed_column_stops_its_table_alone(read: Read, db: Postgres) -> None:
    reader = read()
    reader.extract()
    db.sql("alter table calls rename minutes to duration; insert into teams values ('Green', 'South')")
    before = reader.sql("select * from raw_telephony.calls order by all")
    with pytest.raises(ScorecardError, match=r"public\.calls has no field minutes any more") as error:
        reader.extract()
    assert str(reader.declaration) in error.value.cure
    assert "staging model of calls" in error.value.cure
    assert reader.sql("select * from raw_telephony.calls order by all") == before
    assert ("Green",) in reader.current("teams", "name")


def test_a_changed_contract_reads_all_again_and_finds_deletes(read: Read, db: Postgres) -> None:
    read(calls()).extract()
    db.sql("delete from calls where id = 5; alter table calls add team text default 'Blue'")
    reader = read(calls(team="varchar"))
    reader.extract()
    assert {team for (team,) in reader.current("calls", "team")} == {"Blue"}
    assert reader.tombstones("calls") == {5: "no longer in the service"}
    assert current_calls(reader) == truth(db)


def test_a_table_that_lost_too_much_is_held_until_confirmed(read: Read, db: Postgres) -> None:
    """What is confirmed is the loss: the table is in use, and other rows of it change meanwhile."""
    reader = read(TEAMS)
    reader.extract()
    before = reader.current("teams", "name")
    (kept,) = before[1]
    db.sql("delete from teams where name <> '" + kept + "'")
    reader.suspect_lost_share = 0.2
    with pytest.raises(Suspect, match=r"telephony/teams is suspect: it lacks 1 of the 2 records") as error:
        reader.extract()
    assert reader.current("teams", "name") == before
    ((lost,),) = [row for row in before if row != (kept,)]
    assert error.value.sha256 == hashlib.sha256(f"{lost}\n".encode()).hexdigest()
    (trouble,) = troubles.read_all(reader.settings)
    assert (trouble.kind, trouble.object, trouble.file, trouble.business_unit) == (
        "suspect",
        "teams",
        "teams",
        "Simulated",
    )

    confirm(reader.settings, load_contracts(reader.settings)["telephony"], "teams", error.value.sha256)
    db.sql("insert into teams values ('New', 'West')")
    reader.extract()
    assert sorted(reader.current("teams", "name")) == sorted([(kept,), ("New",)])
    assert troubles.read_all(reader.settings) == []


def test_another_database_is_read_too(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with sqlite3.connect(path) as lite:
        lite.execute("create table calls (id integer primary key, agent text, minutes numeric(10,2), at datetime)")
        lite.execute("insert into calls values (1, 'Ann \"x\"', 1.5, '2024-01-01 10:00:00'), (2, null, 2, null)")
    lite.close()
    columns = {"id": "bigint", "agent": "varchar", "minutes": "decimal(18,2)", "at": "timestamp"}
    where = {"host": f"sqlite:///{path}", "login": "", "password": ""}
    reader = read(table("calls", columns, primary_key="id", cursor="at"), connection=where)
    reader.extract()
    assert reader.current("calls", 'id, agent, minutes, "at"') == [
        (1, 'Ann "x"', Decimal("1.50"), datetime(2024, 1, 1, 10)),
        (2, None, Decimal("2.00"), None),
    ]


def test_a_value_that_is_none_of_its_type_takes_its_row_alone(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with sqlite3.connect(path) as lite:
        lite.execute("create table calls (id integer primary key, day date, at datetime, minutes numeric, note text)")
        lite.executemany(
            "insert into calls values (?, ?, ?, ?, ?)",
            [
                (1, "2024-01-31", "2024-01-01 10:00:00", 1.5, "x"),
                (2, "2024-02-31", "2024-01-01 10:00:00", 2, "x"),
                (3, "31.01.2024", "2024-01-01 10:00:00", 3, "x"),
                (4, "2024-01-31", "yesterday", 4, "x"),
                (5, "2024-01-31", "2024-01-01 10:00:00", "1,5", "x"),
                (6, None, None, None, None),
            ],
        )
    lite.close()
    columns = {"id": "bigint", "day": "date", "at": "timestamp", "minutes": "decimal(18,2)"}
    where = {"host": f"sqlite:///{path}", "login": "", "password": ""}
    reader = read(table("calls", columns, primary_key="id"), connection=where)
    reader.extract()
    assert reader.current("calls", "id, day, minutes") == [
        (1, date(2024, 1, 31), Decimal("1.50")),
        (6, None, None),
    ]
    assert reader.sql("select record_key, reason from raw_telephony._quarantine order by all") == [
        ("2", 'day: "2024-02-31" is no date'),
        ("3", 'day: "31.01.2024" is no date'),
        ("4", 'at: "yesterday" is no timestamp'),
        ("5", 'minutes: "1,5" is no decimal(18,2)'),
    ]

    declared = {**columns, "note": "decimal(18,2)"}
    formats = {"date_format": "%d.%m.%Y", "decimal_separator": ",", "null_values": ["x"]}
    reader = read(table("calls", declared, primary_key="id", **formats), connection=where)
    reader.extract()
    assert reader.current("calls", "id, day, minutes, note") == [
        (1, date(2024, 1, 31), Decimal("1.50"), None),
        (3, date(2024, 1, 31), Decimal("3.00"), None),
        (5, date(2024, 1, 31), Decimal("1.50"), None),
        (6, None, None, None),
    ]


# What follows asks the connector alone, which is quick.


def connector_of(reader: Reader) -> Sql:
    sql_connector = connector(reader.settings, load_contracts(reader.settings)["telephony"])
    assert isinstance(sql_connector, Sql)
    return sql_connector


def pages_of(reader: Reader, cursor: dict[str, Any] | None = None, again: bool = False, name: str = "calls") -> Any:
    (contract,) = (o for o in load_contracts(reader.settings)["telephony"].objects if o.name == name)
    return connector_of(reader).pages(contract.object, [contract], cursor, again)


def ids_of(records: Any) -> list[int]:
    return [json.loads(record)["id"] for record in records]


def test_a_table_is_read_as_it_was_at_one_moment(read: Read, db: Postgres) -> None:
    pages = pages_of(read(page_size=15))
    first = next(pages)
    db.sql("update calls set agent = 'torn', updated_at = '2024-01-01 00:00:00+00'; insert into calls values (99)")
    rest = list(pages)
    records = [json.loads(record) for page in (first, *rest) for record in page.records]
    assert [record["id"] for record in records] == list(range(1, 41))
    assert {record["agent"] for record in records} == {"Ann"}


def test_a_read_that_breaks_off_goes_on_from_its_last_page(read: Read, db: Postgres) -> None:
    reader = read(page_size=15, overlap_seconds=0)
    pages = pages_of(reader)
    first = next(pages)
    db.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
    with pytest.raises(ScorecardError, match="broke off") as error:
        list(pages)
    assert PASSWORD not in str(error.value)
    (rest,) = [page for page in pages_of(reader, first.cursor) if page.records][:1]
    assert ids_of(rest.records)[0] == 15, "the last of the first page, which others could share their moment with"


def test_numbers_say_what_is_new_too(read: Read, db: Postgres) -> None:
    db.sql("update calls set id = id + 5000 where id > 20")
    meta = {"object": "calls", "primary_key": "id", "cursor": "id"}
    reader = read(table("calls", {"id": "bigint", "agent": "varchar"}, **meta))
    (page,) = pages_of(reader)
    assert page.cursor == {"since": "5040", "reconciled_at": "2024-01-01T00:00:00+00:00"}
    (page,) = pages_of(reader, page.cursor)
    assert ids_of(page.records) == list(range(5021, 5041)), "those that may have been committed late"


def test_days_say_what_is_new_too(read: Read, db: Postgres) -> None:
    db.sql("alter table calls alter updated_at type date using (updated_at at time zone 'UTC')::date")
    reader = read(calls(updated_at="date"), overlap_seconds=1)
    (page,) = pages_of(reader)
    (page,) = pages_of(reader, page.cursor)
    assert len(page.records) == 40, "the day before, whole"


def test_older_rows_may_be_left_out_and_are_not_gone(read: Read, db: Postgres) -> None:
    dated = calls()
    dated["config"]["meta"]["dated"] = True
    reader = read(dated, start_date="2023-12-02")
    (page,) = pages_of(reader)
    assert ids_of(page.records) == list(range(24, 41))
    pages = list(pages_of(reader, {}, again=True))
    assert sorted(int(record_id) for page in pages for record_id in page.ids) == list(range(1, 41))
    assert sorted(record_id for page in pages for record_id in ids_of(page.records)) == list(range(24, 41))


def test_names_are_data(read: Read, db: Postgres) -> None:
    db.sql('''
        create schema "Sales; drop"; grant usage on schema "Sales; drop" to reader;
        create table "Sales; drop"."call ""log""" ("Id" int, "part" text, "a%b:c'""" date, primary key ("Id", "part"));
        insert into "Sales; drop"."call ""log""" values (1, 'x, y', '2024-01-01');
        grant select on "Sales; drop"."call ""log""" to reader;
    ''')
    declared = table(
        "log",
        {"id": "bigint", "part": "varchar", "a": "date"},
        object='Sales; drop.call "log"',
        primary_key=["id", "part"],
    )
    declared["columns"][0]["config"] = {"meta": {"header": "Id"}}
    declared["columns"][2]["config"] = {"meta": {"header": "a%b:c'\""}}
    reader = read(declared)
    connector_of(reader).check(load_contracts(reader.settings)["telephony"].objects[0])
    first, last = pages_of(reader, name="log")
    assert json.loads(first.records[0]) == {"Id": 1, "part": "x, y", "a%b:c'\"": "2024-01-01"}
    assert (first.ids, last.complete_at) == (["1, x\\, y"], datetime(2024, 1, 1, tzinfo=UTC))


def test_columns_that_may_not_be_read_are_left_out(read: Read, db: Postgres) -> None:
    db.sql("""
        alter table calls add secret text default 'x';
        revoke select on calls from reader; grant select (id, agent, minutes, updated_at) on calls to reader;
    """)
    reader = read(calls())
    connector_of(reader).check(load_contracts(reader.settings)["telephony"].objects[0])
    (page,) = pages_of(reader)
    assert set(json.loads(page.records[0])) == {"id", "agent", "minutes", "updated_at"}


@pytest.mark.parametrize(
    ("change", "problem", "cure"),
    [
        ("alter table calls alter minutes type text", "is a text in the database, and a decimal", "type of minutes"),
        ("alter table calls alter updated_at type timestamp", "is a timestamp in the database", "data_type"),
        ("alter table calls alter agent type bytea using agent::bytea", "is a binary in the database", "agent"),
        ("alter table calls alter id type numeric(10, 2)", "whose keys can't be compared as bigint", "data_type of id"),
        ("alter table calls drop agent", "has no field agent any more", "staging model"),
        ("drop table calls", "has no table public.calls", "config.meta.object"),
        (
            "revoke select on calls from reader",
            "refuses the user of the connection scorecard_telephony",
            "select on the table",
        ),
        ("revoke usage on schema public from reader", "permission denied for schema public", "usage on the schema"),
    ],
)
def test_what_cannot_be_read_is_said(read: Read, db: Postgres, change: str, problem: str, cure: str) -> None:
    reader = read(calls())
    contract = load_contracts(reader.settings)["telephony"].objects[0]
    connector_of(reader).check(contract)
    db.sql(change)
    with pytest.raises(ScorecardError, match=problem) as error:
        connector_of(reader).check(contract)
    assert cure in error.value.cure


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"login": "nobody_at_all"}, "password authentication failed"),
        ({"host": "postgresql://127.0.0.1:1/postgres"}, "Connection refused"),
        ({"host": "PORT/elsewhere"}, 'database "elsewhere" does not exist'),
        ({"host": "db.example.com"}, "no address of a database"),
        ({"host": ""}, "no address of a database"),
        ({"host": "postgresql://db.example.com:many/telephony"}, "no address of a database"),
        ({"host": "postgresql://db.example.com\x00/telephony"}, "no address of a database"),
        ({"host": f"postgresql://me:{PASSWORD}@127.0.0.1/postgres"}, "holds a user or a password"),
        ({"host": "oracle+nothing://127.0.0.1/x"}, "No driver for oracle"),
    ],
)
def test_who_is_not_let_in_is_told_why(read: Read, db: Postgres, connection: dict[str, str], problem: str) -> None:
    if connection.get("host", "").startswith("PORT"):
        connection = {"host": f"postgresql://127.0.0.1:{db.port}/elsewhere"}
    reader = read(connection=connection)
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert not access.reached
    assert problem in access.missing[0]
    assert PASSWORD not in access.missing[0]
    assert "wrong" not in access.missing[0]


def test_check_says_who_and_what(read: Read, db: Postgres) -> None:
    db.sql("drop table teams")
    reader = read()
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert (access.reached, access.who) == (True, "reader at 127.0.0.1, database postgres")
    assert access.reads == ("public.calls",)
    assert "no table teams" in access.missing[0]
    own = ServiceSettings(business_unit="x", currency="EUR")
    login = Connection(host=db.url, login=READER, password=PASSWORD)
    assert PASSWORD not in repr(Sql("x", own, login).engine)


def test_two_tables_of_one_have_to_agree(read: Read) -> None:
    other = table("other", {"id": "bigint", "agent": "varchar"}, object="public.calls", primary_key="agent")
    reader = read(calls(), other)
    source = load_contracts(reader.settings)["telephony"]
    with pytest.raises(ScorecardError, match=r"of public\.calls have different keys"):
        next(connector_of(reader).pages("public.calls", list(source.objects), None, False))
