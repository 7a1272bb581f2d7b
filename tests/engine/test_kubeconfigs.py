"""Which kubeconfigs the stand-in reads, and which it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from seawall.engine.standin.kubeconfig import connect, read_kubeconfig
from seawall.engine.standin.support import Refusal


def kubeconfig(user: dict[str, Any], **cluster: object) -> str:
    return yaml.safe_dump(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": "https://x:1/", **cluster}}],
            "users": [{"name": "u", "user": user}],
        }
    )


def test_a_token_becomes_a_header() -> None:
    found = connect(kubeconfig({"token": "t"}), context="", namespace="")
    assert found.server == "https://x:1"
    assert found.headers == {"Authorization": "Bearer t"}
    assert found.namespace == "default"


@pytest.mark.parametrize("plugin", ["exec", "auth-provider"])
def test_a_login_plugin_is_refused_by_name(plugin: str) -> None:
    with pytest.raises(Refusal, match=f"`{plugin}`"):
        connect(kubeconfig({plugin: {}}), context="", namespace="")


def test_a_cluster_that_is_not_verified_is_refused() -> None:
    insecure = kubeconfig({}, **{"insecure-skip-tls-verify": True})
    with pytest.raises(Refusal, match="insecure-skip-tls-verify"):
        connect(insecure, context="", namespace="")


def test_an_unknown_context_is_refused_by_name() -> None:
    with pytest.raises(Refusal, match="no context named 'other'"):
        connect(kubeconfig({}), context="other", namespace="")


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="nothing-here"):
        read_kubeconfig(str(tmp_path / "nothing-here"))
