"""Other settings: they reach every pod, nobody notices, and those that do not serve go back."""

import copy
from typing import Any, cast

import pytest
import urllib3

from contract import ports
from seawall.common.errors import ClusterError
from seawall.common.wait import wait_until
from seawall.ops.deployment import Target, target_of
from seawall.ops.release import Watcher, release, rollback
from tests.cluster.watching import leaving, served
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad

pytestmark = [pytest.mark.cluster]

NOBODY = Watcher(expect=lambda total: total, hear=lambda step: step)


@pytest.fixture
def local(environment: Environment) -> Target:
    return target_of(environment.kit, "local")


def good(target: Target) -> dict[str, Any]:
    """A copy of the settings that were last seen to serve."""
    found = target.engine.last_good()
    assert found is not None
    return cast("dict[str, Any]", copy.deepcopy(found["settings"]))


def models(environment: Environment) -> list[list[str]]:
    """The models that each pod offers to which requests are sent."""
    found: list[list[str]] = []
    for address in served(environment):
        answer = urllib3.request(
            "GET",
            f"http://{address}:{ports.GATEWAY_HTTP}/v1/models",
            headers={"authorization": f"Bearer {environment.api_key}"},
            timeout=5,
            retries=False,
        )
        found.append([str(model["id"]) for model in answer.json()["data"]])
    return found


def test_other_settings_reach_every_pod_and_nobody_notices(
    environment: Environment, local: Target, load: ConstantLoad
) -> None:
    before = good(local)
    other = copy.deepcopy(before)
    other["seawall:gateway"]["models"]["extra"] = before["seawall:gateway"]["models"]["fast"]
    with load:
        release(local, NOBODY, settings=other)
        wait_until(
            lambda: len(found := models(environment)) >= 2 and all("extra" in m for m in found),
            deadline_s=60,
            what="the new model in every pod, and the old pods to be gone",
        )
        release(local, NOBODY, settings=before)
    measured(f"while settings changed twice: {load.report.summary()}")
    assert load.report.failed == 0, load.report.failures
    assert good(local) == before


def test_settings_with_which_no_provider_answers_are_told_and_taken_back(
    environment: Environment, local: Target
) -> None:
    before = good(local)
    wrong = copy.deepcopy(before)
    for provider in wrong["seawall:gateway"]["providers"].values():
        provider["base_url"] = provider["base_url"].replace("/v1", "/nowhere")
    with pytest.raises(ClusterError, match=r"smoke test: .*`seawall rollback local`"):
        release(local, NOBODY, settings=wrong)
    assert good(local) == before, "what did not serve is not recorded as good"
    assert rollback(local, NOBODY).answers
    assert environment.seawall("smoke", "local").returncode == 0
    # Those with the wrong settings still answer what comes to them, and the next test counts that.
    wait_until(lambda: not leaving(environment, "gateway"), deadline_s=60, what="the last to end")
