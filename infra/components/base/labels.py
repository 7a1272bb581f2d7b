"""Labels of everything that the kit deploys, and the selectors made of them."""

from contract import labels

__all__ = ["IN_THE_KIT", "identity_of", "labels_of", "selector_of"]

_SEAWALL = "seawall"

IN_THE_KIT = {labels.PART_OF: _SEAWALL}
"""What all pods of the kit carry."""


def identity_of(component: str) -> dict[str, str]:
    """What the pods of `component` carry whatever their track, so that canaries are meant too."""
    return {labels.NAME: component, labels.INSTANCE: _SEAWALL}


def selector_of(component: str) -> dict[str, str]:
    """What a selector asks for: immutable from the first day, so the track is in it."""
    return {**identity_of(component), labels.TRACK: labels.TRACK_STABLE}


def labels_of(component: str) -> dict[str, str]:
    """All labels of an object of `component`; `selector_of` is a part of it."""
    return {
        **selector_of(component),
        labels.COMPONENT: component,
        **IN_THE_KIT,
        labels.MANAGED_BY: "pulumi",
    }
