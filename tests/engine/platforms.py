"""Copies of this repository's environments, each in its own namespace."""

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from seawall.engine.stack import Engine
from seawall.engine.strict_yaml import Value, Values
from seawall.engine.values import merge
from seawall.testbed.kit import kit_here
from tests.conftest import CHECKOUT
from tests.support.api_server import ApiServer

IMAGES = {name: f"none.invalid/{name}:0" for name in ("gateway", "redis")}
"""Fake images: no pod is started, and tests look only at the objects."""


@dataclass(frozen=True)
class Platform:
    """One environment's program, deployed to a namespace of a real API server."""

    engine: Engine
    checkout: Path
    pulumi: Path
    kubectl_program: Path
    kubeconfig: Path
    namespace: str

    @property
    def file(self) -> Path:
        """The environment's own file in the copy."""
        return self.engine.layout.committed_file

    def change(self, **sections: Value) -> None:
        """Change values of the environment's file, by section."""
        document = cast("Values", yaml.safe_load(self.file.read_text()))
        over: Values = {f"seawall:{name}": values for name, values in sections.items()}
        self.file.write_text(yaml.safe_dump(merge(document, {"config": over})))

    def leave_out(self, *path: str) -> None:
        """Remove a key from the environment's file if it exists."""
        document = cast("Values", yaml.safe_load(self.file.read_text()))
        place = cast("Values", document["config"])
        section, *steps = path
        *above, key = [f"seawall:{section}", *steps]
        for step in above:
            place = cast("Values", place[step])
        place.pop(key, None)
        self.file.write_text(yaml.safe_dump(document))

    def kubectl(self, *words: str) -> str:
        """Standard output of kubectl in the namespace."""
        done = subprocess.run(
            [self.kubectl_program, "--kubeconfig", self.kubeconfig, "-n", self.namespace, *words],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def typed(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the plain CLI in the generated project, as a user does."""
        return subprocess.run(
            [self.pulumi, "-C", self.engine.project, "--non-interactive", *words],
            env={
                **os.environ,
                **self.engine.environment(),
                "TMPDIR": str(self.checkout),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )


def copy_of(env: str, folder: Path, served: ApiServer, pulumi: Path) -> Platform:
    """The environment `env` on the API server, with its checkout and its state in `folder`."""
    shutil.copytree(CHECKOUT / "infra", folder / "infra")
    for name in ("Pulumi.yaml", f"Pulumi.{env}.yaml"):
        shutil.copy(CHECKOUT / name, folder / name)
    engine = Engine(
        checkout=folder,
        state_dir=folder / ".seawall",
        env=env,
        pulumi=lambda: pulumi,
        kubeconfig=served.kubeconfig,
        provider=kit_here().provider,
        kubectl=lambda: served.kubectl,
    )
    namespace = f"platform-{uuid.uuid4().hex[:8]}"
    made = Platform(engine, folder, pulumi, served.program, served.kubeconfig, namespace)
    made.change(kubernetes={"namespace": namespace})
    # A cluster has room for only one, and this cluster has other platforms.
    made.leave_out("metrics_adapter")
    # It creates many objects that do not matter to the engine.
    made.leave_out("monitoring")
    made.leave_out("gateway", "replicas", "per_pod")
    made.leave_out("edge")
    return made
