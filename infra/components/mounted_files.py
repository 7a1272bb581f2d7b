"""A ConfigMap as a volume, and the digest by which pods that read it once are made anew."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

__all__ = ["MountedFiles", "mounted_files"]

_DIGEST = "checksum/config"
"""The annotation's name that charts use for it."""


@dataclass(frozen=True, slots=True)
class MountedFiles:
    """The volume, and the pod's annotation."""

    volume: VolumeArgs
    annotations: dict[str, pulumi.Input[str]]


def mounted_files(
    name: str,
    metadata: ObjectMetaArgs,
    files: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> MountedFiles:
    """The ConfigMap `name` with `files`, texts by file name; its volume is called config."""
    config_map = ConfigMap(name, metadata=metadata, data=files, opts=opts)
    source = ConfigMapVolumeSourceArgs(
        name=config_map.metadata.apply(lambda metadata: metadata.name or "")
    )
    digest = pulumi.Output.json_dumps(files, sort_keys=True).apply(
        lambda text: hashlib.sha256(text.encode()).hexdigest()
    )
    return MountedFiles(VolumeArgs(name="config", config_map=source), {_DIGEST: digest})
