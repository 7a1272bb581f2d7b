"""This machine's part of an embedded environment: the images, the cluster, and their removal."""

from collections.abc import Mapping
from pathlib import Path

from seawall.cluster.embedded import EmbeddedCluster
from seawall.host import (
    blaming_a_full_disk,
    check_disk,
    check_kernel,
    check_root,
    same_disk,
)
from seawall.kit import Kit

__all__ = ["prepare", "references", "remove_everything", "space_needed"]

_IMAGES = ("gateway", "redis")
_FRESH_GIB = 16.0
"""Downloads, Go's build cache and a first run's results: 15 GiB by their parts, and some air."""
_WARM_GIB = 2.0
"""A cluster's disks and one more set of images, beside a cache whose files nodes have by links."""
_COPIES_GIB = 1.0
"""Of a node whose disk is not the cache's: copies of the images and its own, measured 0.85."""
_RUNNING_GIB = 0.5
"""One more set of images on three nodes that are there already: measured 0.43."""


def prepare(kit: Kit) -> Mapping[str, str]:
    """Build what is missing, start the cluster and give it the images; their references by name.

    Running it again repairs what was killed and otherwise changes nothing.

    Raises:
        SeawallError: one line about what stopped it; a rerun continues.
    """
    check_root()
    check_kernel()
    for folder, need_gib, what in space_needed(kit):
        check_disk(folder, need_gib=need_gib, what=what)
    kit.claim_home()
    kit.tool("pulumi")  # built before the cluster starts, as everything is
    images = {name: kit.images.project_image(name) for name in _IMAGES}
    images.update(kit.programs_beside_the_gateway)
    cluster: EmbeddedCluster = kit.start_cluster()
    with (
        kit.progress.step("give the images to the nodes", estimate_s=8),
        blaming_a_full_disk(kit.instance.data, variable="SEAWALL_STATE_DIR"),
    ):
        cluster.load(list(images.values()))
    return {name: image.ref for name, image in images.items()}


def references(kit: Kit) -> Mapping[str, str]:
    """What `prepare` would return; nothing of the project's own is built.

    Raises:
        SeawallError: what the images are made from could not be built.
    """
    own = {name: kit.images.reference(name) for name in _IMAGES}
    return own | {name: image.ref for name, image in kit.programs_beside_the_gateway.items()}


def remove_everything(kit: Kit) -> None:
    """Remove the cluster and all local state; the cache of builds stays.

    Raises:
        SeawallError: something could not be removed.
    """
    check_root()
    with kit.alone():
        kit.cluster().down()
        kit.drop_home()


def space_needed(kit: Kit) -> list[tuple[Path, float, str]]:
    """Folder, GiB, and what for."""
    fresh = not (kit.cache.root / "kubernetes").is_dir()
    what = "a first run's builds" if fresh else "a cluster and its images"
    disks = _WARM_GIB
    if not same_disk(kit.cache.root, kit.instance.data):
        disks = _RUNNING_GIB + _COPIES_GIB * kit.instance.nodes
    if kit.instance.data.is_dir():
        disks = _RUNNING_GIB
    return [
        (kit.cache.root, _FRESH_GIB if fresh else min(_WARM_GIB, disks), what),
        (kit.instance.data, disks, "the cluster's disks"),
    ]
