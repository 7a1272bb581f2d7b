"""A folder for the temporary files of the engine's Pulumi processes.

At each start the Kubernetes provider writes the kubeconfig into a temporary file and never removes
it: provider.go of pulumi-kubernetes 4.25, `writeKubeconfigToFile`.
"""

import atexit
import os
import shutil
from pathlib import Path

from seawall.engine.layout import Layout

__all__ = ["own_folder"]


def own_folder(layout: Layout) -> Path:
    """The folder of this process, which is removed with its content when the process ends.

    The call also removes the folders of killed processes.
    """
    for folder in layout.temporary.glob("*"):
        if not Path("/proc", folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)
    own = layout.temporary / str(os.getpid())
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own
