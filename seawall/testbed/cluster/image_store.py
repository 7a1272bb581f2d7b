"""One containerd store with the unpacked images of the platform; nodes start with a linked copy.

An import takes seconds and gigabytes per node; hard links take a tenth of a second and no space.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from seawall.common.progress import Progress
from seawall.testbed.cluster.containerd import containerd_settings
from seawall.testbed.cluster.exec import run
from seawall.testbed.preflight import blaming_a_full_disk
from seawall.testbed.toolchain.cache import Cache, digest_of_files
from seawall.testbed.toolchain.images import Image
from seawall.testbed.toolchain.run import run_logged

__all__ = ["clone_store", "golden_store"]

_DRAFT = "/dev/shm/seawall-store"  # noqa: S108 - in a separate mount
_FILLER = f"""\
set -eu
# The mount exists for this shell only, so a killed build leaves nothing behind. The path is short,
# because the path of a socket has at most 107 bytes.
mount -t tmpfs -o mode=755 store /dev/shm
draft={_DRAFT}; socket="$draft/containerd.sock"
mkdir "$draft" "$draft/tmp"
export TMPDIR="$draft/tmp"
printf '%s' "$1" >"$draft/containerd.toml"; shift
containerd --config "$draft/containerd.toml" >"$draft/containerd.log" 2>&1 &
tries=0
until ctr --address "$socket" version >/dev/null 2>&1; do
  tries=$((tries + 1)); [ $tries -lt 150 ] || {{ cat "$draft/containerd.log"; exit 1; }}
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
    """The containerd root with `images`, from the cache if possible.

    Raises:
        BuildError: containerd did not start or could not import an image.
    """
    key = digest_of_files([], *sorted(image.ref for image in images))

    def build(target: Path) -> None:
        # The build ends when this process ends, even if it is killed.
        isolated = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork"]
        isolated += ["--kill-child", "--mount-proc", "--propagation", "private"]
        with progress.step("unpack the cluster's images", estimate_s=15):
            run_logged(
                [*isolated, "sh", "-c", _FILLER, "fill", _settings(target / "root")]
                + [image.archive for image in images],
                log=cache.root / "logs" / "golden-store.log",
                what="unpacking images into containerd",
            )

    with blaming_a_full_disk(cache.root, variable="SEAWALL_CACHE"):
        return cache.get("containerd-store", key, build) / "root"


def clone_store(store: Path, target: Path) -> None:
    """Copy a store: hard links if the file system allows them, real copies of the databases.

    Raises:
        ClusterError: the disk is full or the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Another name until the copy is complete: the next `up` would use an incomplete store.
    draft = target.with_name(f"{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    linked = subprocess.run(["cp", "-al", store, draft], capture_output=True, check=False)
    if linked.returncode == 0:
        for database in store.rglob("*.db"):
            own = draft / database.relative_to(store)
            own.unlink()
            shutil.copy2(database, own)
    else:  # another file system: a real copy, which uses space
        shutil.rmtree(draft, ignore_errors=True)
        run(["cp", "-a", str(store), str(draft)], timeout_s=300)
    draft.rename(target)


def _settings(root: Path) -> str:
    head = containerd_settings(
        socket=f"{_DRAFT}/containerd.sock", without=("io.containerd.grpc.v1.cri",)
    )
    return f"""\
root = "{root}"
state = "{_DRAFT}/state"
{head}[plugins."io.containerd.internal.v1.opt"]
  path = "{_DRAFT}/opt"
"""
