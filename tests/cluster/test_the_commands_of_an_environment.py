"""preview, status, smoke, engine, logs, state: what they print, and their exit codes."""

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
from tests.conftest import LISTENING, SEAWALL, Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

PREVIEW_GOAL_S = 5.0


class _RedisPod(BaseModel):
    role: str
    up: bool
    link_up: bool | None
    lag_s: float | None


class _Watched(BaseModel):
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
    """One object was deleted: what was said before, of it, of its repair, and afterwards."""

    quiet: "subprocess.CompletedProcess[str]"
    drifted: "subprocess.CompletedProcess[str]"
    repaired: "subprocess.CompletedProcess[str]"
    again: "subprocess.CompletedProcess[str]"
    preview_s: float
    """The fastest preview without changes: others take processors away for a while."""


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


def test_a_preview_shows_drift_and_its_exit_code_tells_it(drift: Drift) -> None:
    assert drift.quiet.returncode == 0, drift.quiet.stdout
    assert document(drift.quiet)["changed"] == 0
    assert drift.drifted.returncode == 3
    assert "NetworkPolicy default-deny" in drift.drifted.stdout
    assert drift.again.returncode == 0, drift.again.stdout


def test_up_repairs_the_drift_and_nothing_else(drift: Drift) -> None:
    update = cast("dict[str, object]", document(drift.repaired)["update"])
    changes = cast("dict[str, int]", update["changes"])
    assert changes.pop("same") > 50
    assert changes == {"create": 1}


def test_progress_goes_to_standard_error_and_names_what_was_done(drift: Drift) -> None:
    assert "create NetworkPolicy default-deny" in drift.repaired.stderr
    for part in ("program and policies", "up", "total"):
        assert f"timing: {part} " in drift.repaired.stderr


@pytest.mark.timed
def test_a_preview_with_nothing_to_show_is_quick(drift: Drift) -> None:
    assert drift.preview_s < 3 * PREVIEW_GOAL_S


def test_status_tells_what_is_missing(environment: Environment) -> None:
    whole = environment.seawall("status", "--json")
    assert whole.returncode == 0, whole.stdout
    workloads = cast("list[dict[str, object]]", document(whole)["workloads"])
    ready = {str(item["name"]): cast("int", item["ready"]) for item in workloads}
    assert ready.pop("Deployment gateway") >= 2, "the autoscaler may want more"
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
            what="the Service without endpoints to be told",
        )
        assert environment.seawall("status").returncode == 3
    finally:
        environment.kubectl("-n", "seawall", "scale", "deployment/simulator-beta", "--replicas=1")
    wait_until(
        lambda: environment.seawall("status").returncode == 0,
        deadline_s=60,
        what="the Service with an endpoint again to be told",
    )


def test_status_is_one_screen_of_what_is_watched(environment: Environment) -> None:
    watched = _Watched.model_validate(document(environment.seawall("status", "--json"))["watched"])
    assert set(watched.breakers) == {"alpha/sim-small", "beta/sim-small"}
    assert sorted(pod.role for pod in watched.redis) == ["master", "slave", "slave"]
    assert all(pod.up for pod in watched.redis)
    replicas = [pod for pod in watched.redis if pod.role == "slave"]
    assert all(pod.link_up and pod.lag_s is not None for pod in replicas)
    assert watched.unevaluated == []
    assert (watched.sentinels, watched.quorum) == (3, True)
    shown = environment.seawall("status").stdout
    assert "sentinels: 3 of 3 answer, quorum" in shown
    assert "redis: 3 of 3 answer: redis-0" in shown
    assert "error budget of 99.9% in 30 days:" in shown
    assert "last backup: none is configured" in shown


def test_smoke_asks_for_both_kinds_of_answer(environment: Environment) -> None:
    done = environment.seawall("smoke", "--json")
    assert done.returncode == 0, done.stderr
    answers = cast("list[dict[str, object]]", document(done)["answers"])
    assert [answer["kind"] for answer in answers] == ["plain", "streamed"]
    assert all(answer["text"] for answer in answers)


def test_engine_tells_the_provider_and_the_state(environment: Environment) -> None:
    found = document(environment.seawall("engine", "--json"))
    provider = cast("dict[str, str]", found["provider"])
    assert provider["path"].endswith("/pulumi-resource-kubernetes")
    assert provider["version"] == provider_release()
    assert found["backend"] == f"file://{environment.kit.home}/state?metadata=skip"
    told = environment.seawall("engine").stdout
    assert f"Kubernetes provider: {provider['path']} ({provider['version']})" in told


def test_logs_are_those_of_the_component(environment: Environment) -> None:
    environment.seawall("smoke")
    done = environment.seawall("logs", "local", "gateway", "--tail", "5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[pod/gateway-")
    assert "chat_completions" in done.stdout


def test_a_backup_of_the_state_is_written_and_restored(
    environment: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "state.json"
    done = environment.seawall("state", "backup", "local", "--to", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert environment.api_key not in file.read_text()
    back = environment.seawall("state", "restore", "local", str(file))
    assert back.returncode == 0, back.stderr
    assert "the previous state is in" in back.stdout
    again = environment.seawall("up")
    assert again.returncode == 0, again.stderr
    assert "was not locked" in environment.seawall("state", "unlock", "local").stdout


def interrupted_up(environment: Environment, *, after: str) -> "subprocess.Popen[str]":
    """`seawall up` in a process group of its own, to which Ctrl-C goes when it has said `after`."""
    process = subprocess.Popen(
        [*LISTENING, SEAWALL, "up"],
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


def test_ctrl_c_ends_up_in_good_order(environment: Environment) -> None:
    with interrupted_up(environment, after="deploy local with Pulumi") as process:
        assert process.stderr is not None
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    again = environment.seawall("up")
    assert again.returncode == 0, again.stderr
