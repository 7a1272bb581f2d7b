"""Environments on an existing, shared cluster: nothing changes before the user confirms.

kubectl and pulumi are stubs that record their calls: kubectl answers that the cluster exists, and
pulumi must not be called.
"""

import os
import pty
from pathlib import Path

import pytest
import yaml

from seawall.engine.layout import Layout
from tests.cli.kit import run, write_state
from tests.infra.environments import MONITORING_IMAGES

pytestmark = [pytest.mark.servers]

COMMANDS = ["up", "rollback", "down"]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Path:
    """The file of recorded calls, one a line; the stubs of kubectl and pulumi are on PATH.

    The environment `qa` has a state, since a command for one without it asks nothing.
    """
    layout = Layout(tmp_path, Path(variables["SEAWALL_HOME"]), "qa")
    write_state(layout, {})
    (layout.root / "made-by-seawall").touch()
    noted = tmp_path / "calls"
    noted.touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for program, code in (("kubectl", 0), ("pulumi", 1)):
        told = f'case "$*" in *apiservices*) cat "{apis_of(noted)}" ;; esac'
        text = f'#!/bin/sh\necho "{program} $*" >>"{noted}"\n{told}\nexit {code}\n'
        (programs / program).write_text(text)
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("apiVersion: v1\n")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    return noted


def apis_of(calls: Path) -> Path:
    """The file with kubectl's answer about aggregated APIs: name=namespace, separated by spaces."""
    file = calls.with_suffix(".apis")
    file.touch()
    return file


def only_looked(calls: Path) -> bool:
    lines = calls.read_text().splitlines()
    return all(line.endswith("get namespaces --output=name") for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_shared_cluster_commands_require_yes_without_a_terminal(
    calls: Path, checkout: Path, tmp_path: Path, command: str
) -> None:
    # One command runs the other checkout's code; the others run this code with a faked location.
    done = run(command, "qa", checkout=checkout, fresh=command == "down")
    assert done.returncode == 2, done.stderr
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("seawall: ")]
    assert f"context (current) of {tmp_path / 'kubeconfig'}" in told
    assert "needs a confirmation, and there is no terminal; add --yes" in told
    assert only_looked(calls)


@pytest.mark.parametrize("command", COMMANDS)
def test_answering_no_on_a_terminal_changes_nothing(
    calls: Path, checkout: Path, command: str
) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    done = run(command, "qa", checkout=checkout, stdin=theirs)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2, done.stderr
    assert "continue? [y/N]" in done.stderr
    assert "nothing was done" in done.stderr
    assert "deploy qa with Pulumi" not in done.stderr
    assert only_looked(calls)


def test_yes_option_starts_the_deployment(calls: Path, checkout: Path) -> None:
    """The deployment goes as far as the stubs of kubectl and pulumi allow."""
    images = [f"--image={name}=example.org/{name}:1" for name in ("gateway", "redis")]
    done = run("up", "qa", "--yes", *images, checkout=checkout)
    assert done.returncode != 0
    assert "deploy qa with Pulumi" in done.stderr
    assert calls.read_text(), "not even the cluster was looked at"


@pytest.mark.parametrize(
    ("namespace", "refused"), [("other", True), ("seawall", False), ("", False)]
)
def test_metrics_api_of_another_namespace_is_not_taken_over(
    checkout: Path, calls: Path, namespace: str, *, refused: bool
) -> None:
    file = checkout / "Pulumi.qa.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["seawall:images"] = {
        name: f"none.invalid/{name}:0" for name in ("gateway", "redis", *MONITORING_IMAGES)
    }
    file.write_text(yaml.safe_dump(document))
    served = f"v1.apps= v1beta1.custom.metrics.k8s.io={namespace}"
    apis_of(calls).write_text(served)
    done = run("up", "qa", "--yes", checkout=checkout)
    assert done.returncode != 0
    words = "v1beta1.custom.metrics.k8s.io served from the namespace other"
    assert (words in done.stderr) is refused, done.stderr
    if refused:
        assert "remove seawall:metrics_adapter from that file" in done.stderr
        assert "pulumi up" not in calls.read_text()
