"""The warehouse's values against those of the independent implementation: every period and member of what it knows."""

from collections import Counter
from decimal import Decimal

import duckdb
import pytest

from scorecard.catalogue import load_catalogue
from scorecard.shared.settings import load_settings

from .reference import Key, Value, all_values

Values = dict[Key, Value]
METRICS = sorted(load_catalogue(load_settings()).metrics)
# The other implementation takes a while: one worker does it, once.
pytestmark = pytest.mark.xdist_group("independent values")


@pytest.fixture(scope="module")
def expected() -> Values:
    settings = load_settings()
    return all_values(settings.data, settings.project / "company")


@pytest.fixture(scope="module")
def actual(connection: duckdb.DuckDBPyConnection) -> Values:
    rows = connection.execute(
        """select metric, grain, period_start, dimension, member,
            numerator, denominator, value, observations, na_reason, is_complete, at_most
        from scorecard.kpi_values"""
    ).fetchall()
    values = {
        Key(*row[:5]): Value(
            _whole(row[5], 4), _whole(row[6], 4), _whole(row[7], 8), row[8], row[9], row[10], _whole(row[11], 8)
        )
        for row in rows
    }
    assert len(values) == len(rows)
    return values


def _whole(number: Decimal | None, decimals: int) -> int | None:
    if number is None:
        return None
    scaled = number.scaleb(decimals)
    assert scaled == int(scaled)
    return int(scaled)


def _told(keys: list[Key], actual: Values, expected: Values) -> str:
    """How many by metric, and the first five with both sides."""
    lines = [f"{len(keys)} differ: {dict(Counter(key.metric for key in keys))}"]
    lines += [f"{key}\n  actual   {actual.get(key)}\n  expected {expected.get(key)}" for key in sorted(keys)[:5]]
    return "\n".join(lines)


def test_what_is_computed_a_second_time_is_a_metric(expected: Values) -> None:
    """And what isn't is named: a company may add metrics that the independent implementation lacks."""
    known = {key.metric for key in expected}
    assert known <= set(METRICS)
    if lacking := sorted(set(METRICS) - known):
        pytest.skip(f"not computed a second time: {', '.join(lacking)}")


def test_no_value_is_missing(actual: Values, expected: Values) -> None:
    missing = [key for key in expected if key not in actual]
    assert not missing, _told(missing, actual, expected)


def test_no_value_is_invented(actual: Values, expected: Values) -> None:
    known = {key.metric for key in expected}
    extra = [key for key in actual if key.metric in known and key not in expected]
    assert not extra, _told(extra, actual, expected)


def test_every_value_is_the_same(actual: Values, expected: Values) -> None:
    assert len({key.metric for key in expected}) >= 27
    different = [key for key in expected if key in actual and actual[key] != expected[key]]
    assert not different, _told(different, actual, expected)
