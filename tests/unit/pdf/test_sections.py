"""A section is a folder: its code, and the template beside it, which the package installs."""

import tomllib
from pathlib import Path

import jinja2
import pytest

from scorecard.shared.templates import fill
from tests.conftest import PROJECT

PACKAGE = PROJECT / "scorecard"
SECTIONS = [folder for folder in sorted((PACKAGE / "pdf" / "sections").iterdir()) if (folder / "__init__.py").exists()]


@pytest.mark.parametrize("folder", SECTIONS, ids=lambda folder: folder.name)
def test_a_section_has_one_template_of_its_name_which_the_scorecard_includes(folder: Path) -> None:
    assert [path.name for path in folder.glob("*.j2")] == [f"{folder.name}.html.j2"]
    scorecard = (PROJECT / "reports" / "templates" / "scorecard.html.j2").read_text(encoding="utf-8")
    assert f'include "pdf/sections/{folder.name}/{folder.name}.html.j2"' in scorecard


def test_the_package_installs_every_template() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["scorecard"]
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    assert len(SECTIONS) > 4
    assert set(PACKAGE.rglob("*.j2")) <= installed


def test_no_template_outside_the_product_is_filled(tmp_path: Path) -> None:
    (tmp_path / "outside.html.j2").write_text("outside", encoding="utf-8")
    reports = tmp_path / "reports"
    (reports / "templates").mkdir(parents=True)
    for name in ("../../outside.html.j2", str(tmp_path / "outside.html.j2")):
        with pytest.raises(jinja2.TemplateNotFound):
            fill(reports, name, {})
