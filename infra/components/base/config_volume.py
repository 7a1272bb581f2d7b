"""A ConfigMap as a volume: new contents create a new ConfigMap, and so new pods."""

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, ConfigMapVolumeSourceArgs, VolumeArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.labels import labels_of

__all__ = ["mounted_files"]


def mounted_files(
    name: str,
    namespace: pulumi.Input[str],
    component: str,
    files: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> VolumeArgs:
    """The volume `config` with `files`, texts by file name.

    Args:
        name: beginning of the ConfigMap's name; Pulumi appends some digits.
        namespace: where the pods run.
        component: for the labels.
        files: a change creates a new ConfigMap; the old one is deleted when the new pods are ready.
            An old pod that restarts in between reads the settings that its image knows.
        opts: the resource's options.
    """
    metadata = ObjectMetaArgs(namespace=namespace, labels=labels_of(component))
    config_map = ConfigMap(name, metadata=metadata, data=files, immutable=True, opts=opts)
    source = ConfigMapVolumeSourceArgs(
        name=config_map.metadata.apply(lambda metadata: metadata.name or "")
    )
    return VolumeArgs(name="config", config_map=source)
