"""A release that cannot start: told with its reason, noticed by no user, and taken back."""

import json
import time

import pytest

from tests.cluster.watching import constant_load
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

FAILS_WITHIN_S = 180.0


def outputs(environment: Environment) -> dict[str, object]:
    done = environment.seawall("status", "local", "--json")
    return json.loads(done.stdout)["outputs"]


def crashing_image(environment: Environment) -> str:
    """The image of Redis, which holds no gateway: its pods end as soon as they start."""
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
    ids=["that crashes", "that does not exist"],
)
def test_users_do_not_notice_a_release_with_an_image(
    environment: Environment, image: object, reason: str
) -> None:
    assert callable(image)
    good = outputs(environment)["images"]
    with constant_load(environment, 20.0) as load:
        begun = time.monotonic()
        broken = environment.seawall("up", "local", "--image", f"gateway={image(environment)}")
        took = time.monotonic() - begun
        status = environment.seawall("status", "local")
        back = environment.seawall("rollback", "local")
    report = load.report
    measured(f"a broken release was told after {took:.0f} s (goal {FAILS_WITHIN_S:.0f} s)")
    measured(f"while a broken release came and went: {report.failed} of {report.sent} failed")

    assert broken.returncode == 1
    (line,) = [text for text in broken.stderr.splitlines() if text.startswith("seawall: ")]
    assert "container gateway" in line or "container simulator" in line
    assert reason in line, "the reason is the pod's own: its events or its last words"
    assert "`seawall rollback local`" in line
    assert took < 3 * FAILS_WITHIN_S
    assert status.returncode == 3, "a half-made rollout must not look complete"

    assert back.returncode == 0, back.stderr[-2000:]
    assert report.sent > 500, "too little load to tell"
    assert report.failed == 0, report.failures
    now = outputs(environment)
    assert now["images"] == good
    last_good = now["last_good_release"]
    assert isinstance(last_good, dict)
    assert last_good["images"] == good
    again = environment.seawall("up")
    assert "Pulumi reports no changes" in again.stdout
