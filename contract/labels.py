"""Kubernetes labels of everything that the kit deploys."""

__all__ = ["COMPONENT", "INSTANCE", "MANAGED_BY", "NAME", "PART_OF", "TRACK", "TRACK_STABLE"]

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"
MANAGED_BY = "app.kubernetes.io/managed-by"
TRACK = "track"
"""In every selector from the first day: selectors are immutable, and canaries come later."""
TRACK_STABLE = "stable"
