"""A file is copied once under its hash and read from that copy: what is loaded is of one version, whatever happens."""

import hashlib
import os
import stat
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scorecard.extract.files import originals
from scorecard.shared.errors import ScorecardError, Temporary

from .conftest import ORDERS, VISITS, YAML, Shop
from .test_excel_and_parquet import HEADER, ROW, parquet, workbook

OLD = ("order_id,amount,ordered_on,note\n" + "".join(f"A{i},1,2024-01-01,old\n" for i in range(9))).encode()
NEW = OLD.replace(b",1,", b",2,").replace(b"old", b"new")


def rewrite(path: Path) -> None:
    """Write over a file without truncating it, as a copy over a network share does."""
    with path.open("r+b") as file:
        file.write(NEW)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(NEW.partition(b"\n")[2].replace(b"A", b"B"))


CHANGES = {
    "rewritten in place": rewrite,
    "truncated and rewritten": lambda path: path.write_bytes(NEW),
    "appended to": append,
}


def version(shop: Shop) -> str:
    """The hash of the version that was loaded, once it is certain that its rows are of no other."""
    ((sha256,),) = shop.query("select source_sha256 from raw_shop._loaded_files where object = 'orders'")
    content = shop.settings.original(sha256).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    rows = shop.query("select order_id, amount::int::varchar, ordered_on::varchar, note from raw_shop.orders")
    assert sorted(rows) == sorted(tuple(line.split(",")) for line in content.decode().splitlines()[1:])
    return str(sha256)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["sha256_of", "copyfileobj"])
def test_a_file_that_changes_while_it_is_copied_is_copied_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str, place: str
) -> None:
    """Between the two looks at it, and in the middle of the second."""
    path = shop.root / "data/shop/orders.csv"
    shop.write(OLD)
    owner = originals if place == "sha256_of" else originals.shutil
    inner, done = getattr(owner, place), []

    def outer(file: Any, *args: Any) -> Any:
        name = str(file) if place == "sha256_of" else file.name
        if name == str(path) and not done:
            done.append(True)
            if place == "copyfileobj":
                file.read(10)
                CHANGES[change](path)
                file.seek(0)
                return inner(file, *args)
            result = inner(file, *args)
            CHANGES[change](path)
            return result
        return inner(file, *args)

    monkeypatch.setattr(owner, place, outer)
    shop.extract()
    assert version(shop) == hashlib.sha256(path.read_bytes()).hexdigest() != hashlib.sha256(OLD).hexdigest()


