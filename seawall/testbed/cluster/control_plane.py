"""The daemons of the control plane: etcd, API server, controllers, scheduler, and a kube-proxy.

The kube-proxy lets the API server (webhooks, aggregated APIs) and this host reach ClusterIPs.
"""

from seawall.testbed.cluster.init import DaemonSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.machine import HOME, PROGRAMS
from seawall.testbed.cluster.proxy import proxy_daemon

__all__ = ["control_plane_daemons"]

_PKI = f"{HOME}-pki"
_ETCD = "http://127.0.0.1:2379"
_PEER = "http://127.0.0.1:2380"


def control_plane_daemons(instance: Instance) -> list[DaemonSpec]:
    """The daemons of machine `cp`; kubeconfigs must be in its folder."""
    return [
        _etcd(),
        _api_server(instance),
        _controller_manager(),
        _scheduler(),
        proxy_daemon(),
    ]


def _daemon(name: str, program: str, flags: dict[str, str]) -> DaemonSpec:
    argv = [program, *(f"--{flag}={value}" for flag, value in flags.items())]
    return DaemonSpec(name=name, argv=argv, env={})


def _etcd() -> DaemonSpec:
    return _daemon(
        "etcd",
        "etcd",
        {
            "data-dir": "/var/lib/etcd",
            "listen-client-urls": _ETCD,
            "advertise-client-urls": _ETCD,
            "listen-peer-urls": _PEER,
            "initial-advertise-peer-urls": _PEER,
            "initial-cluster": f"default={_PEER}",
            # A killed process loses no data. A power cut can; `make up` then starts from nothing.
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        },
    )


def _api_server(instance: Instance) -> DaemonSpec:
    return _daemon(
        "kube-apiserver",
        f"{PROGRAMS}/kube-apiserver",
        {
            "etcd-servers": _ETCD,
            "bind-address": "0.0.0.0",  # noqa: S104 - inside a separate network namespace
            "advertise-address": instance.address("cp"),
            "secure-port": "6443",
            "service-cluster-ip-range": instance.service_range,
            "client-ca-file": f"{_PKI}/ca.crt",
            "tls-cert-file": f"{_PKI}/apiserver.crt",
            "tls-private-key-file": f"{_PKI}/apiserver.key",
            "service-account-key-file": f"{_PKI}/service-account.pub",
            "service-account-signing-key-file": f"{_PKI}/service-account.key",
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "allow-privileged": "true",
            "kubelet-client-certificate": f"{_PKI}/apiserver-to-kubelet.crt",
            "kubelet-client-key": f"{_PKI}/apiserver-to-kubelet.key",
            "kubelet-certificate-authority": f"{_PKI}/ca.crt",
            "kubelet-preferred-address-types": "InternalIP,Hostname",
            "requestheader-client-ca-file": f"{_PKI}/front-proxy-ca.crt",
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-username-headers": "X-Remote-User",
            "proxy-client-cert-file": f"{_PKI}/front-proxy.crt",
            "proxy-client-key-file": f"{_PKI}/front-proxy.key",
            # Pods of a lost node are replaced after 5 s instead of 5 min, unless they set their
            # own tolerations.
            "default-not-ready-toleration-seconds": "5",
            "default-unreachable-toleration-seconds": "5",
            "profiling": "false",
        },
    )


def _controller_manager() -> DaemonSpec:
    kubeconfig = f"{HOME}/controller-manager.kubeconfig"
    return _daemon(
        "kube-controller-manager",
        f"{PROGRAMS}/kube-controller-manager",
        {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "root-ca-file": f"{_PKI}/ca.crt",
            "service-account-private-key-file": f"{_PKI}/service-account.key",
            "cluster-signing-cert-file": f"{_PKI}/ca.crt",
            "cluster-signing-key-file": f"{_PKI}/ca.key",
            "requestheader-client-ca-file": f"{_PKI}/front-proxy-ca.crt",
            "use-service-account-credentials": "true",
            "controllers": "*",
            "allocate-node-cidrs": "false",
            "leader-elect": "false",
            # Each controller first requests its own token. With the default of 20 requests per
            # second, this delays the first pods by three seconds.
            "kube-api-qps": "200",
            "kube-api-burst": "400",
            # Faster than the defaults (15 s, 5 min), so that users see changes in a local cluster.
            "horizontal-pod-autoscaler-sync-period": "5s",
            "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
            "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
            # A node failure is detected after 10 s instead of 50 s; the kubelet's lease matches.
            "node-monitor-grace-period": "10s",
            "node-monitor-period": "1s",
            "terminated-pod-gc-threshold": "50",
        },
    )


def _scheduler() -> DaemonSpec:
    kubeconfig = f"{HOME}/scheduler.kubeconfig"
    return _daemon(
        "kube-scheduler",
        f"{PROGRAMS}/kube-scheduler",
        {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "leader-elect": "false",
        },
    )
