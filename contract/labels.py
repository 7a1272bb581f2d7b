"""Kubernetes labels of everything that Seawall deploys."""

__all__ = ["COMPONENT", "INSTANCE", "MANAGED_BY", "NAME", "PART_OF", "TRACK", "TRACK_STABLE"]

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"
MANAGED_BY = "app.kubernetes.io/managed-by"
TRACK = "track"
"""It is in every selector from the start: selectors are immutable, and canaries may come later."""
TRACK_STABLE = "stable"
