"""This machine's part of an environment on a bundled cluster: images, cluster, removal."""

from collections.abc import Mapping
from pathlib import Path

from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.image_builds import dockerfile_targets
from seawall.testbed.kit import Kit
from seawall.testbed.preflight import blaming_a_full_disk, check_disk, same_disk
from seawall.testbed.toolchain.images import Image

__all__ = ["build_images", "prepare", "references", "remove_everything", "space_needed"]

_FRESH_GIB = 26.0
"""Downloads, Go's build cache and the results of a first run: together 15 GiB, plus a margin."""
_TOOL_GIB = 2.0
"""For each program that is missing in the cache: its modules, Go's build cache and its image."""
_WARM_GIB = 2.0
"""Disks of a cluster and one more set of images, if nodes hard-link the files of the cache."""
_COPIES_GIB = 1.0
"""For each node whose disk is not that of the cache: copied images and own data, measured 0.85."""
_RUNNING_GIB = 0.5
"""One more set of images on three existing nodes: measured 0.43."""


def prepare(kit: Kit, cluster: Cluster) -> Mapping[str, str]:
    """Build missing programs and images, start the cluster, and load the images into it.

    A second run restarts killed processes and changes nothing else.

    Returns:
        The references of the images, by name.

    Raises:
        SeawallError: a step failed; the message is one line, and a rerun continues.
    """
    cluster.check_user()
    cluster.check_host()
    for folder, need_gib, what in space_needed(kit, cluster):
        check_disk(folder, need_gib=need_gib, what=what)
    kit.claim_home()
    kit.tool("pulumi")  # all builds come before the start of the cluster
    kit.provider()
    images = build_images(kit)
    kit.start(cluster)
    with (
        kit.progress.step("load the images into the nodes", estimate_s=8),
        blaming_a_full_disk(kit.instance.data, variable="SEAWALL_STATE_DIR"),
    ):
        cluster.load(list(images.values()))
    return {name: image.ref for name, image in images.items()}


def build_images(kit: Kit) -> Mapping[str, Image]:
    """All images of an environment, by name; built when missing.

    Raises:
        SeawallError: an image could not be built.
    """
    own = {name: kit.images.project_image(target) for name, target in dockerfile_targets().items()}
    return {**own, **kit.programs_beside_the_gateway}


def references(kit: Kit) -> Mapping[str, str]:
    """The result that `prepare` would return; builds no image of the project.

    Raises:
        SeawallError: a base image could not be built.
    """
    own = {name: kit.images.reference(target) for name, target in dockerfile_targets().items()}
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
    """The required disk space: folder, GiB, and its purpose."""
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
