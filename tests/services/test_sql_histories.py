"""Whatever happens to a table, and wherever a run ends, the warehouse ends with the table's own rows."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Reader
from .histories import HISTORIES, kill
from .postgres import PASSWORD, READER, Postgres
from .test_sql import calls, current_calls, declare, standing, table, truth

pytestmark = pytest.mark.xdist_group("postgres")

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NUMBERS = st.integers(1, 6)
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("delete"), NUMBERS, st.just(0)),
    st.tuples(st.just("late"), NUMBERS, st.integers(0, 900)),
    st.tuples(st.just("silent"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 86_400, 8 * 86_400]), st.just(0)),
    st.tuples(st.just("extract"), st.just(0), st.just(0)),
    st.tuples(st.just("kill"), st.integers(1, 2), st.just(0)),
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def act(db: Postgres, reader: Reader, step: tuple[str, int, int]) -> None:
    what, number, value = step
    put = (
        "insert into calls values (%s, %s, %s, public.now() - %s * interval '1 second') on conflict (id) do update"
        " set agent = excluded.agent, minutes = excluded.minutes, updated_at = excluded.updated_at"
    )
    match what:
        case "put":
            db.sql(put, number, f"A{value}", value or None, 0)
            db.sql("delete from teams where name = %s", f"T{number}")
            db.sql("insert into teams values (%s, %s)", f"T{number}", f"R{value}")
        case "late":
            # Committed now, stamped before: within what is read again, or beyond it.
            db.sql(put, number + 50, "late", value, value)
        case "silent":
            # A repair by hand, which moves no stamp.
            db.sql("update calls set agent = %s where id = %s", f"S{value}", number)
        case "delete":
            db.sql("delete from calls where id = %s", number)
            db.sql("delete from teams where name = %s", f"T{number}")
        case "wait":
            db.sql("update clock set at = at + %s", timedelta(seconds=number))
        case "extract":
            reader.extract()
        case "kill":
            kill(reader, loaded=number == 2)


@settings(HISTORIES, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, max_size=6))
def test_any_history_ends_in_the_tables_own_rows(
    server: Postgres, folder: Path, steps: list[tuple[str, int, int]]
) -> None:
    server.fresh()
    server.sql("""
        create table calls (id bigint primary key, agent text, minutes numeric(10, 2), updated_at timestamptz);
        create table teams (name text primary key, region text);
        insert into calls values (1, 'A', 1, now());
        grant select on all tables in schema public to reader;
    """)
    server.set_clock(BEGIN)
    root = folder / "telephony"
    shutil.rmtree(root, ignore_errors=True)
    declare(root, calls(), table("teams", {"name": "varchar", "region": "varchar"}, primary_key="name"))
    login = {"login": READER, "password": PASSWORD}
    reader = Reader(root, "telephony", standing(server), login, {"page_size": 2, "concurrency": 1})
    for step in steps:
        act(server, reader, step)
    # By then nothing can hide: the comparison of keys, which reads all rows, is due.
    server.sql("update clock set at = at + interval '8 days'")
    reader.extract()
    assert current_calls(reader) == truth(server)
    assert reader.current("teams", "name, region") == server.sql("select name, region from teams order by name")
    again = "select id from raw_telephony.calls where _valid_to is null group by id having count(*) > 1"
    assert reader.sql(again) == []
