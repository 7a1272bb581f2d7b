"""Changes of the settings file under a running gateway: real processes and constant load."""

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import TimedOutError, wait_until
from service.errors import SettingsError
from service.reload import SettingsFile
from service.settings import parse_settings
from tests.service.kit import (
    API_KEY,
    Answer,
    Gateway,
    Simulator,
    http_request,
    patient_load,
    provider_of,
)

pytestmark = [pytest.mark.servers]

NOTICED_S = 5
"""Seconds until a change is noticed: two checks, half a second apart, and a margin."""
REFUSED = "seawall_settings_refused"
MINIMAL = "providers: {a: {kind: ollama, base_url: 'http://a'}}\nmodels: {m: {targets: [%s]}}\n"
ONE = MINIMAL % "{provider: a, model: one}"
OTHER = MINIMAL % "{provider: a, model: other}"


def target(simulator: Simulator, model: str) -> dict[str, object]:
    return {"targets": [{"provider": simulator.name, "model": model}]}


@pytest.fixture
def changing(folder: Path, alpha: Simulator, beta: Simulator) -> Generator[Gateway]:
    gateway = Gateway(folder, [alpha, beta], degradation={"stale_answers": "60s"})
    yield gateway
    gateway.stop()


def knows(gateway: Gateway, model: str) -> bool:
    headers = {"authorization": f"Bearer {API_KEY}"}
    return http_request("GET", f"{gateway.url}/models/{model}", headers=headers).status == 200


def wait_for_model(gateway: Gateway, model: str) -> None:
    wait_until(lambda: knows(gateway, model), deadline_s=NOTICED_S, what=f"{model} to be known")


def wait_for_refusal(gateway: Gateway, *, refused: bool = True) -> None:
    wait_until(
        lambda: gateway.metric(REFUSED) == refused, deadline_s=NOTICED_S, what="the file's fate"
    )


def test_no_request_fails_while_the_settings_change_under_load(
    changing: Gateway, alpha: Simulator, beta: Simulator
) -> None:
    kept = {"targets": [{"provider": one.name, "model": "sim-0"} for one in (alpha, beta)]}
    alone = {beta.name: provider_of(beta, "openai-compatible")}
    with patient_load(changing.url, rate=60) as load:
        changing.reconfigure(models={"model-0": kept, "added": target(beta, "sim-added")})
        wait_for_model(changing, "added")
        assert changing.chat("added").json()["model"] == "sim-added"
        changing.reconfigure(models={"model-0": target(beta, "sim-0")}, providers=alone)
        wait_until(
            lambda: changing.chat("added").status == 404, deadline_s=NOTICED_S, what="removal"
        )
        asked = alpha.requests()
        after = load.answered
        wait_until(lambda: load.answered > after + 30, deadline_s=5, what="answers afterwards")
        assert alpha.requests() == asked, "the provider that was removed gets no request"
    assert load.report.failed == 0, load.report.summary() + str(load.report.failures[:3])


def test_invalid_settings_file_keeps_the_last_valid_settings(changing: Gateway) -> None:
    good = changing.config.read_text(encoding="utf-8")
    reasons = {
        "models: [": "is not YAML",
        "a: 2024-13-45": "is not YAML",
        "models: {}": "providers: Field required",
    }

    def refusals() -> list[str]:
        return [line for line in changing.output.splitlines() if "not reloaded" in line]

    for number, (text, reason) in enumerate(reasons.items(), start=1):
        changing.configure(text)
        wait_until(lambda n=number: len(refusals()) == n, deadline_s=NOTICED_S, what=reason)
        assert reason in refusals()[-1]
    wait_for_refusal(changing)
    assert changing.chat().status == 200
    health = changing.url.removesuffix("/v1") + "/health"
    shown = http_request("GET", health, headers={"authorization": f"Bearer {API_KEY}"}).json()
    assert shown["status"] == "degraded"
    assert any("settings file is not in use" in one for one in shown["reasons"])
    changing.configure(good)
    wait_for_refusal(changing, refused=False)
    assert len(refusals()) == len(reasons), "one line for each change"


def test_settings_change_that_needs_a_restart_is_refused_and_named(changing: Gateway) -> None:
    changing.reconfigure(
        admission={"max_in_flight": 3},
        shutdown={"serve": "1s", "grace": "9s"},
        models={"other": {"targets": [{"provider": "alpha", "model": "sim-0"}]}},
    )
    wait_for_refusal(changing)
    assert "admission, shutdown: other values need a restart" in changing.output
    assert not knows(changing, "other"), "a file is in use as a whole or not at all"
    assert knows(changing, "model-0")


