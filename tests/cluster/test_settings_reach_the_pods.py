"""Changed settings reach every pod without failed requests; broken settings are rolled back."""

import copy
from typing import Any, cast

import pytest
import urllib3

from contract import ports
from seawall.common.errors import ClusterError
from seawall.common.wait import wait_until
from seawall.ops.deployment import Target, target_of
from seawall.ops.release import Watcher, release, rollback
from tests.cluster.live_environment import gateway_endpoints, terminating_since
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad

pytestmark = [pytest.mark.cluster]

SILENT = Watcher(expect=lambda total: total, hear=lambda step: step)


@pytest.fixture
def local(environment: Environment) -> Target:
    return target_of(environment.kit, "local")


def last_good_settings(target: Target) -> dict[str, Any]:
    """A copy of the settings of the last good release."""
    found = target.engine.last_good()
    assert found is not None
    return cast("dict[str, Any]", copy.deepcopy(found["settings"]))


def models(environment: Environment) -> list[list[str]]:
    """The models of each gateway pod that receives requests."""
    found: list[list[str]] = []
    for address in gateway_endpoints(environment):
        answer = urllib3.request(
            "GET",
            f"http://{address}:{ports.GATEWAY_HTTP}/v1/models",
            headers={"authorization": f"Bearer {environment.api_key}"},
            timeout=5,
            retries=False,
        )
        found.append([str(model["id"]) for model in answer.json()["data"]])
    return found


def test_changed_settings_reach_every_pod_without_failed_requests(
    environment: Environment, local: Target, load: ConstantLoad
) -> None:
    before = last_good_settings(local)
    other = copy.deepcopy(before)
    other["seawall:gateway"]["models"]["extra"] = before["seawall:gateway"]["models"]["fast"]
    with load:
        release(local, SILENT, settings=other)
        wait_until(
            lambda: len(found := models(environment)) >= 2 and all("extra" in m for m in found),
            deadline_s=60,
            what="the new model in every pod, without the old pods",
        )
        release(local, SILENT, settings=before)
    measured(f"while settings changed twice: {load.report.summary()}")
    assert load.report.failed == 0, load.report.failures
    assert last_good_settings(local) == before


def test_settings_without_a_reachable_provider_fail_the_release_and_are_rolled_back(
    environment: Environment, local: Target
) -> None:
    before = last_good_settings(local)
    wrong = copy.deepcopy(before)
    for provider in wrong["seawall:gateway"]["providers"].values():
        provider["base_url"] = provider["base_url"].replace("/v1", "/nowhere")
    with pytest.raises(ClusterError, match=r"smoke test: .*`seawall rollback local`"):
        release(local, SILENT, settings=wrong)
    assert last_good_settings(local) == before, "settings that failed must not be recorded as good"
    assert rollback(local, SILENT).answers
    assert environment.seawall("smoke", "local").returncode == 0
    # Terminating pods with the wrong settings still answer, and the next test counts requests.
    wait_until(
        lambda: not terminating_since(environment, "gateway"),
        deadline_s=60,
        what="the Terminating pods to end",
    )
