"""docs/reference/configuration.md matches the configuration models."""

import re
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from infra.config import Environment
from infra.parsing import ConfigError, parse
from tools.config_reference.descriptions import description
from tools.config_reference.page import MINIMUM, page, sections


def models_below(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        below = {annotation}
        for field in annotation.model_fields.values():
            below |= models_below(field.annotation)
        return below
    return {model for part in get_args(annotation) for model in models_below(part)}


MODELS = sorted(models_below(Environment), key=lambda model: model.__name__)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_has_a_description(model: type[BaseModel]) -> None:
    without = [name for name in model.model_fields if not description(model, name)]
    assert without == [], "the string below the attribute is its description"


def test_search_finds_the_configuration_models() -> None:
    names = {model.__name__ for model in MODELS}
    assert {"Environment", "Vault", "Target", "Disruption", "Policies", "Release"} <= names


def test_every_key_of_every_model_is_on_the_page() -> None:
    keys = {entry.key for section in sections() for entry in section.entries}
    leaves = {key.rsplit(".", 1)[-1] for key in keys}
    hidden = {"Environment", "Release"}
    for model in MODELS:
        if model.__name__ not in hidden:
            parents = {name for name in model.model_fields if any(f".{name}." in k for k in keys)}
            assert set(model.model_fields) - parents <= leaves, model.__name__


def test_internal_sections_are_not_on_the_page() -> None:
    assert "seawall:release" not in page()
    assert "seawall:images" in page()


@pytest.mark.parametrize(
    ("key", "rest"),
    [
        (
            "gateway.replicas.min",
            "a whole number | **required** | at least 1; at most 1000 | Minimum number of gateway ",
        ),
        (
            "gateway.timeouts.connect",
            "a duration | `2s` | 1ms to 1h | Maximum time to connect to a provider.",
        ),
        (
            "backup.bucket",
            "a bucket's name | **required** | such as team-backups | Name of the S3-compatible",
        ),
        ("kubernetes.adopt_existing", "true or false | `false` |  | Whether to take over objects"),
    ],
)
def test_table_row_has_key_type_default_limits_and_description(key: str, rest: str) -> None:
    (row,) = [line for line in page().splitlines() if line.startswith(f"| `seawall:{key}`")]
    assert row.removeprefix(f"| `seawall:{key}` | ").startswith(rest)


def test_every_table_row_has_five_cells() -> None:
    rows = [line for line in page().splitlines() if line.startswith("|")]
    assert len(rows) > 80
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 6, row


def test_smallest_file_on_the_page_is_valid_and_has_required_keys_only() -> None:
    document = yaml.safe_load(MINIMUM)["config"]
    parse(document)
    for key in document.keys() - {"seawall:policies"}:
        with pytest.raises(ConfigError):
            parse({name: value for name, value in document.items() if name != key})
