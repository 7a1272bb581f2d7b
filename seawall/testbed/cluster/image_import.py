"""Import images into a node's containerd."""

import subprocess
from collections.abc import Sequence

from seawall.common.errors import ClusterError
from seawall.testbed.cluster.machine import Machine
from seawall.testbed.cluster.node import CONTAINERD_SOCKET
from seawall.testbed.toolchain.images import Image

__all__ = ["load_images"]


def load_images(node: Machine, images: Sequence[Image]) -> None:
    """Import the images that the node does not have.

    Raises:
        ClusterError: an import failed; the message ends with the last line of `ctr`.
    """
    base = ["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", "images"]
    there = subprocess.run(
        node.enter([*base, "ls", "--quiet"]), capture_output=True, text=True, check=False
    )
    for image in images:
        if image.ref in there.stdout.split():
            continue
        # Through standard input, because the archive's path may not exist inside the node.
        with image.archive.open("rb") as archive:
            done = subprocess.run(
                node.enter([*base, "import", "-"]), stdin=archive, capture_output=True, check=False
            )
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise ClusterError(
                f"node {node.name} cannot import {image.ref}: {words[-1] if words else 'no output'}"
            )
