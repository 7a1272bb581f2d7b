"""`seawall config check` and `seawall env new`: files only, no cluster and no Pulumi CLI."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import cast

import pytest
import yaml

from seawall.engine.errors import PolicyError, WorkspaceError
from seawall.environments import check_environment, new_environment
from seawall.errors import UsageError
from tests.conftest import CHECKOUT, SEAWALL

IMAGE = "registry.example.com/gateway"
DIGEST = "sha256:" + "0" * 64
TEAM = [
    f"images.gateway={IMAGE}@{DIGEST}",
    f"images.redis={IMAGE}@{DIGEST}",
    "state.backend=s3://the-bucket?region=eu-central-1",
    "state.secrets_provider=awskms://alias/state?region=eu-central-1",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for path in CHECKOUT.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_local_is_right(checkout: Path) -> None:
    assert check_environment(checkout, "local").startswith("right; 32 resources")


def test_a_new_environment_with_what_the_team_knows_is_right(checkout: Path) -> None:
    file = new_environment(checkout, "dev-eu", template="dev", values=TEAM)
    assert file == checkout / "Pulumi.dev-eu.yaml"
    assert check_environment(checkout, "dev-eu").startswith("right; ")


def test_without_values_the_comments_of_the_template_stay(checkout: Path) -> None:
    file = new_environment(checkout, "dev-eu", template="dev", values=[])
    assert file.read_bytes() == (checkout / "Pulumi.dev.yaml").read_bytes()


def test_what_only_the_team_knows_is_named_when_it_is_missing(checkout: Path) -> None:
    for env in ("dev", "staging", "prod"):
        with pytest.raises(WorkspaceError, match=r"seawall:images, .*missing") as caught:
            check_environment(checkout, env)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(f"Pulumi.{env}.yaml: ")


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("Prod", [], "small letters, digits and dashes"),
        ("../x", [], "small letters, digits and dashes"),
        ("prod", [], "environment prod exists already: Pulumi.prod.yaml"),
        ("new", ["images.gateway"], "--set images.gateway: write KEY=VALUE"),
        ("new", ["a..b=1"], "--set a..b=1: write KEY=VALUE"),
        ("new", ["a=["], "the value is no YAML"),
    ],
)
def test_a_wrong_new_environment_leaves_no_file(
    checkout: Path, name: str, values: list[str], told: str
) -> None:
    before = sorted(checkout.iterdir())
    with pytest.raises(UsageError) as caught:
        new_environment(checkout, name, template="dev", values=values)
    assert told in str(caught.value)
    assert sorted(checkout.iterdir()) == before


def test_an_unknown_template_names_those_that_are_there(checkout: Path) -> None:
    with pytest.raises(WorkspaceError, match="there are: dev, local, prod, staging"):
        new_environment(checkout, "new", template="qa", values=[])


def edited(checkout: Path, env: str, change: dict[str, dict[str, object]]) -> None:
    path = checkout / f"Pulumi.{env}.yaml"
    document = cast("dict[str, dict[str, dict[str, object]]]", yaml.safe_load(path.read_text()))
    for section, values in change.items():
        document["config"][section].update(values)
    path.write_text(yaml.safe_dump(document))


def test_a_broken_policy_stops_before_anything_starts(checkout: Path) -> None:
    edited(checkout, "local", {"seawall:policies": {"spread": "zones"}})
    with pytest.raises(PolicyError, match="spread-over-zones") as caught:
        check_environment(checkout, "local")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_key_names_the_known_ones(checkout: Path) -> None:
    edited(checkout, "local", {"seawall:redis": {"max_leg": "3s"}})
    with pytest.raises(WorkspaceError, match=r"seawall:redis\.max_leg.*max_lag"):
        check_environment(checkout, "local")


def test_the_command_checks_all_and_its_exit_code_tells(tmp_path: Path) -> None:
    variables = {**os.environ, "SEAWALL_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [SEAWALL, "config", "check", "--json"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    found = json.loads(done.stdout)["environments"]
    assert found["local"] is None
    assert "seawall:images" in found["prod"]
    assert not (tmp_path / "home").exists(), "a check leaves nothing behind"
