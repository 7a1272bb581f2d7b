"""A release that cannot start is reported with the reason, fails no request, and is rolled back."""

import json
import time

import pytest

from tests.cluster.live_environment import constant_load
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

FAILS_WITHIN_S = 180.0


def outputs(environment: Environment) -> dict[str, object]:
    done = environment.seawall("status", "local", "--json")
    return json.loads(done.stdout)["outputs"]


def crashing_image(environment: Environment) -> str:
    """The image of Redis, which contains no gateway: its pods exit at once."""
    return environment.kit.images.project_image("redis").ref


def missing_image(environment: Environment) -> str:
    del environment
    return "none.invalid/gateway:0"


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (crashing_image, "SEAWALL_POD_NAME is not set"),
        pytest.param(missing_image, "none.invalid/gateway:0", marks=pytest.mark.soak),
    ],
    ids=["crashing image", "missing image"],
)
def test_broken_release_fails_no_request_and_is_rolled_back(
    environment: Environment, image: object, reason: str
) -> None:
    assert callable(image)
    good_images = outputs(environment)["images"]
    with constant_load(environment, 20.0) as load:
        begun = time.monotonic()
        broken = environment.seawall("up", "local", "--image", f"gateway={image(environment)}")
        took = time.monotonic() - begun
        status = environment.seawall("status", "local")
        rolled_back = environment.seawall("rollback", "local")
    report = load.report
    measured(f"a broken release was told after {took:.0f} s (goal {FAILS_WITHIN_S:.0f} s)")
    measured(f"while a broken release came and went: {report.failed} of {report.sent} failed")

    assert broken.returncode == 1
    (line,) = [text for text in broken.stderr.splitlines() if text.startswith("seawall: ")]
    assert "container gateway" in line or "container simulator" in line
    assert reason in line, "the reason comes from the pod: its events or its last log lines"
    assert "`seawall rollback local`" in line
    assert took < 3 * FAILS_WITHIN_S
    assert status.returncode == 3, "an incomplete rollout must not look complete"

    assert rolled_back.returncode == 0, rolled_back.stderr[-2000:]
    assert report.sent > 500, "too little load for a result"
    assert report.failed == 0, report.failures
    now = outputs(environment)
    assert now["images"] == good_images
    last_good = now["last_good_release"]
    assert isinstance(last_good, dict)
    assert last_good["images"] == good_images
    again = environment.seawall("up")
    assert "Pulumi reports no changes" in again.stdout
