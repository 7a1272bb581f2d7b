"""The platform's own program, run by the kit and by the plain CLI in the same project.

All tests here share one platform, and the last test destroys it.
"""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import yaml

from infra.synth import synth
from seawall.engine.errors import WorkspaceError
from seawall.engine.update import UpResult
from tests.engine.platforms import IMAGES, Platform, copy_of
from tests.measured import measured
from tests.support.api_server import ApiServer

pytestmark = pytest.mark.engine

DESTROY_GOAL_S = 30.0


@dataclass(frozen=True)
class Deployed:
    """A platform with the results of its first preview and first update."""

    platform: Platform
    preview: UpResult
    update: UpResult


@pytest.fixture(scope="module")
def deployed(
    api_server: ApiServer, pulumi_cli: Path, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    made = copy_of("local", tmp_path_factory.mktemp("platform"), api_server, pulumi_cli)
    preview = made.engine.preview(images=IMAGES)
    return Deployed(made, preview, made.engine.up(images=IMAGES))


@pytest.fixture
def local(deployed: Deployed) -> Platform:
    return deployed.platform


@pytest.fixture
def undeployed(tmp_path: Path, api_server: ApiServer, pulumi_cli: Path) -> Platform:
    return copy_of("local", tmp_path, api_server, pulumi_cli)


@pytest.fixture(scope="module")
def plain(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform with a CLI as its vendor packs it: next to the language host for Python.

    The vendor's own host cannot be built here, so the test uses a replacement.
    """
    folder = tmp_path_factory.mktemp("cli")
    host = folder / "pulumi-language-python"
    program = Path(__file__).with_name("language_host.py")
    host.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    host.chmod(0o755)
    cli = Path(shutil.copy(deployed.platform.pulumi, folder))
    return dataclasses.replace(deployed.platform, pulumi=cli)


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_invalid_value_is_one_line(undeployed: Platform, operation: str) -> None:
    undeployed.change(redis={"max_lag": "9s"})
    with pytest.raises(WorkspaceError) as caught:
        getattr(undeployed.engine, operation)(images=IMAGES)
    message = str(caught.value)
    assert message.startswith("Pulumi.local.yaml: seawall:redis")
    assert "\n" not in message


def test_outputs_of_an_undeployed_stack_are_an_error(undeployed: Platform) -> None:
    with pytest.raises(WorkspaceError, match="never deployed"):
        undeployed.engine.outputs()


def test_existing_namespace_is_refused_and_left_unchanged(undeployed: Platform) -> None:
    undeployed.kubectl("create", "namespace", undeployed.namespace)
    with pytest.raises(WorkspaceError) as caught:
        undeployed.engine.up(images=IMAGES)
    assert str(caught.value).startswith(f"namespace/{undeployed.namespace} exist already")
    assert undeployed.kubectl("get", "deployments,services", "-o", "name") == ""


def test_second_update_of_the_platform_changes_nothing(deployed: Deployed) -> None:
    values = yaml.safe_load(deployed.platform.file.read_text())["config"]
    registered = synth({**values, "seawall:images": IMAGES}, env="local")
    wanted = {"create": len(registered) + 1}  # the stack, too
    assert deployed.preview.changes == wanted
    assert deployed.update.changes == wanted
    engine = deployed.platform.engine
    assert engine.outputs()["api_keys"].secret
    assert "api_keys" not in deployed.update.outputs, (
        "what an update returns is printed, so it holds no secret"
    )
    assert engine.up().changed == 0
    assert engine.preview(refresh=True).changed == 0


def test_no_platform_secret_is_on_disk_in_plain_text(local: Platform) -> None:
    local.engine.refresh()
    keys = cast("dict[str, str]", local.engine.outputs()["api_keys"].value)
    exported = subprocess.run(
        [local.pulumi, "-C", local.engine.project, "stack", "export", "--show-secrets"],
        env={**os.environ, **local.engine.environment()},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    deployment = json.loads(exported)["deployment"]
    values = [*keys.values()]
    for resource in deployment["resources"]:
        if resource["type"] == "kubernetes:core/v1:Secret":
            for secret in (resource["inputs"]["data"], resource["outputs"]["data"]):
                values += cast("dict[str, str]", json.loads(secret["plaintext"])).values()
    assert len(values) > 20, "too few secrets were found to look for"
    files = [path for path in (local.checkout / ".seawall").rglob("*") if path.is_file()]
    texts = {path: path.read_text(errors="replace") for path in files}
    found = [str(path) for path, text in texts.items() if any(value in text for value in values)]
    assert found == []


def test_plain_pulumi_cli_finds_no_changes_after_a_deployment(plain: Platform) -> None:
    done = plain.typed("up", "--yes", "--skip-preview", "--json")
    assert done.returncode == 0, done.stderr
    done = plain.typed("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_plain_pulumi_cli_can_refresh_import_and_edit_the_state(plain: Platform) -> None:
    plain.kubectl("create", "configmap", "by-hand")
    kind = "kubernetes:core/v1:ConfigMap"
    imported = (kind, "by-hand", f"{plain.namespace}/by-hand")
    for words in (
        ("refresh", "--yes"),
        ("import", "--yes", "--protect=false", "--generate-code=false", *imported),
        ("state", "delete", "--yes", f"urn:pulumi:local::seawall::{kind}::by-hand"),
    ):
        done = plain.typed(*words, KUBECONFIG=str(plain.kubeconfig))
        assert done.returncode == 0, done.stdout + done.stderr
    assert plain.engine.up().changed == 0
    assert "by-hand" in plain.kubectl("get", "configmap/by-hand", "-o", "name")


@contextmanager
def wrong_in(stack_file: Path) -> Generator[None]:
    """Make a value of the generated project invalid until the end of the block."""
    text = stack_file.read_text()
    document = yaml.safe_load(text)
    document["config"]["seawall:redis"]["max_lag"] = "9s"
    stack_file.write_text(yaml.safe_dump(document))
    try:
        yield
    finally:
        stack_file.write_text(text)


def test_invalid_value_ends_the_plain_pulumi_cli_without_a_traceback(plain: Platform) -> None:
    with wrong_in(plain.engine.project / "Pulumi.local.yaml"):
        done = plain.typed("preview")
    assert done.returncode != 0
    assert "max_lag + 1s = 10s must be less than down_after = 5s" in done.stdout
    assert "two masters could accept writes" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_plain_pulumi_cli_destroys_the_deployment(plain: Platform) -> None:
    done = plain.typed("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert plain.engine.snapshot().resources == 0
    assert plain.kubectl("get", "--ignore-not-found", f"namespace/{plain.namespace}") == ""
    plain.engine.up(images=IMAGES)  # for the next test


def test_stack_with_an_invalid_configuration_can_be_destroyed(deployed: Deployed) -> None:
    local = deployed.platform
    local.change(redis={"max_lag": "9s"})
    assert local.engine.destroy().changes == {"delete": deployed.update.changes["create"]}
    took = local.engine.timings["destroy"]
    measured(f"all objects were deleted in {took:.1f} s (goal {DESTROY_GOAL_S:.0f} s)")
    assert took < 3 * DESTROY_GOAL_S
