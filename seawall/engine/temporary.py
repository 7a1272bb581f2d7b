"""A folder for the temporary files of our Pulumi processes.

The Kubernetes provider writes the kubeconfig into a temporary file each time that it starts, and
leaves it there: provider.go of pulumi-kubernetes 4.25, `writeKubeconfigToFile`.
"""

import atexit
import os
import shutil
from pathlib import Path

from seawall.engine.layout import Layout

__all__ = ["own_folder"]


def own_folder(layout: Layout) -> Path:
    """The folder of this process, which is removed with all that is in it when the process ends.

    Those of processes that were killed are removed here.
    """
    for folder in layout.temporary.glob("*"):
        if not Path("/proc", folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)
    own = layout.temporary / str(os.getpid())
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own
