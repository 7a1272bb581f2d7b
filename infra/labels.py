"""Labels of everything that Seawall deploys, and the selectors made of them."""

from contract import labels

__all__ = ["IN_THE_KIT", "identity_of", "labels_of", "selector_of"]

_SEAWALL = "seawall"

IN_THE_KIT = {labels.PART_OF: _SEAWALL}
"""The labels of all of Seawall's pods."""


def identity_of(component: str) -> dict[str, str]:
    """The labels of the pods of `component` on any track, so that canaries are included."""
    return {labels.NAME: component, labels.INSTANCE: _SEAWALL}


def selector_of(component: str) -> dict[str, str]:
    """The labels in a selector. Selectors are immutable, so the track is in them from the start."""
    return {**identity_of(component), labels.TRACK: labels.TRACK_STABLE}


def labels_of(component: str) -> dict[str, str]:
    """All labels of an object of `component`; they include `selector_of`."""
    return {
        **selector_of(component),
        labels.COMPONENT: component,
        **IN_THE_KIT,
        labels.MANAGED_BY: "pulumi",
    }
