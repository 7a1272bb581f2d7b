"""What kind is told to make: https://kind.sigs.k8s.io/docs/user/configuration/."""

import yaml

from seawall.testbed.cluster.instance import Instance

__all__ = ["control_plane_name", "kind_config", "worker_names"]

_KUBEADM = {
    # Without an apiVersion a patch is for every version of kubeadm, which writes these as a list
    # since v1beta4: kind translates.
    "kind": "ClusterConfiguration",
    "apiServer": {
        "extraArgs": {
            # Pods of a lost node are replaced after 5 s instead of 5 min, where they do not say.
            "default-not-ready-toleration-seconds": "5",
            "default-unreachable-toleration-seconds": "5",
        }
    },
    "controllerManager": {
        "extraArgs": {
            # As in the embedded cluster: a lost node is noticed after 10 s instead of 50 s, the
            # autoscaler looks every 5 s instead of 15 s and trusts a new pod after 20 s.
            "node-monitor-grace-period": "10s",
            "node-monitor-period": "1s",
            "horizontal-pod-autoscaler-sync-period": "5s",
            "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
            "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
        }
    },
}
_KUBELET = {
    # Matches the grace period. The embedded cluster's shorter crash loop is left out: kubelets
    # before 1.35 do not start with it.
    "kind": "KubeletConfiguration",
    "nodeStatusUpdateFrequency": "2s",
    "nodeLeaseDurationSeconds": 8,
}


def kind_config(instance: Instance, node_image: str | None) -> str:
    """The YAML of one cluster: a control plane, and the instance's nodes as workers.

    Args:
        instance: its name and how many nodes it has.
        node_image: which Kubernetes; kind's own default when None.
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
    """How kind calls the control plane's container and node."""
    return f"{instance.name}-control-plane"


def worker_names(instance: Instance) -> dict[str, str]:
    """How kind calls the nodes, by the names that the embedded cluster gives to them."""
    numbers = ["", *map(str, range(2, instance.nodes + 1))]
    return {
        instance.node_name(machine): f"{instance.name}-worker{number}"
        for machine, number in zip(instance.node_machines, numbers, strict=True)
    }
