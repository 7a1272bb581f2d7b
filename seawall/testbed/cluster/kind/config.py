"""The configuration for kind: https://kind.sigs.k8s.io/docs/user/configuration/."""

import yaml

from seawall.testbed.cluster.instance import Instance

__all__ = ["control_plane_name", "kind_config", "worker_names"]

_KUBEADM = {
    # A patch without an apiVersion applies to every version of kubeadm. Since v1beta4 kubeadm
    # expects extraArgs as a list; kind converts them.
    "kind": "ClusterConfiguration",
    "apiServer": {
        "extraArgs": {
            # Pods of a lost node are replaced after 5 s instead of 5 min, unless they set their
            # own tolerations.
            "default-not-ready-toleration-seconds": "5",
            "default-unreachable-toleration-seconds": "5",
        }
    },
    "controllerManager": {
        "extraArgs": {
            # As in the embedded cluster: a lost node is detected after 10 s instead of 50 s. The
            # autoscaler runs every 5 s instead of 15 s, and uses a new pod's CPU after 20 s.
            "node-monitor-grace-period": "10s",
            "node-monitor-period": "1s",
            "horizontal-pod-autoscaler-sync-period": "5s",
            "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
            "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
        }
    },
}
_KUBELET = {
    # Matches the grace period. The shorter crash-loop delay of the embedded cluster is missing
    # here, because kubelets before 1.35 do not start with it.
    "kind": "KubeletConfiguration",
    "nodeStatusUpdateFrequency": "2s",
    "nodeLeaseDurationSeconds": 8,
}


def kind_config(instance: Instance, node_image: str | None) -> str:
    """The YAML of one cluster: a control plane, and the instance's nodes as workers.

    Args:
        instance: the name of the cluster and its number of nodes.
        node_image: the image that selects the Kubernetes version; None for kind's default.
    """
    image = {"image": node_image} if node_image else {}
    workers = [
        {"role": "worker", "labels": {"topology.kubernetes.io/zone": f"zone-{machine}"}, **image}
        for machine in instance.node_machines
    ]
    return yaml.safe_dump(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "name": instance.name,
            "nodes": [{"role": "control-plane", **image}, *workers],
            "kubeadmConfigPatches": [yaml.safe_dump(_KUBEADM), yaml.safe_dump(_KUBELET)],
        },
        sort_keys=False,
    )


def control_plane_name(instance: Instance) -> str:
    """The name of the control plane's container and node in kind."""
    return f"{instance.name}-control-plane"


def worker_names(instance: Instance) -> dict[str, str]:
    """The names of the nodes in kind, by their names in the embedded cluster."""
    numbers = ["", *map(str, range(2, instance.nodes + 1))]
    return {
        instance.node_name(machine): f"{instance.name}-worker{number}"
        for machine, number in zip(instance.node_machines, numbers, strict=True)
    }
