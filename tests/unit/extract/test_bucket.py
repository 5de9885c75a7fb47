"""Exports in a bucket: its list decides what is copied, and what was copied is read as a local file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.s3 import S3
from scorecard.extract import connectors, extract_source, load_contracts
from scorecard.extract.files import bucket
from scorecard.extract.files.bucket import Bucket
from scorecard.extract.files.originals import Originals
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, Settings, SourceSettings

from .conftest import ORDERS, VISITS, YAML, Shop

SECRET = "s3cret/of+the=bucket"


@pytest.fixture
def s3() -> Iterator[S3]:
    s3 = S3(Store(datetime(2024, 1, 1, tzinfo=UTC)), page_size=2)
    s3.objects = {"in/shop/orders.csv": ORDERS.encode(), "in/shop/visits.csv": VISITS.encode(), "in/shopping.csv": b"x"}
    with s3:
        yield s3


def settings_of(shop: Shop, s3: S3, url: str = "s3://reports/in/shop", **connection: Any) -> Settings:
    where = {"host": s3.url, "login": s3.key_id, "password": SECRET, "extra": {"region": "eu-central-1"}, **connection}
    return shop.settings.model_copy(
        update={"sources": {"shop": SourceSettings(url=url)}, "connections": {"shop": Connection.model_validate(where)}}
    )


def test_what_the_list_says_is_new_is_copied_and_loaded(shop: Shop, s3: S3) -> None:
    shop.yaml.write_text(YAML.replace("file: orders.csv", 'file: "orders*.csv"'))
    settings = settings_of(shop, s3)
    first = extract_source(settings, shop.source)
    assert {table.name: table.rows_read for table in first.loaded} == {"orders": 4, "visits": 2}
    assert shop.query("select distinct _source_file from raw_shop.orders") == [("shop/orders.csv",)]

    s3.seen.clear()
    assert extract_source(settings, shop.source).load_id is None
    assert s3.requests("/in/") == [], "only the list was asked for"

    s3.objects["in/shop/orders-2.csv"] = b"order_id,amount,ordered_on,note\nB1,1,2024-02-01,\n"
    again = extract_source(settings, shop.source)
    assert [(table.name, table.rows_new, table.rows_retired) for table in again.loaded] == [("orders", 1, 0)]
    assert not s3.requests("visits.csv")
    assert extract_source(settings, shop.source).load_id is None
    assert list((shop.settings.state / "dlt").glob("*")) == [shop.settings.state / "dlt/shop.lock"], "no copy is left"


def test_a_copy_passes_by_a_fault(shop: Shop, s3: S3) -> None:
    s3.faults.on(Fault.SERVER_ERROR, path="orders.csv")
    s3.faults.on(Fault.DROPPED, path="visits.csv")
    extract_source(settings_of(shop, s3), shop.source)
    assert len(shop.current()) == 4


def bucket_of(shop: Shop, settings: Settings) -> Bucket:
    shop.settings.state.mkdir(exist_ok=True)
    return Bucket(settings, shop.source, {}, Originals(settings, shop.settings.state))


@pytest.mark.parametrize(
    ("url", "connection", "message", "cure"),
    [
        ("s3://reports/in/shop", {"login": "AKWRONG"}, "may not be", "s3:ListBucket"),
        ("s3://nowhere/in/shop", {}, "cannot be", "url"),
        (
            "s3://reports/elsewhere",
            {},
            "lacks s3://reports/elsewhere/orders.csv; below",
            "Put the export",
        ),
        ("s3://reports/in/shop", {"host": "http://127.0.0.1:1"}, "cannot be", "host and extra.region"),
    ],
)
def test_what_cannot_be_read_is_said(
    shop: Shop, s3: S3, monkeypatch: pytest.MonkeyPatch, url: str, connection: dict[str, str], message: str, cure: str
) -> None:
    monkeypatch.setitem(bucket.TIMEOUT, "retries", {"max_attempts": 1})
    settings = settings_of(shop, s3, url, **connection)
    with pytest.raises(ScorecardError) as error:
        bucket_of(shop, settings).fetch(shop.source.objects[0])
    assert message in error.value.problem
    assert url in error.value.problem
    assert cure in error.value.cure
    assert SECRET not in str(error.value)
    (checked,) = connectors.check(settings, load_contracts(settings))
    assert checked.missing
    assert SECRET not in str(checked)


def test_an_address_that_is_none_is_said(shop: Shop, s3: S3) -> None:
    settings = settings_of(shop, s3, host="storage.internal:9000")
    (checked,) = connectors.check(settings, load_contracts(settings))
    assert "The host of the connection scorecard_shop lacks the https://" in checked.missing[0]


def test_an_object_that_may_not_be_read_is_said(shop: Shop, s3: S3) -> None:
    s3.refused.add("in/shop/orders.csv")
    with pytest.raises(ScorecardError, match="may not be read: Access Denied") as error:
        bucket_of(shop, settings_of(shop, s3)).fetch(shop.source.objects[0])
    assert "s3:GetObject" in error.value.cure


def test_a_file_that_changes_meanwhile_is_given_up(shop: Shop, s3: S3) -> None:
    place = bucket_of(shop, settings_of(shop, s3))
    assert place.names(shop.source.objects[0]) == ["orders.csv"]
    s3.objects["in/shop/orders.csv"] += b"A9,1,2024-01-01,\n"
    with pytest.raises(ScorecardError, match=r"orders\.csv changed while it was copied"):
        place.fetch(shop.source.objects[0])


def test_names_in_a_bucket_are_no_paths(shop: Shop, s3: S3) -> None:
    shop.yaml.write_text(YAML.replace("file: orders.csv", 'file: "*"'))
    s3.objects = {"in/shop/x/": b"", "in/shop/": b"", "in/shop/x..%2F..%2Fy'.csv": ORDERS.encode()}
    (file,) = bucket_of(shop, settings_of(shop, s3)).fetch(shop.source.objects[0])
    assert file.path == shop.settings.original(file.sha256)
    assert file.name == "shop/x..%2F..%2Fy'.csv"


def test_a_large_file_comes_whole(shop: Shop, s3: S3) -> None:
    s3.objects["in/shop/orders.csv"] = bytes(range(256)) * (256 << 10)
    (file,) = bucket_of(shop, settings_of(shop, s3)).fetch(shop.source.objects[0])
    assert file.path.read_bytes() == s3.objects["in/shop/orders.csv"]


def test_check_says_who_and_what(shop: Shop, s3: S3) -> None:
    del s3.objects["in/shop/visits.csv"]
    settings = settings_of(shop, s3)
    (checked,) = connectors.check(settings, load_contracts(settings))
    assert (checked.reached, checked.who) == (True, "s3://reports/in/shop, with the key AKIDSANDBOX")
    assert (checked.reads, checked.missing) == (("orders.csv",), ("shop/visits.csv is not there",))


@pytest.mark.parametrize("url", ["gs://reports", "s3://", "s3://key:secret@reports/in", "file:///etc", "reports"])
def test_other_places_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        SourceSettings(url=url)
