"""Old names of keys are accepted with a warning, and mean the same."""

from typing import Any

import pytest

from infra.parsing import ConfigError, parse, renamed_keys
from infra.renamed_keys import RENAMED
from tests.infra.environments import changed, complete


def with_old_names() -> dict[str, Any]:
    """The local environment as a file of the previous release has it."""
    values = complete("local")
    for key, new in RENAMED.items():
        *steps, old = key.split(".")
        section: Any = values
        for number, step in enumerate(steps):
            section = section.get(step if number else f"seawall:{step}", {})
        prefix = "" if steps else "seawall:"
        if prefix + new in section:
            section[prefix + old] = section.pop(prefix + new)
    return values


def test_old_names_mean_the_same_and_cause_one_warning_each() -> None:
    values = with_old_names()
    assert "seawall:entrance" in values
    assert parse(values) == parse(complete("local"))
    assert renamed_keys(values) == [
        f"seawall:{old} is now seawall:{new}; the next release refuses the old name"
        for old, new in (
            ("entrance", "edge"),
            ("images.entrance", "images.edge"),
            ("monitoring.outside", "monitoring.blackbox"),
            ("monitoring.patience", "monitoring.for_scale"),
        )
    ]
    assert renamed_keys(complete("local")) == []


def test_parsing_old_names_leaves_the_given_values_unchanged() -> None:
    values = with_old_names()
    parse(values)
    assert "outside" in values["seawall:monitoring"]


def test_old_and_new_name_together_are_refused() -> None:
    values = changed(complete("local"), "monitoring.patience", 0.5)
    with pytest.raises(ConfigError, match=r"seawall:monitoring\.patience = 0\.5 is not known"):
        parse(values)
