"""dev, staging and prod on a real API server, with their state in a real S3 server.

The External Secrets Operator does not run here. Its CustomResourceDefinitions are installed, so the
API server validates our objects, and the test creates the Secrets that the operator would create.
"""

import json
import os
import subprocess
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from seawall.engine.errors import WorkspaceError
from seawall.testbed.kit import kit_here
from tests.engine.buckets import in_the_team, versioned_bucket
from tests.engine.kinds import KINDS, operators_kinds
from tests.engine.platforms import Platform, copy_of
from tests.object_store import ObjectStore
from tests.support.api_server import ApiServer

pytestmark = pytest.mark.engine

DIGEST = "sha256:" + "0" * 64
MARK = "only-the-store-knows-this"
ENVIRONMENTS = ("dev", "staging", "prod")

Deploy = Callable[[str], Platform]


@pytest.fixture(scope="module")
def served(api_server: ApiServer) -> ApiServer:
    """An API server with the operator's CustomResourceDefinitions."""
    for file in operators_kinds(kit_here()):
        api_server.kubectl("apply", "--server-side", "-f", str(file))
    names = [f"{kind}.external-secrets.io" for kind in KINDS]
    wait_until(
        lambda: all(api_server.kubectl.succeeds("get", name, "-A") for name in names),
        deadline_s=30,
        what="the operator's kinds to be served",
    )
    return api_server


@pytest.fixture(scope="module")
def deployed(
    served: ApiServer,
    pulumi_cli: Path,
    object_store: ObjectStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Deploy]:
    """Deploy a team's environment with fake team values; each environment is deployed once."""
    with in_the_team(object_store):

        @cache
        def deploy(env: str) -> Platform:
            made = copy_of(env, tmp_path_factory.mktemp(env), served, pulumi_cli)
            bucket = versioned_bucket(object_store, made.namespace)
            image = f"none.invalid/image@{DIGEST}"
            made.change(
                images={"gateway": image, "redis": image},
                state={"backend": object_store.url(bucket), "secrets_provider": "passphrase"},
            )
            if env != "dev":
                made.change(
                    backup={"bucket": "the-bucket", "image": image, "region": "eu-central-1"}
                )
            made.engine.up()
            return made

        yield deploy


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_team_state_contains_no_secret_values(deployed: Deploy, env: str) -> None:
    team = deployed(env)
    assert team.kubectl("get", "secrets", "-o", "name") == "", "the operator makes them, not we"
    wanted = json.loads(team.kubectl("get", "externalsecrets", "-o", "json"))["items"]
    names = [item["spec"]["target"]["name"] for item in wanted]
    assert {"gateway-secrets", "redis-credentials"} <= set(names)
    for name in names:
        team.kubectl("create", "secret", "generic", name, f"--from-literal=all={MARK}")
    assert team.engine.up(refresh=True).changed == 0
    exported = subprocess.run(
        [team.pulumi, "-C", team.engine.project, "stack", "export", "--show-secrets"],
        env={**os.environ, **team.engine.environment()},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    resources = json.loads(exported)["deployment"]["resources"]
    assert MARK not in exported
    assert "plaintext" not in exported, "Pulumi's mark of an opened secret"
    assert not [item["urn"] for item in resources if item["type"] == "kubernetes:core/v1:Secret"]
    assert "seawall:secrets" not in team.engine.layout.stack_file.read_text()
    assert "api_keys" not in team.engine.outputs()


def test_protected_resources_block_destroy_until_protect_is_disabled(deployed: Deploy) -> None:
    team = deployed("prod")
    assert {"Namespace namespace", "StatefulSet redis"} <= set(team.engine.snapshot().protected)
    before = team.kubectl("get", "deployments,services,networkpolicies,statefulsets", "-o", "name")
    with pytest.raises(WorkspaceError, match=r"StatefulSet redis.*nothing was deleted") as caught:
        team.engine.destroy()
    assert "\n" not in str(caught.value)
    after = team.kubectl("get", "deployments,services,networkpolicies,statefulsets", "-o", "name")
    assert after == before
    team.change(protect=False, policies={"protect": False})
    team.engine.up()
    team.engine.destroy()
    assert team.engine.snapshot().resources == 0