def test_breakers_survive_an_unrelated_settings_change(
    changing: Gateway, alpha: Simulator, beta: Simulator
) -> None:
    alpha.fault("status", code=500)
    for _ in range(5):
        assert changing.chat().status == 200
    state = 'seawall_breaker_state{model="sim-0",provider="alpha"}'
    assert changing.metric(state) == 2
    both = {"targets": [{"provider": one.name, "model": "sim-0"} for one in (alpha, beta)]}
    changing.reconfigure(models={"model-0": both, "added": target(beta, "sim-0")})
    wait_for_model(changing, "added")
    assert changing.metric(state) == 2
    asked = alpha.requests()
    assert changing.chat().status == 200
    assert alpha.requests() == asked, "an open breaker is known to the new settings"

    spoken = {**provider_of(alpha, "openai-compatible"), "kind": "vllm"}
    changing.reconfigure(
        models={"model-0": both},
        providers={"alpha": spoken, "beta": provider_of(beta, "openai-compatible")},
    )
    wait_until(lambda: changing.metric(state) == 0, deadline_s=NOTICED_S, what="a new breaker")
    assert changing.chat().status == 200
    assert alpha.requests() > asked, "another definition is another provider, with a clean record"

    changing.reconfigure(models={"model-0": target(beta, "sim-0")})
    wait_until(
        lambda: state not in changing.health("/metrics").body.decode(),
        deadline_s=NOTICED_S,
        what="the gauge of a target that is none any more to go",
    )


def test_request_in_flight_keeps_the_settings_it_started_with(
    changing: Gateway, alpha: Simulator, beta: Simulator
) -> None:
    changing.reconfigure(
        timeouts={"first_content": "30s", "gap": "30s"},
        models={"going": target(alpha, "sim-0")},
    )
    wait_for_model(changing, "going")
    alpha.fault("slow_first_token", seconds=2.5, times=1)
    asked = alpha.requests()
    found: list[Answer] = []
    asking = threading.Thread(target=lambda: found.append(changing.chat("going", stream=True)))
    asking.start()
    wait_until(lambda: alpha.requests() > asked, deadline_s=5, what="the request to be upstream")
    changing.reconfigure(
        timeouts={"first_content": "100ms"},
        models={"come": target(beta, "sim-0")},
        providers={"beta": provider_of(beta, "openai-compatible")},
    )
    wait_for_model(changing, "come")
    assert not found, "it is still in flight"
    asking.join()
    assert found[0].events()[-1] == "[DONE]"


def test_stale_answers_survive_a_settings_change(
    changing: Gateway, alpha: Simulator, beta: Simulator
) -> None:
    fresh = changing.chat()
    changing.reconfigure(
        degradation={"stale_answers": "90s"},
        models={"model-0": target(alpha, "sim-0"), "added": target(beta, "sim-0")},
    )
    wait_for_model(changing, "added")
    alpha.fault("status", code=500)
    stale = changing.chat()
    assert (stale.status, stale.headers["x-seawall-degraded"]) == (200, "stale")
    assert stale.body == fresh.body


def test_settings_are_not_reloaded_when_reload_is_disabled(folder: Path, alpha: Simulator) -> None:
    still = Gateway(folder, [alpha], reload=False)
    try:
        still.configure("models: [")
        with pytest.raises(TimedOutError):
            wait_until(lambda: still.metric(REFUSED) == 1, deadline_s=2, what="a refusal")
        assert still.chat().status == 200
    finally:
        still.stop()


def test_kubernetes_symlink_swap_is_detected_as_a_change(tmp_path: Path) -> None:
    for version, text in (("1", ONE), ("2", OTHER)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "gateway.yaml").write_text(text)
    data = tmp_path / "..data"
    data.symlink_to("1")
    mounted = tmp_path / "gateway.yaml"
    mounted.symlink_to("..data/gateway.yaml")
    file = SettingsFile(mounted)
    assert not file.changed()
    fresh = tmp_path / "..data_tmp"
    fresh.symlink_to("2")
    fresh.replace(data)
    assert [file.changed(), file.changed()] == [False, True]
    assert file.read() == parse_settings(OTHER, "") != file.settings
    assert not file.changed()


def test_file_that_is_still_being_written_is_not_a_change(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(ONE)
    file = SettingsFile(path)
    for size in range(1, 4):
        path.write_text(OTHER[: size * 10])
        assert not file.changed(), "it still grows"
    path.write_text(OTHER)
    assert [file.changed(), file.changed()] == [False, True]


def test_deleted_settings_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(ONE)
    file = SettingsFile(path)
    path.unlink()
    assert [file.changed(), file.changed()] == [False, True]
    with pytest.raises(SettingsError, match="cannot read the settings file"):
        file.read()
