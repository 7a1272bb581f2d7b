"""The load generator must see every failure, because chaos tests rely on it."""

from collections.abc import Generator

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import Simulator
from tests.support.constant_load import ConstantLoad

pytestmark = [pytest.mark.servers]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Generator[Simulator]:
    made = Simulator("target", tmp_path_factory.mktemp("load"))
    yield made
    made.stop()


@pytest.fixture
def simulator(started: Simulator) -> Simulator:
    started.heal()
    return started


def load(
    simulator: Simulator, *, streamed_share: float = 0.0, timeout_s: float = 5
) -> ConstantLoad:
    return ConstantLoad(
        url=simulator.base_url,
        api_key="unused",
        model="m",
        rate=100,
        timeout_s=timeout_s,
        streamed_share=streamed_share,
    )


def test_load_on_a_healthy_target_has_the_requested_rate_and_no_failures(
    simulator: Simulator,
) -> None:
    before = simulator.state()["streamed"]
    with load(simulator, streamed_share=0.5) as running:
        wait_until(lambda: running.sent >= 100, deadline_s=5, what="100 requests")
    report = running.report
    assert report.failed == 0, report.summary()
    assert report.sent / report.seconds == pytest.approx(100, rel=0.1)
    assert simulator.state()["streamed"] - before == report.sent // 2
    assert "no retries" in report.summary()
    assert 0 < report.p50_ms <= report.p99_ms <= report.max_ms


@pytest.mark.parametrize(
    ("fault", "streamed", "kind"),
    [
        ({"kind": "status", "code": 503}, 0.0, "status 503"),
        ({"kind": "hang"}, 0.0, "timeout"),
        ({"kind": "refuse"}, 0.0, "Client"),
        ({"kind": "html_200"}, 0.0, "not JSON"),
        ({"kind": "error_event"}, 1.0, "error event"),
        ({"kind": "error_event"}, 0.0, "no choices"),
        ({"kind": "cut_mid_stream"}, 1.0, "no [DONE]"),
        ({"kind": "cut_mid_stream", "how": "reset"}, 1.0, "Client"),
        ({"kind": "stall_mid_stream"}, 1.0, "timeout"),
    ],
)
def test_every_kind_of_failure_is_counted(
    simulator: Simulator, fault: dict[str, object], streamed: float, kind: str
) -> None:
    assert simulator.put_fault(fault).status == 200
    timeout_s = 0.3 if kind == "timeout" else 5
    with load(simulator, streamed_share=streamed, timeout_s=timeout_s) as running:
        wait_until(lambda: len(running.failures) >= 5, deadline_s=15, what="5 failures")
    assert running.report.failed == running.report.sent
    odd = {one.kind for one in running.report.failures if not one.kind.startswith(kind)}
    assert not odd
    assert running.report.longest_gap_s() < 5


def test_a_report_is_refused_while_the_load_runs(simulator: Simulator) -> None:
    with load(simulator) as running, pytest.raises(RuntimeError, match="still running"):
        _ = running.report
