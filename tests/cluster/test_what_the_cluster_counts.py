"""The metrics that a cluster offers to whoever scrapes it: kubelets', kube-state-metrics', top."""

import pytest
import urllib3

from seawall.common.wait import wait_until
from tests.conftest import Environment

pytestmark = [pytest.mark.cluster]


def test_every_kubelet_tells_of_its_containers_to_an_account_with_that_right(
    environment: Environment,
) -> None:
    # As Prometheus does it: at the node's own address, with a token, checked by the cluster's CA.
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
            assert pool.request("GET", url).status == 401, "strangers are not told"


def test_kube_state_metrics_tells_of_the_gateways_pods(environment: Environment) -> None:
    path = "/api/v1/namespaces/kube-system/services/kube-state-metrics:http/proxy/metrics"
    lines = environment.kubectl("get", "--raw", path).splitlines()
    told = [line for line in lines if line.startswith("kube_pod_info{") and 'pod="gateway-' in line]
    assert len(told) >= 2


def test_metrics_server_knows_what_every_pod_of_the_gateway_uses(environment: Environment) -> None:
    words = ("-n", "seawall", "top", "pods", "-l", "app.kubernetes.io/name=gateway", "--no-headers")
    wait_until(
        lambda: len(environment.kubectl(*words).splitlines()) >= 2,
        deadline_s=60,
        what="the use of two gateway pods to be known",
    )
