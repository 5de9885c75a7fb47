"""The product's metric reference is tracked; a company's own is written beside what it publishes."""

import shutil
from pathlib import Path

from scorecard.reference.metrics_page import generate
from scorecard.scaffold.metric import start_metric
from scorecard.shared.settings import PROJECT, Settings


def test_a_metric_of_ones_own_changes_no_tracked_file(tmp_path: Path) -> None:
    for folder in ("dbt_project", "reports", "docs"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "scorecard.example.toml", tmp_path / "scorecard.toml")
    settings = Settings(project=tmp_path, out=tmp_path / "out")
    # A company's checkout has metrics of its own before.
    generate(settings, write=True)
    assert generate(settings, write=False) == []

    start_metric(settings, "deals_closed")
    assert generate(settings, write=False) == []
    assert generate(settings, write=True) == [tmp_path / "out" / "metrics.md"]
    text = (tmp_path / "out" / "metrics.md").read_text(encoding="utf-8")
    assert "## deals_closed" in text
    assert "## win_rate" not in text

    # Who adds it to the product says so.
    assert generate(settings, write=True, add=True) == [tmp_path / "docs" / "metrics.md"]
    assert "## deals_closed" in (tmp_path / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert generate(settings, write=False) == []
