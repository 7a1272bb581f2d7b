"""The metrics adapter's queries, which promtool evaluates on synthetic series."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract import metrics
from monitoring.scaling import SIGNALS, Signal, adapter_rules

NAMESPACE = 'namespace="seawall"'
OF = {signal.key: signal for signal in SIGNALS}


def query(signal: Signal) -> str:
    """The adapter's query for the signal of the autoscaler in the namespace `seawall`."""
    rules = adapter_rules([signal], window_s=60)
    (rule,) = (*rules["rules"], *rules["externalRules"])
    group = "pod" if signal.of_pods else ""
    return (
        rule["metricsQuery"]
        .replace("<<.Series>>", signal.series)
        .replace("<<.LabelMatchers>>", NAMESPACE)
        .replace("<<.GroupBy>>", group)
    )


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f'{name}{{{NAMESPACE},job="seawall-gateway",{inside}}}', "values": values}


def assert_told(
    folder: Path, signal: Signal, given: list[dict[str, str]], expected: dict[str, float]
) -> None:
    """Assert the result of the query after two minutes; `expected` is the value by labels."""
    samples: list[dict[str, Any]] = [
        {"labels": labels, "value": value} for labels, value in expected.items()
    ]
    document = {
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": given,
                "promql_expr_test": [
                    {"expr": query(signal), "eval_time": "2m", "exp_samples": samples}
                ],
            }
        ],
    }
    file = folder / "test.json"
    file.write_text(json.dumps(document))
    done = subprocess.run(
        ["promtool", "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_requests_in_flight_are_averaged_per_pod(tmp_path: Path) -> None:
    given = [
        series(metrics.IN_FLIGHT, "0 0 0 0 0 10 20 30 40", pod="a"),
        series(metrics.IN_FLIGHT, "5x8", pod="b"),
    ]
    assert_told(tmp_path, OF["requests_in_flight"], given, {'{pod="a"}': 20, '{pod="b"}': 5})


def test_requests_per_second_are_summed_over_routes_and_statuses(tmp_path: Path) -> None:
    given = [
        series(metrics.REQUESTS, "0+150x8", pod="a", route="chat", status="200"),
        series(metrics.REQUESTS, "0+15x8", pod="a", route="chat", status="503"),
    ]
    assert_told(tmp_path, OF["requests_per_second"], given, {'{pod="a"}': 11})


def test_queued_requests_are_summed_over_pods(tmp_path: Path) -> None:
    given = [series(metrics.QUEUED, "3x8", pod="a"), series(metrics.QUEUED, "4x8", pod="b")]
    assert_told(tmp_path, OF["queued_requests"], given, {"{}": 7})


def test_breaker_openings_are_counted_once_per_target_not_per_pod(tmp_path: Path) -> None:
    opening = {"provider": "alpha", "model": "small"}
    given = [
        series(metrics.BREAKER_OPENINGS, "0+1x8", pod=pod, **opening) for pod in ("a", "b", "c")
    ]
    given.append(series(metrics.BREAKER_OPENINGS, "0+2x8", pod="a", provider="beta", model="small"))
    assert_told(tmp_path, OF["breaker_openings_per_minute"], given, {"{}": 12})


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.key)
def test_idle_signal_is_zero(tmp_path: Path, signal: Signal) -> None:
    given = [series(signal.series, "0x8", pod="a", provider="alpha", model="small")]
    assert_told(tmp_path, signal, given, {'{pod="a"}' if signal.of_pods else "{}": 0})


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.key)
def test_stale_signal_has_no_value(tmp_path: Path, signal: Signal) -> None:
    given = [series(signal.series, "1x2 stale", pod="a", provider="alpha", model="small")]
    assert_told(tmp_path, signal, given, {})
