"""dev, staging and prod on a real API server, with their state in a real S3 server.

The External Secrets Operator does not run here: its own definitions are installed, so that the API
server checks our objects against them, and the Secrets that it would make are made by the test.
"""

import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from seawall.engine.errors import WorkspaceError
from seawall.supply.go import ensure_go
from seawall.wait import wait_until
from tests.conftest import Environment
from tests.engine.platforms import Platform, copy_of

if TYPE_CHECKING:
    from conftest import ObjectStore

pytestmark = pytest.mark.engine

OPERATOR = "github.com/external-secrets/external-secrets@v1.3.2"
OPERATOR_SUM = "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ="
"""As `go mod download` verifies and prints it."""
KINDS = ("externalsecrets", "secretstores")
DIGEST = "sha256:" + "0" * 64
MARK = "only-the-store-knows-this"
ENVIRONMENTS = ("dev", "staging", "prod")


@pytest.fixture(scope="module")
def operators_kinds(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Generator[None]:
    kit = environment.kit
    go = ensure_go(kit.checkout, kit.cache, kit.progress)
    told = subprocess.run(
        [go, "mod", "download", "-json", OPERATOR],
        cwd=tmp_path_factory.mktemp("module"),
        env={**os.environ, "GOFLAGS": "-mod=mod", "GONOSUMDB": "*"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    module = cast("dict[str, str]", json.loads(told))
    assert module["Sum"] == OPERATOR_SUM, "another module than the one that was looked at"
    folder = Path(module["Dir"]) / "config/crds/bases"
    files = [folder / f"external-secrets.io_{kind}.yaml" for kind in KINDS]
    for file in files:
        environment.kubectl("apply", "--server-side", "-f", str(file))
    names = [f"{kind}.external-secrets.io" for kind in KINDS]
    wait_until(
        lambda: all(environment.kubectl.succeeds("get", name, "-A") for name in names),
        deadline_s=30,
        what="the operator's kinds to be served",
    )
    yield
    for file in files:
        environment.kubectl("delete", "-f", str(file), "--wait=false")


@pytest.fixture
def team(
    request: pytest.FixtureRequest,
    environment: Environment,
    tmp_path: Path,
    object_store: "ObjectStore",
    bucket: str,
    operators_kinds: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[Platform]:
    """An environment with what only its team knows."""
    del operators_kinds
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-the-team")
    env = cast("str", request.param)
    made = copy_of(env, tmp_path / "platform", environment)
    image = f"none.invalid/image@{DIGEST}"
    made.change(
        images={"gateway": image, "redis": image},
        state={"backend": object_store.url(bucket), "secrets_provider": "passphrase"},
    )
    if env != "dev":
        made.change(backup={"bucket": "the-bucket", "image": image, "region": "eu-central-1"})
    yield made
    # Pods that never started would be given their whole grace.
    made.kubectl("delete", "deployments,statefulsets,replicasets", "--all", "--cascade=orphan")
    made.kubectl("delete", "pods", "--all", "--force", "--grace-period=0")
    if made.engine.snapshot().protected:
        made.change(protect=False, policies={"protect": False})
        made.engine.up()
    made.engine.destroy()


@pytest.mark.parametrize("team", ENVIRONMENTS, indirect=True)
def test_the_state_of_a_team_holds_references_and_no_secret(team: Platform) -> None:
    team.engine.up()
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


@pytest.mark.parametrize("team", ["prod"], indirect=True)
def test_what_holds_data_is_protected(team: Platform) -> None:
    team.engine.up()
    assert {"Namespace namespace", "StatefulSet redis"} <= set(team.engine.snapshot().protected)
    before = team.kubectl("get", "deployments,services,networkpolicies,statefulsets", "-o", "name")
    with pytest.raises(WorkspaceError, match=r"StatefulSet redis.*nothing was deleted") as caught:
        team.engine.destroy()
    assert "\n" not in str(caught.value)
    after = team.kubectl("get", "deployments,services,networkpolicies,statefulsets", "-o", "name")
    assert after == before
