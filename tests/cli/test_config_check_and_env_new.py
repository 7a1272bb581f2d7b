"""`seawall config check` and `seawall env new`: files only, no cluster and no Pulumi CLI."""

import json
import shutil
from pathlib import Path
from typing import cast

import pytest
import yaml

from seawall.common.environment_names import check_env_name, renamed
from seawall.common.errors import UsageError
from seawall.engine.errors import PolicyError, WorkspaceError
from seawall.engine.strict_yaml import load
from seawall.ops.environments import check_environment, new_environment
from tests.cli.kit import seawall
from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.servers]

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


def test_local_environment_is_valid(checkout: Path) -> None:
    assert check_environment(checkout, "local").startswith("valid; 80 resources")


def test_new_environment_with_team_values_is_valid(checkout: Path) -> None:
    file = new_environment(checkout, "dev-eu", template="dev", values=TEAM)
    assert file == checkout / "Pulumi.dev-eu.yaml"
    assert check_environment(checkout, "dev-eu").startswith("valid; ")


def test_new_environment_without_values_keeps_the_template_comments(checkout: Path) -> None:
    file = new_environment(checkout, "qa", template="dev", values=[])
    before = (checkout / "Pulumi.dev.yaml").read_text().splitlines()
    after = file.read_text().splitlines()
    assert len(after) == len(before)
    changed = [new for new, old in zip(after, before, strict=True) if new != old]
    values = [line.strip() for line in changed if not line.startswith("#")]
    assert values == ["path: seawall/qa", "role: seawall-qa"]
    comments = [line for line in changed if line.startswith("#")]
    assert comments
    assert all(" --stack qa " in line for line in comments)


@pytest.mark.parametrize("values", [[], ["protect=false"]])
def test_environment_specific_values_of_the_template_are_renamed_and_reported(
    checkout: Path, values: list[str]
) -> None:
    told: list[str] = []
    file = new_environment(checkout, "qa", template="prod", values=values, tell=told.append)
    config = load(file)["config"]
    assert isinstance(config, dict)
    store, backup = config["seawall:secret_store"], config["seawall:backup"]
    assert isinstance(store, dict)
    assert isinstance(backup, dict)
    assert (store["path"], store["role"]) == ("seawall/qa", "seawall-qa")
    assert store["server"] == "https://vault.vault.svc:8200"
    assert backup["prefix"] == "seawall/qa"
    assert told[:3] == [
        "seawall:secret_store.path: seawall/qa instead of seawall/prod",
        "seawall:secret_store.role: seawall-qa instead of seawall-prod",
        "seawall:backup.prefix: seawall/qa instead of seawall/prod",
    ]
    assert "namespace seawall is also that of prod" in told[3]
    assert "--set kubernetes.namespace=" in told[3]


def test_set_values_override_renaming_and_an_own_namespace_needs_no_hint(
    checkout: Path,
) -> None:
    told: list[str] = []
    values = ["kubernetes.namespace=qa", "secret_store.path=elsewhere/prod"]
    file = new_environment(checkout, "qa", template="prod", values=values, tell=told.append)
    assert "path: elsewhere/prod" in file.read_text()
    assert not [line for line in told if "namespace" in line]


def test_only_whole_words_below_environment_specific_keys_are_renamed() -> None:
    text = (
        "# --stack prod, --stack prod-eu, prod\n"
        "config:\n"
        "  seawall:kubernetes: {namespace: prod}\n"
        "  seawall:secret_store: {server: https://prod, path: product/prod, role: 'a-prod'} #prod\n"
        "  seawall:backup: {bucket: prod, prefix: prod/x}\n"
    )
    fresh, told = renamed(text, "prod", "qa")
    assert fresh == (
        "# --stack qa, --stack prod-eu, prod\n"
        "config:\n"
        "  seawall:kubernetes: {namespace: prod}\n"
        "  seawall:secret_store: {server: https://prod, path: product/qa, role: 'a-qa'} #prod\n"
        "  seawall:backup: {bucket: prod, prefix: qa/x}\n"
    )
    assert len(told) == 3


