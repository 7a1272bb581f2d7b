"""A ConfigMap with one file, and the digest by which pods that read it once are made anew."""

import hashlib
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

__all__ = ["MountedText", "mounted_text"]

_DIGEST = "checksum/config"
"""The annotation's name that charts use for it."""


@dataclass(frozen=True, slots=True)
class MountedText:
    """The volume, and the pod's annotation."""

    volume: VolumeArgs
    annotations: dict[str, pulumi.Input[str]]


def mounted_text(
    metadata: ObjectMetaArgs,
    file_name: str,
    text: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    name: str,
) -> MountedText:
    """The ConfigMap `name` with the file; its volume is called config."""
    config_map = ConfigMap(name, metadata=metadata, data={file_name: text}, opts=opts)
    source = ConfigMapVolumeSourceArgs(
        name=config_map.metadata.apply(lambda metadata: metadata.name or "")
    )
    digest = pulumi.Output.from_input(text).apply(
        lambda text: hashlib.sha256(text.encode()).hexdigest()
    )
    return MountedText(VolumeArgs(name="config", config_map=source), {_DIGEST: digest})
