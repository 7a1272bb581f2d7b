"""The metrics of a cluster for scrapers: kubelets, kube-state-metrics and metrics-server."""

import pytest
import urllib3

from seawall.common.wait import wait_until
from tests.conftest import Environment

pytestmark = [pytest.mark.cluster]


def test_every_kubelet_serves_container_metrics_to_an_authorized_account_only(
    environment: Environment,
) -> None:
    # As Prometheus does: at the node's address, with a token, verified with the cluster's CA.
    token = environment.kubectl("-n", "kube-system", "create", "token", "metrics-server").strip()
    where = 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}'
    addresses = environment.kubectl("get", "nodes", "-o", where).split()
    assert len(addresses) == 3
    authority = environment.kit.instance.data / "pki" / "ca.crt"
    with urllib3.PoolManager(ca_certs=str(authority), retries=False, timeout=10) as pool:
        for address in addresses:
            url = f"https://{address}:10250/metrics/cadvisor"
            answer = pool.request("GET", url, headers={"authorization": f"Bearer {token}"})
            assert answer.status == 200
            assert b"container_cpu_usage_seconds_total" in answer.data
            assert pool.request("GET", url).status == 401, (
                "requests without a token must be refused"
            )


def test_kube_state_metrics_lists_the_gateway_pods(environment: Environment) -> None:
    path = "/api/v1/namespaces/kube-system/services/kube-state-metrics:http/proxy/metrics"
    lines = environment.kubectl("get", "--raw", path).splitlines()
    gateway_lines = [
        line for line in lines if line.startswith("kube_pod_info{") and 'pod="gateway-' in line
    ]
    assert len(gateway_lines) >= 2


def test_metrics_server_reports_the_usage_of_every_gateway_pod(environment: Environment) -> None:
    words = ("-n", "seawall", "top", "pods", "-l", "app.kubernetes.io/name=gateway", "--no-headers")
    wait_until(
        lambda: len(environment.kubectl(*words).splitlines()) >= 2,
        deadline_s=60,
        what="the usage of two gateway pods",
    )
