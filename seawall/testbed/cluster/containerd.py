"""The common settings of the containerd on nodes and of the one that unpacks images."""

__all__ = ["containerd_settings"]

_NOT_NEEDED = (
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
)
"""Plugins that would only log warnings."""


def containerd_settings(*, socket: str, without: tuple[str, ...] = ()) -> str:
    """The first lines of a config.toml: the socket and the disabled plugins.

    The caller appends tables. Top-level keys must come before tables, so they are in the result.
    """
    disabled = ", ".join(f'"{plugin}"' for plugin in (*without, *_NOT_NEEDED))
    return f"""\
version = 2
disabled_plugins = [{disabled}]
[grpc]
  address = "{socket}"
"""
