"""The schemas for editors: they take every file of the product's, and mark what `scorecard check` refuses."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from scorecard.reference.schemas import SCHEMAS
from scorecard.shared.settings import PROJECT

FILES = {
    "core": "dbt_project/models/core/*.yml",
    "derived": "dbt_project/derived/*.yml",
    "dimensions": "dbt_project/dimensions/*.yml",
    "metric": "dbt_project/models/kpis/*.yml",
    "rules": "expectations/*.yml",
    "scorecard": "reports/*.yml",
    "source": "dbt_project/models/staging/*/_sources.yml",
}
WRONG = {
    "core": ("members: true", "members: rep"),
    "derived": ("expression:", "expresion:"),
    "dimensions": ("label:", "lable:"),
    "metric": ("unit: count", "unit: fortnights"),
    "rules": ("severity: error\n        why", "severity: severe\n        why"),
    "scorecard": ("cadences: [quarter]", "cadences: quarter"),
    "source": ("role: crm", "role: sales"),
}
# A company's checkout has no scorecard before it writes one.
OF_SAMPLES = [pytest.param(name, marks=pytest.mark.samples) if name == "scorecard" else name for name in FILES]


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((PROJECT / "docs" / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def files(name: str) -> list[Path]:
    return sorted(PROJECT.glob(FILES[name]))


def test_there_is_one_for_each_kind_of_file() -> None:
    assert {path.stem for path in (PROJECT / "docs" / "schemas").iterdir()} == set(SCHEMAS) == set(FILES)


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_every_file_of_the_product_is_taken(name: str) -> None:
    assert files(name)
    check = validator(name)
    for path in files(name):
        check.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_what_is_wrong_is_marked(name: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in files(name)]
    contents = ((yaml.safe_load(text), yaml.safe_load(text.replace(*WRONG[name], 1))) for text in texts)
    # A company's own file may have the words in a comment.
    wrong = next(changed for content, changed in contents if changed != content)
    assert list(validator(name).iter_errors(wrong))
