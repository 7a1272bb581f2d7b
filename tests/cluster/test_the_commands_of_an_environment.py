"""The output and exit codes of preview, status, smoke, engine, logs and state."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from pydantic import BaseModel

from seawall.common.wait import wait_until
from seawall.engine.programs import provider_release
from tests.conftest import INTERRUPTIBLE, SEAWALL, Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

PREVIEW_GOAL_S = 5.0


class _RedisPod(BaseModel):
    role: str
    up: bool
    link_up: bool | None
    lag_s: float | None


class _Monitored(BaseModel):
    breakers: dict[str, str]
    redis: list[_RedisPod]
    sentinels: int
    quorum: bool | None
    unevaluated: list[str]


def document(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    assert done.stdout, done.stderr
    return cast("dict[str, object]", json.loads(done.stdout))


@dataclass(frozen=True, slots=True)
class Drift:
    """The output before the deletion of one object, after it, of the repair, and afterwards."""

    quiet: "subprocess.CompletedProcess[str]"
    drifted: "subprocess.CompletedProcess[str]"
    repaired: "subprocess.CompletedProcess[str]"
    again: "subprocess.CompletedProcess[str]"
    preview_s: float
    """The fastest preview without changes, since other programs may use the CPUs for a while."""


@pytest.fixture(scope="module")
def drift(environment: Environment) -> Drift:
    quiet, first_s = quiet_preview(environment)
    environment.kubectl("-n", "seawall", "delete", "networkpolicy", "default-deny")
    drifted = environment.seawall("preview", "--expect-no-changes")
    repaired = environment.seawall("up", "--json", "--timings")
    again, second_s = quiet_preview(environment)
    return Drift(quiet, drifted, repaired, again, min(first_s, second_s))


def quiet_preview(environment: Environment) -> "tuple[subprocess.CompletedProcess[str], float]":
    """A preview that should find no changes, and how long it took."""
    begun = time.monotonic()
    done = environment.seawall("preview", "--expect-no-changes", "--json", "--timings")
    took = time.monotonic() - begun
    measured(f"`seawall preview local` took {took:.1f} s (goal {PREVIEW_GOAL_S:.0f} s)")
    for line in done.stderr.splitlines():
        if line.startswith("timing: "):
            measured(f"  of it {line.removeprefix('timing: ')}")
    return done, took


def test_preview_shows_drift_and_exits_with_3(drift: Drift) -> None:
    assert drift.quiet.returncode == 0, drift.quiet.stdout
    assert document(drift.quiet)["changed"] == 0
    assert drift.drifted.returncode == 3
    assert "NetworkPolicy default-deny" in drift.drifted.stdout
    assert drift.again.returncode == 0, drift.again.stdout


def test_up_recreates_the_deleted_object_and_changes_nothing_else(drift: Drift) -> None:
    update = cast("dict[str, object]", document(drift.repaired)["update"])
    changes = cast("dict[str, int]", update["changes"])
    assert changes.pop("same") > 50
    assert changes == {"create": 1}


def test_up_prints_progress_and_timings_to_standard_error(drift: Drift) -> None:
    assert "create NetworkPolicy default-deny" in drift.repaired.stderr
    for part in ("program and policies", "up", "total"):
        assert f"timing: {part} " in drift.repaired.stderr


@pytest.mark.timed
def test_preview_without_changes_ends_within_three_times_the_goal(drift: Drift) -> None:
    assert drift.preview_s < 3 * PREVIEW_GOAL_S


def test_status_reports_a_service_without_endpoints_and_exits_with_3(
    environment: Environment,
) -> None:
    healthy = environment.seawall("status", "--json")
    assert healthy.returncode == 0, healthy.stdout
    workloads = cast("list[dict[str, object]]", document(healthy)["workloads"])
    ready = {str(item["name"]): cast("int", item["ready"]) for item in workloads}
    assert ready.pop("Deployment gateway") >= 2, "the autoscaler may have added pods"
    assert ready == {
        "Deployment alert-receiver": 1,
        "Deployment alertmanager": 1,
        "Deployment entrance": 2,
        "Deployment metrics-adapter": 1,
        "Deployment outside-probe": 1,
        "Deployment prometheus": 1,
        "Deployment redis-exporter": 1,
        "Deployment simulator-alpha": 1,
        "Deployment simulator-beta": 1,
        "StatefulSet redis": 3,
    }
    environment.kubectl("-n", "seawall", "scale", "deployment/simulator-beta", "--replicas=0")
    try:
        wait_until(
            lambda: "no ready endpoint" in environment.seawall("status").stdout,
            deadline_s=60,
            what="status to report the Service without endpoints",
        )
        assert environment.seawall("status").returncode == 3
    finally:
        environment.kubectl("-n", "seawall", "scale", "deployment/simulator-beta", "--replicas=1")
    wait_until(
        lambda: environment.seawall("status").returncode == 0,
        deadline_s=60,
        what="status to report no problem",
    )


def test_status_shows_breakers_redis_sentinels_error_budget_and_backup(
    environment: Environment,
) -> None:
    monitored = _Monitored.model_validate(
        document(environment.seawall("status", "--json"))["monitored"]
    )
    assert set(monitored.breakers) == {"alpha/sim-small", "beta/sim-small"}
    assert sorted(pod.role for pod in monitored.redis) == ["master", "slave", "slave"]
    assert all(pod.up for pod in monitored.redis)
    replicas = [pod for pod in monitored.redis if pod.role == "slave"]
    assert all(pod.link_up and pod.lag_s is not None for pod in replicas)
    assert monitored.unevaluated == []
    assert (monitored.sentinels, monitored.quorum) == (3, True)
    shown = environment.seawall("status").stdout
    assert "sentinels: 3 of 3 answer, quorum" in shown
    assert "redis: 3 of 3 answer: redis-0" in shown
    assert "error budget of 99.9% in 30 days:" in shown
    assert "last backup: none is configured" in shown


def test_smoke_requests_a_plain_and_a_streamed_answer(environment: Environment) -> None:
    done = environment.seawall("smoke", "--json")
    assert done.returncode == 0, done.stderr
    answers = cast("list[dict[str, object]]", document(done)["answers"])
    assert [answer["kind"] for answer in answers] == ["plain", "streamed"]
    assert all(answer["text"] for answer in answers)


def test_engine_shows_the_provider_and_the_state_backend(environment: Environment) -> None:
    found = document(environment.seawall("engine", "--json"))
    provider = cast("dict[str, str]", found["provider"])
    assert provider["path"].endswith("/pulumi-resource-kubernetes")
    assert provider["version"] == provider_release()
    assert found["backend"] == f"file://{environment.kit.home}/state?metadata=skip"
    output = environment.seawall("engine").stdout
    assert f"Kubernetes provider: {provider['path']} ({provider['version']})" in output


def test_logs_prints_the_lines_of_the_component(environment: Environment) -> None:
    environment.seawall("smoke")
    done = environment.seawall("logs", "local", "gateway", "--tail", "5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[pod/gateway-")
    assert "chat_completions" in done.stdout


def test_state_backup_is_private_without_secrets_and_can_be_restored(
    environment: Environment, tmp_path: Path
) -> None:
    backup = tmp_path / "state.json"
    done = environment.seawall("state", "backup", "local", "--to", str(backup))
    assert done.returncode == 0, done.stderr
    assert backup.stat().st_mode & 0o777 == 0o600
    assert environment.api_key not in backup.read_text()
    restored = environment.seawall("state", "restore", "local", str(backup))
    assert restored.returncode == 0, restored.stderr
    assert "the previous state is in" in restored.stdout
    again = environment.seawall("up")
    assert again.returncode == 0, again.stderr
    assert "was not locked" in environment.seawall("state", "unlock", "local").stdout


def test_down_asks_before_it_deletes_the_data(environment: Environment) -> None:
    done = environment.seawall("down")
    assert done.returncode == 2
    assert "DELETE local from" in done.stderr
    assert "there is no terminal; add --yes" in done.stderr
    assert environment.seawall("status").returncode == 0


def interrupted_up(environment: Environment, *, after: str) -> "subprocess.Popen[str]":
    """Start `seawall up` in a separate process group, and interrupt it after the text `after`."""
    process = subprocess.Popen(
        [*INTERRUPTIBLE, SEAWALL, "up"],
        env={**os.environ, **environment.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if after in line:
            os.killpg(process.pid, 2)
            break
    return process


def test_up_exits_with_130_after_ctrl_c_and_a_rerun_succeeds(environment: Environment) -> None:
    with interrupted_up(environment, after="deploy local with Pulumi") as process:
        assert process.stderr is not None
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    again = environment.seawall("up")
    assert again.returncode == 0, again.stderr
