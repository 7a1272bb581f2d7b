"""The files of a kind node that the tests read."""

_ADMIN_CONF = """apiVersion: v1
kind: Config
clusters: [{name: kubernetes, cluster: {server: "https://inside:6443"}}]
contexts: [{name: admin, context: {cluster: kubernetes, user: admin}}]
current-context: admin
users: [{name: admin, user: {token: not-a-real-one}}]
"""
FILES = {
    "/etc/kubernetes/admin.conf": _ADMIN_CONF,
    "/kind/manifests/default-cni.yaml": "apiVersion: apps/v1\nkind: DaemonSet\n",
    "/kind/manifests/default-storage.yaml": "apiVersion: storage.k8s.io/v1\nkind: StorageClass\n",
}
CONTAINERD = """version = 3
[plugins.'io.containerd.cri.v1.images']
snapshotter = 'overlayfs'
"""
