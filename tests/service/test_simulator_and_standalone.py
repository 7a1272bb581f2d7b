import json
import re
import signal
import socket
from pathlib import Path

import pytest

from contract import metrics
from seawall.common.wait import wait_until
from service.errors import GatewayError
from simulator.faults import FAULTS
from tests.service.kit import Gateway, ProcessUnderTest, Simulator, http_request
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

SERVE = "import sys; from seawall.ops.serve import serve; sys.exit(serve('127.0.0.1', {}))"


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ({"kind": "meteor"}, "allowed: status, refuse, hang"),
        ({"kind": "hang", "seconds": 3}, "hang has no parameter 'seconds'; allowed: times"),
        ({"kind": "status", "code": 99}, "status.code is 99; allowed: a number from 400 to 599"),
        ({"kind": "cut_mid_stream", "how": "softly"}, "allowed: end, reset"),
        ({"kind": "hang", "times": 0}, "times is 0"),
        ([1], "object"),
    ],
)
def test_an_unknown_fault_is_a_400_that_says_what_is_allowed(
    alpha: Simulator, wanted: object, part: str
) -> None:
    answer = alpha.put_fault(wanted)
    assert answer.status == 400
    assert part in answer.json()["error"]


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_can_be_set_with_its_defaults(alpha: Simulator, kind: str) -> None:
    alpha.fault(kind)
    assert alpha.state()["current"]["kind"] == kind
    alpha.heal()
    assert alpha.state()["current"] is None


def test_fault_ends_after_the_configured_number_of_times(alpha: Simulator) -> None:
    alpha.fault("status", code=503, times=1)
    body = b'{"model": "m", "messages": []}'
    url = alpha.base_url + "/chat/completions"
    assert [http_request("POST", url, body).status for _ in range(2)] == [503, 200]


def test_simulator_identifies_itself_in_the_model_list(alpha: Simulator) -> None:
    listed = http_request("GET", alpha.base_url + "/models").json()
    assert listed["data"][0]["owned_by"] == "seawall-simulator-alpha"


def test_simulator_exits_quickly_on_sigterm(folder: Path) -> None:
    simulator = Simulator("gamma", folder, fresh=True)
    simulator.signal(signal.SIGTERM)
    assert simulator.wait_for_exit(4) == 0


def test_all_documented_metrics_are_exposed(gateway: Gateway) -> None:
    gateway.chat()
    text = gateway.health("/metrics").body.decode()
    named = [str(getattr(metrics, name)) for name in metrics.__all__]
    missing = [name for name in named if name.startswith("seawall_") and name not in text]
    assert not missing


def test_error_series_exist_with_value_zero_before_the_first_failure(
    folder: Path, simulators: tuple[Simulator, Simulator]
) -> None:
    fresh = Gateway(folder, simulators)
    try:
        text = fresh.health("/metrics").body.decode()
    finally:
        fresh.stop()
    failures = {kind.status for kind in GatewayError.__subclasses__() if kind.status >= 500}
    assert failures >= {500, 503, 504}
    for route in ("chat_completions", "messages"):
        for status in failures | {529}:
            assert f'seawall_requests_total{{route="{route}",status="{status}"}} 0.0' in text


def test_probe_paths_answer_200_and_other_health_paths_404(gateway: Gateway) -> None:
    for path in ("/health/live", "/health/ready", "/health/startup"):
        assert gateway.health(path).status == 200
    assert gateway.health("/health").status == 404


def test_serve_prints_a_working_key_and_example(folder: Path) -> None:
    port = free_port()
    standalone = Standalone(port, folder)
    try:
        wait_until(lambda: "Try:" in standalone.output, deadline_s=60, what="the welcome")
        key = re.search(r"sk-seawall-\S+", standalone.output)
        assert key is not None
        answer = http_request(
            "POST",
            f"http://127.0.0.1:{port}/v1/chat/completions",
            json.dumps({"model": "fast", "messages": []}).encode(),
            {"authorization": f"Bearer {key.group()}"},
        )
        assert answer.status == 200
        assert "simulator" in answer.json()["choices"][0]["message"]["content"]
        standalone.signal(signal.SIGTERM)
        assert standalone.wait_for_exit(60) == 0
    finally:
        standalone.stop()


def test_serve_on_a_taken_port_is_one_line_and_code_2(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        standalone = Standalone(taken.getsockname()[1], folder)
        assert standalone.wait_for_exit(60) == 2
    assert "cannot listen on" in standalone.output
    assert len(standalone.output.strip().splitlines()) == 1


class Standalone(ProcessUnderTest):
    def __init__(self, port: int, folder: Path) -> None:
        script = folder / "serve_once.py"
        script.write_text(SERVE.format(port), encoding="utf-8")
        super().__init__(["serve_once"], folder / "serve.log", {"PYTHONPATH": str(folder)})
