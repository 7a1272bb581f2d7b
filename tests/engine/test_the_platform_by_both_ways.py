"""The platform's own program: through the kit, and through the plain CLI in the same project."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from seawall.engine.errors import WorkspaceError
from seawall.engine.stack import Engine

CHECKOUT = Path(__file__).parents[2]
IMAGES = {"gateway": "none.invalid/gateway:0", "redis": "none.invalid/redis:0"}
RESOURCES = 25
"""The stack, its provider, 6 components and 17 objects."""


@dataclass(frozen=True)
class Local:
    """A copy of the `local` environment under a namespace of its own."""

    engine: Engine
    checkout: Path
    pulumi: Path

    def change(self, key: str, **values: object) -> None:
        path = self.checkout / "Pulumi.local.yaml"
        document = cast("dict[str, dict[str, dict[str, Any]]]", yaml.safe_load(path.read_text()))
        document["config"][key].update(values)
        path.write_text(yaml.safe_dump(document))

    def plain(
        self, *words: str, variables: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Run the CLI as a person does in the generated project."""
        return subprocess.run(
            [self.pulumi, "-C", self.engine.project, "--non-interactive", *words],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def local(tmp_path: Path, pulumi_cli: Path, kubeconfig: Path) -> Generator[Local]:
    shutil.copytree(CHECKOUT / "infra", tmp_path / "infra")
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    engine = Engine(
        checkout=tmp_path,
        state_dir=tmp_path / ".seawall",
        env="local",
        pulumi=pulumi_cli,
        kubeconfig=kubeconfig,
        embedded=True,
    )
    made = Local(engine, tmp_path, pulumi_cli)
    made.change("seawall:kubernetes", namespace=f"platform-{uuid.uuid4().hex[:8]}")
    yield made
    if made.engine.project.is_dir():
        made.engine.destroy()


@pytest.fixture
def plain_variables(local: Local, tmp_path: Path) -> dict[str, str]:
    """What the plain CLI needs here beside our own variables: a language host on its PATH."""
    shims = tmp_path / "language-host"
    shims.mkdir()
    shim = shims / "pulumi-language-python"
    host = Path(__file__).with_name("language_host.py")
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{host}" "$@"\n')
    shim.chmod(0o755)
    variables = dict(local.engine.environment())
    variables["PATH"] = f"{shims}{os.pathsep}{variables['PATH']}"
    return variables


@pytest.mark.engine
def test_the_platform_is_deployed_once_and_then_left_alone(local: Local) -> None:
    assert local.engine.preview(images=IMAGES).changes == {"create": RESOURCES}
    done = local.engine.up(images=IMAGES)
    assert done.changes == {"create": RESOURCES}
    assert done.outputs["api_keys"].secret
    assert local.engine.up().changed == 0
    assert local.engine.preview(refresh=True).changed == 0


@pytest.mark.engine
def test_no_secret_of_the_platform_stands_on_disk_in_plain_text(local: Local) -> None:
    done = local.engine.up(images=IMAGES)
    local.engine.refresh()
    keys = cast("dict[str, str]", done.outputs["api_keys"].value)
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
            for secret in (resource["inputs"]["stringData"], resource["outputs"]["data"]):
                values += cast("dict[str, str]", json.loads(secret["plaintext"])).values()
    assert len(values) > 20, "too few secrets were found to look for"
    files = [path for path in (local.checkout / ".seawall").rglob("*") if path.is_file()]
    texts = {path: path.read_text(errors="replace") for path in files}
    found = [str(path) for path, text in texts.items() if any(value in text for value in values)]
    assert found == []


@pytest.mark.engine
def test_the_plain_cli_sees_what_the_kit_deployed(
    local: Local, plain_variables: dict[str, str]
) -> None:
    local.engine.up(images=IMAGES)
    done = local.plain("up", "--yes", "--skip-preview", "--json", variables=plain_variables)
    assert done.returncode == 0, done.stderr
    done = local.plain("preview", "--expect-no-changes", variables=plain_variables)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.engine
def test_a_wrong_value_ends_the_plain_cli_with_one_line(
    local: Local, plain_variables: dict[str, str]
) -> None:
    local.engine.up(images=IMAGES)
    stack_file = local.engine.project / "Pulumi.local.yaml"
    text = stack_file.read_text()
    stack_file.write_text(text.replace("max_lag_s: 3", "max_lag_s: 9"))
    done = local.plain("preview", variables=plain_variables)
    assert done.returncode != 0
    assert "seawall:redis is wrong: max_lag_s + 1 = 10" in done.stdout
    assert "two masters could accept writes" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.engine
def test_a_stack_whose_configuration_went_wrong_can_be_destroyed(local: Local) -> None:
    local.engine.up(images=IMAGES)
    local.change("seawall:redis", max_lag_s=9)
    assert local.engine.destroy().changes == {"delete": RESOURCES}


@pytest.mark.engine
@pytest.mark.parametrize("operation", ["preview", "up"])
def test_a_wrong_value_ends_the_kit_with_one_line(local: Local, operation: str) -> None:
    local.change("seawall:redis", max_lag_s=9)
    with pytest.raises(WorkspaceError) as caught:
        getattr(local.engine, operation)(images=IMAGES)
    message = str(caught.value)
    assert message.startswith("Pulumi.local.yaml: seawall:redis")
    assert "\n" not in message


@pytest.mark.engine
def test_outputs_of_a_stack_that_never_was_are_an_error(local: Local) -> None:
    with pytest.raises(WorkspaceError, match="never deployed"):
        local.engine.outputs()