def test_a_file_that_changes_all_the_time_is_refused(loaded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = loaded.everything()
    path = loaded.root / "data/shop/orders.csv"
    loaded.write(OLD)
    inner = originals.sha256_of

    def outer(file: Path) -> str:
        if file == path:
            append(path)
        return inner(file)

    monkeypatch.setattr(originals, "sha256_of", outer)
    with pytest.raises(Temporary, match=r"shop/orders\.csv changed while it was copied, 3 times") as error:
        loaded.extract()
    assert "by renaming" in error.value.cure
    assert loaded.everything() == before


def test_a_file_that_is_rewritten_over_and_over_is_loaded_whole_or_not_at_all(shop: Shop) -> None:
    path = shop.root / "data/shop/orders.csv"
    one = OLD + b"".join(b"C%d,1,2024-01-01,old\n" % i for i in range(40_000))
    two = one.replace(b",1,", b",2,").replace(b"old", b"new")
    path.write_bytes(one)
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            for content in (two, one):
                with path.open("r+b") as file:
                    for start in range(0, len(content), 50_000):
                        file.write(content[start : start + 50_000])
                        file.flush()
                time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            with suppress(Temporary):
                shop.extract()
    finally:
        over.set()
        writer.join()
    shop.extract()
    known = {hashlib.sha256(content).hexdigest() for content in (one, two)}
    loaded = shop.query("select source_sha256 from raw_shop._loaded_files where object = 'orders' order by loaded_at")
    assert {sha256 for (sha256,) in loaded} <= known
    assert shop.query(
        "select count(*), count(distinct amount), count(distinct note) from raw_shop.orders where _valid_to is null"
    ) == [(40_009, 1, 1)]


@pytest.mark.parametrize("file", ["orders.csv", "orders.xlsx", "orders.parquet"])
def test_a_file_that_changes_after_it_was_copied_is_read_as_it_was(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    content = {"orders.csv": ORDERS.encode(), "orders.xlsx": workbook(HEADER, ["A1", 10, "2024-01-01", "x"])}
    content["orders.parquet"] = parquet(**ROW)
    shop.yaml.write_text(YAML.replace("orders.csv", file))
    shop.write(content[file], file)
    extraction = sys.modules["scorecard.extract.files.file_extraction"]
    inner = extraction.read_export

    def outer(*args: Any) -> Any:
        shop.write(b"something else", file)
        return inner(*args)

    monkeypatch.setattr(extraction, "read_export", outer)
    shop.extract()
    sha256 = hashlib.sha256(content[file]).hexdigest()
    assert shop.query("select distinct source_sha256 from raw_shop._loaded_files where object = 'orders'") == [
        (sha256,)
    ]
    assert shop.settings.original(sha256).read_bytes() == content[file]


def test_a_file_that_is_being_written_is_waited_for(shop: Shop) -> None:
    path = shop.root / "data/shop/orders.csv"
    shop.write(OLD)

    def write() -> None:
        for number in range(5):
            time.sleep(0.1)
            with path.open("a") as file:
                file.write(f"D{number},3,2024-01-01,late\n")

    writer = threading.Thread(target=write)
    writer.start()
    shop.extract(settle_seconds=0.6)
    writer.join()
    assert version(shop) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(shop.current()) == 14


def test_a_file_that_never_rests_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.root / "data/shop/orders.csv"
    monkeypatch.setattr(originals, "MAX_WAIT_SECONDS", 0.3)
    monkeypatch.setattr(time, "sleep", lambda _: append(path))
    with pytest.raises(Temporary, match=r"shop/orders\.csv is still being written"):
        shop.extract(settle_seconds=0.5)


def copies(shop: Shop) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in shop.settings.originals.glob("*/*")}


def named(*contents: str | bytes) -> dict[str, bytes]:
    encoded = [content.encode() if isinstance(content, str) else content for content in contents]
    return {hashlib.sha256(content).hexdigest(): content for content in encoded}


def test_each_version_is_kept_once_until_it_is_too_old(shop: Shop) -> None:
    shop.extract()
    shop.extract()
    assert copies(shop) == named(ORDERS, VISITS)
    kept = [*shop.settings.originals.glob("*/*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    shop.write(OLD)
    shop.extract()
    assert copies(shop) == named(ORDERS, VISITS, OLD)
    for path in shop.settings.originals.glob("*/*"):
        os.utime(path, (time.time() - 91 * 86_400,) * 2)
    shop.extract(originals_days=92)
    for path in shop.settings.originals.glob("*/*"):
        if path.read_bytes() == ORDERS.encode():
            os.utime(path, (time.time() - 91 * 86_400,) * 2)
    shop.extract(originals_days=92)
    assert copies(shop) == named(ORDERS, VISITS, OLD)
    shop.extract()
    assert copies(shop) == named(VISITS, OLD), "the versions that are there are of today"
    assert [*(shop.settings.state / "dlt").glob("*/*")] == []


def test_an_export_that_was_loaded_before_there_were_copies_is_copied(loaded: Shop) -> None:
    for path in loaded.settings.originals.glob("*/*"):
        path.unlink()
    assert loaded.extract().load_id is None
    assert copies(loaded) == named(ORDERS, VISITS)


def test_a_copy_that_was_damaged_is_not_read(loaded: Shop) -> None:
    before = loaded.everything()
    loaded.yaml.write_text(YAML.replace("decimal(18,2)", "decimal(18,4)"))
    copy = loaded.settings.original(hashlib.sha256(ORDERS.encode()).hexdigest())
    copy.write_bytes(ORDERS.replace("10.50", "99.50").encode())
    with pytest.raises(Temporary, match=r"The copy .* of shop/orders\.csv was damaged, and has been deleted"):
        loaded.extract()
    assert loaded.everything() == before
    loaded.extract()
    assert loaded.current()[0][1] == "10.50"


def test_a_full_disk_is_named(loaded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = loaded.everything()

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    loaded.write(OLD)
    monkeypatch.setattr(originals, "sync", full)
    with pytest.raises(ScorecardError, match="of an export cannot be written: No space left on device") as error:
        loaded.extract()
    assert "originals_days" in error.value.cure
    assert loaded.everything() == before
