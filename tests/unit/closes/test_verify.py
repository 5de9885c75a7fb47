import json
import re
import shutil

import pytest

from scorecard import steps
from scorecard.closes.store import FILES, content_sha256, json_bytes, sha256_of
from scorecard.closes.verify import figure_ids, verify
from scorecard.delivery.ledger import Key, opened
from scorecard.shared.errors import ScorecardError
from scorecard.steps import verify as verify_all


def problems(world, check=verify):
    result = check(world.settings)
    assert result["ok"] == (not result["broken"])
    return [(entry["close_id"], entry["problem"]) for entry in result["broken"]]


def test_an_archive_without_closes_proves_nothing(world):
    assert problems(world) == [(None, f"There are no closes in {world.settings.archive}, so nothing is proved.")]


def test_an_emptied_archive_is_broken_and_gets_no_new_close(world):
    made = world.close()
    shutil.rmtree(world.settings.archive)
    assert problems(world) == [
        (made.close_id, "It is missing: closes.made names it as the newest close that was made.")
    ]
    with pytest.raises(ScorecardError, match=r"It is missing.*") as caught:
        world.close()
    assert "closes.made" in caught.value.cure
    (world.settings.state / "closes.made").unlink()
    assert world.close().created


def test_an_archive_set_back_to_an_older_copy_is_found(world, tmp_path):
    world.close("2017-Q3")
    shutil.copytree(world.settings.archive, tmp_path / "copy")
    newest = world.close("2017-Q4")
    shutil.rmtree(world.settings.archive)
    shutil.copytree(tmp_path / "copy", world.settings.archive)
    assert [close_id for close_id, _ in problems(world)] == [newest.close_id]