@pytest.mark.parametrize(
    "name",
    ["Upper", "a", "x.y", "x_y", "-x", "x-", "1x", "x" * 41, "", "x\n", "state", "passphrase"]
    + ["passphrase", "pulumi-home"],
)
def test_invalid_environment_names_are_refused_by_check_and_new(checkout: Path, name: str) -> None:
    shutil.copy(checkout / "Pulumi.local.yaml", checkout / f"Pulumi.{name}.yaml")
    with pytest.raises(UsageError, match=r"^environment ") as checked:
        check_environment(checkout, name)
    with pytest.raises(UsageError) as made:
        new_environment(checkout, name, template="local", values=[])
    assert str(checked.value) == str(made.value)
    assert "\n" not in str(made.value)


@pytest.mark.parametrize("name", ["ab", "x" * 40, "a-1", "states"])
def test_valid_environment_names_are_accepted(name: str) -> None:
    check_env_name(name)


def test_missing_team_values_are_one_line(checkout: Path) -> None:
    for env in ("dev", "staging", "prod"):
        with pytest.raises(WorkspaceError, match=r"seawall:images, .*missing") as caught:
            check_environment(checkout, env)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(f"Pulumi.{env}.yaml: ")


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("Prod", [], "small letters, digits and dashes, begins with a letter, ends with a letter"),
        ("x", [], "2 to 40 characters"),
        ("new", ["protect=&a [*a]"], "--set protect, line 1, column 1: anchor &a"),
        ("new", ["protect=[1"], "--set protect, line 1, column 3: expected"),
        ("new", ["protect=!!binary aGk="], "--set protect, line 1, column 1: tag !!binary"),
        ("new", ["protect={a: 1, a: 2}"], "key 'a' stands here a second time"),
        ("new", ["protect=\udcff"], "--set protect, line 1, column 1: U+DCFF"),
        ("new", ["prot\necht=1"], "write KEY=VALUE"),
        ("../x", [], "small letters, digits and dashes"),
        ("prod", [], "environment prod exists already: Pulumi.prod.yaml"),
        ("new", ["images.gateway"], "--set images.gateway: write KEY=VALUE"),
        ("new", ["a..b=1"], "--set a..b=1: write KEY=VALUE"),
    ],
)
def test_invalid_new_environment_leaves_no_file(
    checkout: Path, name: str, values: list[str], told: str
) -> None:
    before = sorted(checkout.iterdir())
    with pytest.raises(UsageError) as caught:
        new_environment(checkout, name, template="dev", values=values)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(checkout.iterdir()) == before


def test_unknown_template_error_lists_the_existing_ones(checkout: Path) -> None:
    with pytest.raises(WorkspaceError, match="there are: dev, local, prod, staging"):
        new_environment(checkout, "new", template="qa", values=[])


def edited(checkout: Path, env: str, change: dict[str, dict[str, object]]) -> None:
    path = checkout / f"Pulumi.{env}.yaml"
    document = cast("dict[str, dict[str, dict[str, object]]]", yaml.safe_load(path.read_text()))
    for section, values in change.items():
        document["config"][section].update(values)
    path.write_text(yaml.safe_dump(document))


def test_policy_violation_is_an_error_of_config_check(checkout: Path) -> None:
    edited(checkout, "local", {"seawall:policies": {"spread": "zones"}})
    with pytest.raises(PolicyError, match="spread-over-zones") as caught:
        check_environment(checkout, "local")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_key_names_the_known_ones(checkout: Path) -> None:
    edited(checkout, "local", {"seawall:redis": {"max_leg": "3s"}})
    with pytest.raises(WorkspaceError, match=r"seawall:redis\.max_leg.*max_lag"):
        check_environment(checkout, "local")


def test_config_check_reports_all_environments_and_exits_with_2(tmp_path: Path) -> None:
    variables = {"SEAWALL_HOME": str(tmp_path / "home")}
    done = seawall("config", "check", "--json", variables=variables)
    assert done.returncode == 2
    found = json.loads(done.stdout)["environments"]
    assert found["local"] is None
    assert "seawall:images" in found["prod"]
    assert not (tmp_path / "home").exists(), "a check leaves nothing behind"
