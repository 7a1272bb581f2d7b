"""Commands answer at once where nothing is deployed: they build nothing and need no cluster."""

import json
import resource
import shutil
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from infra.config import Images
from seawall.cli import _wants_json  # pyright: ignore[reportPrivateUsage]
from seawall.engine.layout import Layout
from seawall.ops.deployment import target_of
from seawall.testbed.kit import kit_here
from tests.cli.kit import run, seawall, write_state
from tests.conftest import CHECKOUT, run_seawall
from tests.measured import measured

pytestmark = [pytest.mark.servers]

ANSWER_GOAL_S = 2.0
HELP_GOAL_S = 0.5
NOT_DEPLOYED = "seawall: local is not deployed; `seawall up local` deploys it\n"


@pytest.fixture
def variables(tmp_path: Path) -> Mapping[str, str]:
    """A machine on which Seawall was never used, and which has no kubeconfig."""
    return {
        "HOME": str(tmp_path),
        "KUBECONFIG": "",
        "SEAWALL_HOME": str(tmp_path / "home"),
        "SEAWALL_CACHE": str(tmp_path / "cache"),
    }


@pytest.mark.parametrize("command", ["status", "smoke", "engine", "rollback local", "down"])
def test_command_says_that_nothing_is_deployed_and_creates_nothing(
    variables: Mapping[str, str], tmp_path: Path, command: str
) -> None:
    done = seawall(*command.split(), variables=variables)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", NOT_DEPLOYED)
    assert list(tmp_path.iterdir()) == []


def test_logs_without_a_cluster_names_the_command_that_starts_one(
    variables: Mapping[str, str], tmp_path: Path
) -> None:
    done = seawall("logs", variables=variables)
    assert done.returncode == 1
    assert done.stderr.endswith("the cluster has not been started: run `make up`\n")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timed
@pytest.mark.parametrize(
    ("command", "goal_s", "printed"),
    [("status", ANSWER_GOAL_S, NOT_DEPLOYED), ("-h", HELP_GOAL_S, "Usage: seawall")],
)
def test_answer_takes_at_most_three_times_the_goal(
    variables: Mapping[str, str], command: str, goal_s: float, printed: str
) -> None:
    """Processor time, since the other tests use the processors, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run_seawall(command, variables=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    measured(f"`seawall {command}` where nothing is deployed took {took:.2f} s (goal {goal_s} s)")
    assert printed in done.stdout + done.stderr
    assert took < 3 * goal_s


def test_version_is_that_of_the_package(variables: Mapping[str, str]) -> None:
    assert seawall("--version", variables=variables).stdout == f"seawall {version('seawall')}\n"


def test_contents_in_the_variable_kubeconfig_are_refused_and_not_printed(
    checkout: Path, variables: Mapping[str, str]
) -> None:
    contents = "apiVersion: v1\nusers:\n- user: {token: s3cret}\n"
    done = run(
        "logs", "qa", "gateway", checkout=checkout, variables={**variables, "KUBECONFIG": contents}
    )
    assert done.returncode == 2
    assert "KUBECONFIG must be the path of a file" in done.stderr
    assert "s3cret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_up_with_a_missing_kubeconfig_knows_the_deployed_images(
    checkout: Path, variables: Mapping[str, str]
) -> None:
    """The committed file has no images: those of the last deployment stay."""
    images = dict.fromkeys(Images.model_fields, "example.org/a:1")
    write_state(Layout(checkout, Path(variables["SEAWALL_HOME"]), "qa"), {"images": images})
    given = {**variables, "KUBECONFIG": "/nowhere/typo"}
    done = run("up", "qa", "--yes", checkout=checkout, variables=given)
    assert "there is no kubeconfig /nowhere/typo" in done.stderr


def test_error_with_json_is_a_document_on_standard_output(variables: Mapping[str, str]) -> None:
    done = seawall("status", "--json", variables=variables)
    message = NOT_DEPLOYED.removeprefix("seawall: ").rstrip()
    assert json.loads(done.stdout) == {"error": {"message": message, "exit_code": 2}}
    assert (done.returncode, done.stderr) == (2, NOT_DEPLOYED)


@pytest.mark.parametrize("command", ["up prod --yes", "preview prod"])
def test_missing_keys_are_named_before_a_missing_cluster(
    variables: Mapping[str, str], command: str
) -> None:
    done = seawall(*command.split(), variables=variables)
    assert done.returncode == 2
    assert done.stderr.startswith("seawall: Pulumi.prod.yaml: seawall:images, ")
    assert "kubeconfig" not in done.stderr


def test_up_of_a_complete_file_names_the_missing_kubeconfig(
    checkout: Path, variables: Mapping[str, str]
) -> None:
    file = checkout / "Pulumi.qa.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["seawall:images"] = dict.fromkeys(Images.model_fields, "example.org/a:1")
    file.write_text(yaml.safe_dump(document))
    done = run("up", "qa", "--yes", checkout=checkout, variables=variables)
    assert "there is no kubeconfig" in done.stderr


def test_state_commands_need_no_cluster(checkout: Path, variables: Mapping[str, str]) -> None:
    done = run("state", "backup", "qa", checkout=checkout, variables=variables)
    assert "kubeconfig" not in done.stderr
    assert "has no state yet" in done.stderr


def test_command_for_a_shared_state_does_not_build_the_pulumi_cli(
    checkout: Path, variables: Mapping[str, str], tmp_path: Path
) -> None:
    file = checkout / "Pulumi.qa.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["seawall:secret_store"] = {
        "kind": "aws-secrets-manager",
        "region": "eu-central-1",
        "prefix": "qa",
    }
    document["config"]["seawall:state"] = {
        "backend": f"file://{tmp_path}",
        "secrets_provider": "passphrase",
    }
    file.write_text(yaml.safe_dump(document))
    (tmp_path / "kubeconfig").touch()
    (checkout / "locks").mkdir()
    shutil.copy(CHECKOUT / "locks" / "go.txt", checkout / "locks")
    given = {**variables, "KUBECONFIG": str(tmp_path / "kubeconfig"), "PATH": "/usr/bin:/bin"}
    done = run("engine", "qa", checkout=checkout, variables=given)
    assert "no Pulumi CLI on PATH: install it, or run `seawall up`" in done.stderr
    assert not (tmp_path / "cache" / "pulumi").exists()


@pytest.mark.parametrize("adopts", [True, False])
def test_environment_that_adopts_existing_objects_does_not_look_for_them(
    checkout: Path, variables: Mapping[str, str], tmp_path: Path, *, adopts: bool
) -> None:
    file = checkout / "Pulumi.qa.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["seawall:kubernetes"] |= {
        "adopt_existing": adopts,
        "kubeconfig": str(tmp_path / "kubeconfig"),
    }
    file.write_text(yaml.safe_dump(document))
    (tmp_path / "kubeconfig").touch()
    kit = replace(kit_here(), checkout=checkout, home=Path(variables["SEAWALL_HOME"]))
    target = target_of(kit, "qa")
    assert target.adopt_existing is adopts
    assert target.engine.refuses_existing is not adopts


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["status", "--json"], True),
        (["status"], False),
        (["kubectl", "exec", "redis-0", "--", "redis-cli", "--json"], False),
    ],
)
def test_arguments_of_kubectl_ask_for_no_document(words: list[str], *, wanted: bool) -> None:
    assert _wants_json(words) is wanted