def test_any_flipped_bit_in_any_file_is_found(chain):
    world, closes = chain
    assert problems(world) == []
    for made in closes:
        for name in (*FILES, "manifest.json"):
            path = made.path / name
            content = path.read_bytes()
            for place in {0, len(content) // 2, len(content) - 1}:
                damaged = bytearray(content)
                damaged[place] ^= 1
                path.write_bytes(damaged)
                problems_now = problems(world)
                assert problems_now, f"{path} at {place}"
                assert made.close_id in {close_id for close_id, _ in problems_now}, f"{path} at {place}: {problems_now}"
            path.write_bytes(content)
    assert problems(world) == []


def test_missing_and_extra_files_are_named(chain):
    world, (first, *_) = chain
    (first.path / "values.parquet").unlink()
    (first.path / "note.txt").write_text("hello")
    assert problems(world) == [
        (first.close_id, "values.parquet is missing."),
        (first.close_id, "note.txt is not of this close."),
    ]


def test_a_close_missing_in_the_middle_is_named(chain):
    world, (_, second, third) = chain
    shutil.rmtree(second.path)
    ((close_id, problem),) = problems(world)
    assert close_id == third.close_id
    assert second.close_id in problem


@pytest.mark.parametrize("gone", [0, 2])
def test_a_missing_first_or_newest_close_is_found(chain, gone):
    world, closes = chain
    shutil.rmtree(closes[gone].path)
    assert any(closes[gone].close_id in f"{close_id} {problem}" for close_id, problem in problems(world))


def test_an_archive_that_lost_all_closes_is_broken(chain):
    world, closes = chain
    for made in closes:
        shutil.rmtree(made.path)
    assert problems(world) == [(closes[-1].close_id, "It is missing: the chain's head names it as the newest close.")]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_edited_close_with_a_matching_manifest_breaks_the_chain(chain, which):
    world, closes = chain
    path = closes[which].path
    (path / "restatements.json").write_bytes(json_bytes([{"figure_id": "F001"}]))
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"]["restatements.json"] = sha256_of(path / "restatements.json")
    manifest["content_sha256"] = content_sha256(manifest["files"])
    (path / "manifest.json").write_bytes(json_bytes(manifest))
    ((close_id, problem),) = problems(world)
    assert close_id == closes[which].close_id
    assert "another hash" in problem


def test_swapped_numbers_are_found(chain):
    world, closes = chain
    for made, number in zip(closes, (2, 1, 3), strict=True):
        path = made.path / "manifest.json"
        path.write_text(path.read_text().replace('"sequence": ', f'"sequence": {number} * 0 + ').replace("* 0 + ", ""))
    assert problems(world)


def test_a_folder_that_is_no_close_is_named(chain):
    world, _ = chain
    (world.settings.archive / "stray").mkdir()
    assert problems(world) == [("stray", "The close stray has no manifest.json.")]


def test_a_manifest_of_another_folder_is_found(chain):
    world, (first, *_) = chain
    first.path.rename(first.path.with_name("sales-2018-Q1-e1"))
    assert (
        "sales-2018-Q1-e1",
        "The manifest in the folder sales-2018-Q1-e1 is of 'sales-2017-Q3-e1'.",
    ) in problems(world)


def test_a_lost_head_is_found(chain):
    world, _ = chain
    (world.settings.archive / "chain.json").unlink()
    assert problems(world) == [(None, "chain.json is missing or older than the newest close.")]
    (world.settings.archive / "chain.json").write_text("{")
    assert problems(world)


def test_a_head_set_back_to_pass_for_a_killed_run_is_found(chain):
    world, closes = chain
    head = json.loads((world.settings.archive / "chain.json").read_text())
    (world.settings.archive / "chain.json").write_bytes(json_bytes({**head, "sequence": head["sequence"] - 1}))
    ((close_id, problem),) = problems(world)
    assert close_id == closes[-2].close_id
    assert "the chain's head knows it by another hash" in problem


def mail(world, made, content=None):
    """Note in the ledger that a close was mailed."""
    name, period, edition = re.fullmatch(r"([a-z]+)-(.+)-e(\d+)", made.close_id).groups()
    key = Key(name, period, edition, "cfo@example.com")
    manifest = json.loads((made.path / "manifest.json").read_text())
    with opened(world.settings) as ledger:
        ledger.claim(key, "en", "<x@example.com>", content or manifest["content_sha256"])
        ledger.set_state(key, "sent")


def test_a_mailed_close_must_be_in_the_archive(chain):
    world, closes = chain
    for made in closes:
        mail(world, made)
    assert problems(world, verify_all) == []
    shutil.rmtree(world.settings.archive)
    assert problems(world, verify_all) == [(made.close_id, "It is missing, though it was mailed.") for made in closes]


def test_a_mailed_close_must_have_the_same_content(chain):
    world, closes = chain
    mail(world, closes[1], content="another")
    assert problems(world, verify_all) == [(closes[1].close_id, "It was mailed with other content than it has now.")]


def swap_content(world, made):
    mail(world, made, content="another")


def damage_head(world, made):
    (world.settings.archive / "chain.json").write_text("{")


def lose_head(world, made):
    (world.settings.archive / "chain.json").unlink()


def flip_bit(world, made):
    path = made.path / "checks.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def lose_ledger(world, made):
    mail(world, made)
    world.settings.ledger.unlink()


@pytest.mark.parametrize("breaks", [swap_content, damage_head, lose_head, flip_bit, lose_ledger])
def test_a_broken_close_is_neither_traced_nor_opened(chain, one_figure, breaks):
    world, closes = chain
    figure = one_figure(closes[1], "won_value")
    assert steps.trace(world.settings, figure)["equal"]
    assert steps.open_close(world.settings, closes[1].close_id) == closes[1].path
    breaks(world, closes[1])
    assert not verify_all(world.settings)["ok"]
    for read in (
        lambda: steps.trace(world.settings, figure),
        lambda: steps.open_close(world.settings, closes[1].close_id),
    ):
        with pytest.raises(ScorecardError):
            read()


def test_figures_of_a_changed_close_have_no_id(chain):
    world, closes = chain
    assert any(figure.startswith(closes[1].close_id) for figure in figure_ids(world.settings).values())
    path = closes[1].path / "values.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    assert not any(figure.startswith(closes[1].close_id) for figure in figure_ids(world.settings).values())


def test_a_mailed_close_beyond_the_head_is_broken(chain):
    world, closes = chain
    manifest = json.loads((closes[-1].path / "manifest.json").read_text())
    before = {**manifest["previous"], "sequence": manifest["sequence"] - 1}
    (world.settings.archive / "chain.json").write_bytes(json_bytes(before))
    assert problems(world, verify_all) == [], "a killed run leaves the head one close behind"
    mail(world, closes[-1])
    assert problems(world, verify_all) == [
        (closes[-1].close_id, "chain.json is older than this close, though it was mailed.")
    ]
