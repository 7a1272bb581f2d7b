"""Environments on an existing cluster: its selection, and errors of one line."""

import dataclasses
import shutil
import socket
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from seawall.common.errors import ClusterError, UsageError
from seawall.kube.kubectl import Kubectl
from seawall.kube.port_forward import forwarded
from seawall.ops.deployment import Target, target_of
from seawall.ops.release import Watcher, release, rollback
from seawall.ops.smoke import smoke_test
from tests.conftest import CHECKOUT, Environment

pytestmark = [pytest.mark.cluster]

SILENT = Watcher(expect=lambda total: total, hear=lambda step: step)


def one_line_message(error: Exception) -> str:
    assert "\n" not in str(error)
    return str(error)


@pytest.fixture
def kubeconfig(environment: Environment, tmp_path: Path) -> Path:
    """A copy of the test cluster's kubeconfig, as a user's file."""
    return Path(shutil.copy(environment.kit.cluster().kubeconfig, tmp_path / "config"))


@pytest.fixture
def qa(environment: Environment, tmp_path: Path, kubeconfig: Path) -> Target:
    """An environment on an existing cluster, in a separate checkout."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    shutil.copy(CHECKOUT / "Pulumi.yaml", checkout)
    document = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    document["config"]["seawall:kubernetes"].update(
        cluster="existing", kubeconfig=str(kubeconfig), context=context_of(kubeconfig)
    )
    (checkout / "tools").symlink_to(CHECKOUT / "tools")
    (checkout / "infra").symlink_to(CHECKOUT / "infra")
    (checkout / "Pulumi.qa.yaml").write_text(yaml.safe_dump(document))
    home = tmp_path / "home"
    home.mkdir()
    (home / "made-by-seawall").touch()  # the mark of a state folder
    kit = dataclasses.replace(environment.kit, checkout=checkout, home=home)
    return target_of(kit, "qa")


def context_of(kubeconfig: Path) -> str:
    return cast("str", yaml.safe_load(kubeconfig.read_text())["current-context"])


def edit(kubeconfig: Path, section: str, **values: str) -> None:
    """Change the one cluster or user of a kubeconfig."""
    document = cast("dict[str, Any]", yaml.safe_load(kubeconfig.read_text()))
    document[f"{section}s"][0][section].update(values)
    kubeconfig.write_text(yaml.safe_dump(document))


def test_existing_cluster_is_selected_by_its_kubeconfig_context(
    qa: Target, kubeconfig: Path
) -> None:
    assert qa.own is None
    assert qa.place == f"context {context_of(kubeconfig)} of {kubeconfig}"
    qa.check_cluster()


def test_deletion_is_refused_if_the_configuration_names_another_cluster_than_the_state(
    environment: Environment, kubeconfig: Path
) -> None:
    local = target_of(environment.kit, "local")
    local.check_deployed_here()
    with pytest.raises(UsageError) as caught:
        dataclasses.replace(local, kubeconfig=kubeconfig).check_deployed_here()
    message = one_line_message(caught.value)
    assert f"deployed with the kubeconfig {local.kubeconfig}, but the configuration" in message
    assert f"now names {kubeconfig}" in message


def test_release_to_an_unreachable_cluster_fails_with_one_line(
    qa: Target, kubeconfig: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    edit(kubeconfig, "cluster", server=f"https://127.0.0.1:{port}")
    with pytest.raises(ClusterError) as caught:
        release(qa, SILENT)
    message = one_line_message(caught.value)
    assert "does not answer" in message
    assert "connection refused" in message.lower() or "refused" in message
    assert "Pulumi.qa.yaml" in message


def test_release_with_invalid_credentials_fails_with_one_line_without_the_token(
    qa: Target, kubeconfig: Path
) -> None:
    document = cast("dict[str, Any]", yaml.safe_load(kubeconfig.read_text()))
    document["users"][0]["user"] = {"token": "expired-long-ago"}
    kubeconfig.write_text(yaml.safe_dump(document))
    with pytest.raises(ClusterError) as caught:
        release(qa, SILENT)
    message = one_line_message(caught.value)
    assert "refuses the credentials" in message
    assert "expired-long-ago" not in message


def test_release_with_a_missing_context_fails_with_one_line(qa: Target) -> None:
    with pytest.raises(ClusterError) as caught:
        release(dataclasses.replace(qa, context="nowhere"), SILENT)
    assert "nowhere" in one_line_message(caught.value)


def test_missing_kubeconfig_fails_with_one_line(
    environment: Environment, qa: Target, kubeconfig: Path
) -> None:
    del environment
    kubeconfig.unlink()
    with pytest.raises(ClusterError, match="there is no kubeconfig") as caught:
        target_of(qa.kit, "qa")
    assert str(kubeconfig) in one_line_message(caught.value)


def test_rollback_without_a_good_release_is_refused(environment: Environment, qa: Target) -> None:
    with pytest.raises(UsageError, match="no release of qa was ever seen to serve"):
        rollback(dataclasses.replace(qa, own=environment.kit.cluster()), SILENT)


def test_smoke_test_reaches_the_gateway_through_the_api_server(
    environment: Environment, kubeconfig: Path
) -> None:
    kubectl = Kubectl(environment.kit.tool("kubernetes") / "kubectl", kubeconfig)
    with forwarded(kubectl, "seawall", "service/gateway", port=80) as url:
        answers = smoke_test(url, environment.api_key)
    assert [answer.kind for answer in answers] == ["plain", "streamed"]


def test_port_forward_to_a_missing_service_fails(
    environment: Environment, kubeconfig: Path
) -> None:
    kubectl = Kubectl(environment.kit.tool("kubernetes") / "kubectl", kubeconfig)
    with (
        pytest.raises(ClusterError, match="service/nothing cannot be reached"),
        forwarded(kubectl, "seawall", "service/nothing", port=80),
    ):
        pytest.fail("the Service was forwarded")
