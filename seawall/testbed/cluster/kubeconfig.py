"""kubeconfig files for users and for the components of the cluster."""

import base64
import json
from pathlib import Path

from seawall.testbed.cluster.instance import Instance

__all__ = ["write_kubeconfig"]


def write_kubeconfig(target: Path, *, instance: Instance, pki: Path, user: str) -> None:
    """Write a self-contained file (mode 0600) with the certificate and key of `user` in `pki`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": instance.name,
        "clusters": [
            {
                "name": instance.name,
                "cluster": {
                    "server": instance.api_server,
                    "certificate-authority-data": _encoded(pki / "ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encoded(pki / f"{user}.crt"),
                    "client-key-data": _encoded(pki / f"{user}.key"),
                },
            }
        ],
        "contexts": [
            {"name": instance.name, "context": {"cluster": instance.name, "user": user}},
        ],
    }
    target.touch(mode=0o600)
    target.write_text(json.dumps(document))


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
