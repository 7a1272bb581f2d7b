"""The daemons and settings of a node: containerd, kubelet, kube-proxy and the pod network."""

import json
import os

from seawall.testbed.cluster.cgroups import cgroup_root
from seawall.testbed.cluster.containerd import containerd_settings
from seawall.testbed.cluster.init import DaemonSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.machine import HOME, PROGRAMS
from seawall.testbed.cluster.proxy import proxy_daemon, write_proxy_settings

__all__ = ["CONTAINERD_SOCKET", "node_daemons", "write_node_settings"]

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
"""The path of the socket inside the node."""

_PKI = f"{HOME}-pki"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""A fixed PATH: with the caller's, a different PATH would restart the machine."""


def node_daemons(instance: Instance, machine: str) -> list[DaemonSpec]:
    """The daemons of a node; settings and kubeconfigs must be in its folder."""
    name = instance.node_name(machine)
    path = {"PATH": f"{PROGRAMS}:{_PATH}"}
    return [
        DaemonSpec(
            name="containerd", argv=["containerd", f"--config={HOME}/containerd.toml"], env=path
        ),
        DaemonSpec(
            name="kubelet",
            argv=[
                f"{PROGRAMS}/kubelet",
                f"--config={HOME}/kubelet.json",
                f"--kubeconfig={HOME}/node.kubeconfig",
                f"--hostname-override={name}",
                f"--node-ip={instance.address(machine)}",
                f"--node-labels=topology.kubernetes.io/zone=zone-{machine}",
            ],
            env=path,
        ),
        proxy_daemon(),
    ]


def write_node_settings(instance: Instance, machine: str, *, pause_ref: str) -> None:
    """Write all settings files of a node."""
    home = instance.home(machine)
    (home / "cni").mkdir(parents=True, exist_ok=True)
    (home / "containerd.toml").write_text(_containerd(pause_ref))
    (home / "cni" / "10-pods.conflist").write_text(
        json.dumps(_pod_network(instance, machine), indent=1)
    )
    (home / "resolv.conf").write_text(f"nameserver {instance.host_address}\n")
    (home / "kubelet.json").write_text(json.dumps(_kubelet(instance, machine), indent=1))
    write_proxy_settings(instance, machine)


def _containerd(pause_ref: str) -> str:
    # restrict_oom_score_adj: otherwise, without CAP_SYS_RESOURCE, every sandbox fails with "can't
    # get final child's PID from pipe: EOF".
    return f"""\
{containerd_settings(socket=CONTAINERD_SOCKET)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_ref}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{HOME}/cni"
"""


def _pod_network(instance: Instance, machine: str) -> object:
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "ipMasq": False,  # pods keep their address between nodes
                "hairpinMode": True,  # a pod may reach itself through its Service
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/ipam",
                    "ranges": [[{"subnet": instance.node_pod_range(machine)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(instance: Instance, machine: str) -> object:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup_root(instance, machine),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "address": instance.address(machine),
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{_PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{_PKI}/kubelet-serving-{machine}.crt",
        "tlsPrivateKeyFile": f"{_PKI}/kubelet-serving-{machine}.key",
        "clusterDomain": "cluster.local",
        "clusterDNS": [instance.dns_service],
        "resolvConf": f"{HOME}/resolv.conf",
        "failSwapOn": False,
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "imageGCHighThresholdPercent": 100,  # images cannot be pulled again
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        # Five minutes by default. The node should be usable soon after a full disk has space again.
        "evictionPressureTransitionPeriod": "10s",
        "systemReserved": _reserved(instance),
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "2s",
        # The lease detects a lost node, so an unchanged status is reported rarely.
        "nodeStatusReportFrequency": "1m",
        "nodeLeaseDurationSeconds": 8,
        "serializeImagePulls": False,
        # Otherwise the second kill of a container delays its restart by 10 s or more.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
    }


def _reserved(instance: Instance) -> dict[str, str]:
    """Resources that a node must not offer: those of the other nodes and of the control plane.

    Every kubelet sees the whole machine, so otherwise N nodes would offer its resources N times.
    """
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    spare = 1024 if memory > 4096 else 256  # noqa: PLR2004 - MiB for control plane and host
    others = 1 - 1 / instance.nodes
    return {
        "cpu": f"{int(cores * 1000 * others)}m",
        "memory": f"{int(memory * others) + spare // instance.nodes}Mi",
    }
