"""prometheus-adapter: Prometheus' metrics in the form that the autoscaler reads."""

import json
from collections.abc import Iterator

from contract import ports
from infra.config import Environment, MetricsAdapter
from infra.workloads.peers import (
    HTTPS,
    Block,
    Namespaces,
    Opening,
    from_api_server,
    to_api_server,
    to_pods,
)
from infra.workloads.prometheus import prometheus_url
from infra.workloads.workload import Program, Scratch, Workload
from monitoring.scaling import SIGNALS, adapter_rules

__all__ = ["metrics_adapter"]

_CONFIG_DIR = "/etc/seawall/adapter"
_CONFIG_FILE = "adapter.yaml"
_KEYS = "/keys"
_RELIST_S = 10
"""Seconds until a new series is known. The default, 10 min, is for large Prometheus servers."""
_MIN_AGE_S = 60
"""Long enough for a slow scrape."""


def metrics_adapter(environment: Environment) -> Iterator[Workload]:
    """One pod that serves two APIs of the cluster. While it is away, nothing is scaled down."""
    settings, network = environment.metrics_adapter, environment.network
    if settings is None:
        return
    there = settings.prometheus
    window_s = settings.window.whole_seconds
    rules = adapter_rules(SIGNALS, window_s=window_s)
    yield Workload(
        name="metrics-adapter",
        image="metrics_adapter",
        switched_on_by="metrics_adapter",
        reaches=[_prometheus(settings), to_api_server(network)],
        accepts=[from_api_server(network, ports.METRICS_ADAPTER)],
        program=Program(
            type="seawall:monitoring:MetricsAdapter",
            arguments=[
                f"--config={_CONFIG_DIR}/{_CONFIG_FILE}",
                f"--prometheus-url={there.url if there else prometheus_url(environment)}",
                f"--metrics-relist-interval={_RELIST_S}s",
                # Series with samples within this time.
                f"--metrics-max-age={max(window_s, _MIN_AGE_S)}s",
                f"--secure-port={ports.METRICS_ADAPTER}",
                f"--cert-dir={_KEYS}",
            ],
            port=ports.METRICS_ADAPTER,
            scheme="https",
            service_port=HTTPS,
            health="/livez",
            ready="/readyz",
            resources=settings.resources,
            settings={_CONFIG_FILE: json.dumps(rules, indent=2)},
            settings_dir=_CONFIG_DIR,
            scratch=[Scratch("keys", _KEYS, "1Mi", in_memory=True)],
            grace_s=30,
        ),
    )


def _prometheus(settings: MetricsAdapter) -> Opening:
    there = settings.prometheus
    if there is None:
        return to_pods("prometheus", ports.PROMETHEUS)
    peer = Namespaces(there.namespace) if there.namespace else Block(str(there.block))
    return Opening((peer,), (there.port,))
