"""What every containerd of the kit is told, the nodes' and the one that unpacks images."""

__all__ = ["containerd_settings"]

_NOT_NEEDED = (
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
)
"""Plugins that would only write warnings."""


def containerd_settings(*, socket: str, without: tuple[str, ...] = ()) -> str:
    """The head of a config.toml: the socket, and plugins that are switched off.

    The caller adds tables below; top-level keys must come before them, so they go into the result.
    """
    disabled = ", ".join(f'"{plugin}"' for plugin in (*without, *_NOT_NEEDED))
    return f"""\
version = 2
disabled_plugins = [{disabled}]
[grpc]
  address = "{socket}"
"""
