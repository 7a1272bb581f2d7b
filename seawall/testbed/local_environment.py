"""This machine's part of an environment on a cluster of the kit's own: images, cluster, removal."""

from collections.abc import Mapping
from pathlib import Path

from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.kit import Kit
from seawall.testbed.preflight import blaming_a_full_disk, check_disk, same_disk
from seawall.testbed.toolchain.images import Image

__all__ = ["build_images", "prepare", "references", "remove_everything", "space_needed"]

_IMAGES = ("entrance", "gateway", "redis")
_FRESH_GIB = 26.0
"""Downloads, Go's build cache and a first run's results: 15 GiB by their parts, and some air."""
_TOOL_GIB = 2.0
"""Of another program that is new to a cache: its modules, Go's build cache and its image."""
_WARM_GIB = 2.0
"""A cluster's disks and one more set of images, beside a cache whose files nodes have by links."""
_COPIES_GIB = 1.0
"""Of a node whose disk is not the cache's: copies of the images and its own, measured 0.85."""
_RUNNING_GIB = 0.5
"""One more set of images on three nodes that are there already: measured 0.43."""


def prepare(kit: Kit, cluster: Cluster) -> Mapping[str, str]:
    """Build what is missing, start the cluster and give it the images; their references by name.

    Running it again repairs what was killed and otherwise changes nothing.

    Raises:
        SeawallError: one line about what stopped it; a rerun continues.
    """
    cluster.check_user()
    cluster.check_host()
    for folder, need_gib, what in space_needed(kit, cluster):
        check_disk(folder, need_gib=need_gib, what=what)
    kit.claim_home()
    kit.tool("pulumi")  # built before the cluster starts, as everything is
    kit.provider()
    images = build_images(kit)
    kit.start(cluster)
    with (
        kit.progress.step("give the images to the nodes", estimate_s=8),
        blaming_a_full_disk(kit.instance.data, variable="SEAWALL_STATE_DIR"),
    ):
        cluster.load(list(images.values()))
    return {name: image.ref for name, image in images.items()}


def build_images(kit: Kit) -> Mapping[str, Image]:
    """The images of all that runs in an environment, by name; built when missing.

    Raises:
        SeawallError: one could not be built.
    """
    own = {name: kit.images.project_image(name) for name in _IMAGES}
    return {**own, **kit.programs_beside_the_gateway}


def references(kit: Kit) -> Mapping[str, str]:
    """What `prepare` would return; nothing of the project's own is built.

    Raises:
        SeawallError: what the images are made from could not be built.
    """
    own = {name: kit.images.reference(name) for name in _IMAGES}
    return {**own, **kit.references_beside_the_gateway()}


def remove_everything(kit: Kit) -> None:
    """Remove the cluster and all local state; the cache of builds stays.

    Raises:
        SeawallError: something could not be removed.
    """
    cluster = kit.cluster()
    cluster.check_user()
    with kit.alone():
        cluster.down()
        kit.drop_home()


def space_needed(kit: Kit, cluster: Cluster) -> list[tuple[Path, float, str]]:
    """Folder, GiB, and what for."""
    fresh = not all((kit.cache.root / tool).is_dir() for tool in cluster.tools)
    missing = [
        tool for tool in kit.tools_beside_the_gateway if not (kit.cache.root / tool).is_dir()
    ]
    what = "a first run's builds" if fresh else "a cluster and its images"
    disks = _WARM_GIB
    if not same_disk(kit.cache.root, kit.instance.data):
        disks = _RUNNING_GIB + _COPIES_GIB * kit.instance.nodes
    if kit.instance.data.is_dir():
        disks = _RUNNING_GIB
    more = _TOOL_GIB * len(missing)
    return [
        (kit.cache.root, _FRESH_GIB if fresh else min(_WARM_GIB, disks) + more, what),
        (kit.instance.data, disks, "the cluster's disks"),
    ]
