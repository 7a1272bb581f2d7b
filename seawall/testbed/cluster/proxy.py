"""kube-proxy, which every machine runs so that ClusterIPs work on it."""

import json
from pathlib import Path

from seawall.testbed.cluster.init import DaemonSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.machine import HOME, PROGRAMS

__all__ = ["proxy_daemon", "write_proxy_settings"]

_SETTINGS = "kube-proxy.json"


def proxy_daemon() -> DaemonSpec:
    """The daemon; its settings are written by `write_proxy_settings`."""
    return DaemonSpec(
        name="kube-proxy",
        argv=[f"{PROGRAMS}/kube-proxy", f"--config={HOME}/{_SETTINGS}"],
        env={},
    )


def write_proxy_settings(instance: Instance, machine: str) -> None:
    """Write the machine's kube-proxy settings.

    The control plane uses the name of a node: it has no Node object itself, and kube-proxy would
    wait half a minute for one.
    """
    name = instance.node_name("n1" if machine == "cp" else machine)
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": instance.pod_range,
        "hostnameOverride": name,
        "bindAddress": instance.address(machine),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": f"{HOME}/kube-proxy.kubeconfig"},
        # 0 = leave the host's connection-tracking sysctls alone
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "iptables": {"minSyncPeriod": "0s"},
    }
    home: Path = instance.home(machine)
    home.mkdir(parents=True, exist_ok=True)
    (home / _SETTINGS).write_text(json.dumps(settings, indent=1))
