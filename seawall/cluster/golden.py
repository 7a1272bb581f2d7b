"""One containerd store with the platform's images unpacked; nodes start from a hard-linked copy.

Importing takes seconds and gigabytes per node; linking takes a tenth of a second and no space.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from seawall.cluster.containerd import containerd_settings
from seawall.cluster.shell import run
from seawall.errors import BuildError
from seawall.progress import Progress
from seawall.supply.cache import Cache, digest_of_files
from seawall.supply.images import Image
from seawall.supply.run import run_logged

__all__ = ["clone_store", "golden_store"]

_FILLER = """\
set -eu
draft=$1; shift
containerd --config "$draft/containerd.toml" >"$draft/containerd.log" 2>&1 &
socket="$draft/containerd.sock"
tries=0
until ctr --address "$socket" version >/dev/null 2>&1; do
  tries=$((tries + 1)); [ $tries -lt 150 ] || { cat "$draft/containerd.log"; exit 1; }
  sleep 0.1
done
for archive in "$@"; do ctr --address "$socket" --namespace k8s.io images import "$archive"; done
for ref in $(ctr --address "$socket" --namespace k8s.io images ls --quiet); do
  ctr --address "$socket" --namespace k8s.io images label "$ref" io.cri-containerd.image=managed
done
kill $!
wait $! || :
"""


def golden_store(images: Sequence[Image], cache: Cache, progress: Progress) -> Path:
    """The containerd root that holds `images`, from the cache where possible.

    Raises:
        BuildError: containerd did not start or did not take an image.
    """
    key = digest_of_files([], *sorted(image.ref for image in images))

    def build(target: Path) -> None:
        # A short path: a socket's name may not be longer than 107 bytes.
        draft = Path("/run") / f"seawall-store-{os.getpid()}"
        draft.mkdir(mode=0o700)
        try:
            _write_settings(draft, target / "root")
            isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            with progress.step("unpack the cluster's images", estimate_s=15):
                run_logged(
                    [*isolated, "--propagation", "private", "sh", "-c", _FILLER, "fill", draft]
                    + [image.archive for image in images],
                    log=cache.root / "logs" / "golden-store.log",
                    what="unpacking images into containerd",
                )
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    return cache.get("containerd-store", key, build) / "root"


def clone_store(store: Path, target: Path) -> None:
    """Copy a store: hard links where the file system allows, own copies of the databases.

    Raises:
        BuildError: the disk is full or the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    linked = subprocess.run(["cp", "-al", store, target], capture_output=True, check=False)
    if linked.returncode != 0:  # another file system: pay with space
        shutil.rmtree(target, ignore_errors=True)
        try:
            run(["cp", "-a", str(store), str(target)], timeout_s=300)
        except OSError as failed:
            raise BuildError(f"copying the image store to {target}: {failed}") from failed
        return
    for database in store.rglob("*.db"):
        own = target / database.relative_to(store)
        own.unlink()
        shutil.copy2(database, own)


def _write_settings(draft: Path, root: Path) -> None:
    head = containerd_settings(
        socket=f"{draft}/containerd.sock", without=("io.containerd.grpc.v1.cri",)
    )
    (draft / "containerd.toml").write_text(
        f"""\
root = "{root}"
state = "{draft}/state"
{head}[plugins."io.containerd.internal.v1.opt"]
  path = "{draft}/opt"
"""
    )
