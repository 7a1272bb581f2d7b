"""Labels of everything that the kit deploys, and the selectors made of them."""

from contract import labels

__all__ = ["labels_of", "selector_of"]

_SEAWALL = "seawall"


def selector_of(component: str) -> dict[str, str]:
    """What a selector asks for: immutable from the first day, so the track is in it."""
    return {
        labels.NAME: component,
        labels.INSTANCE: _SEAWALL,
        labels.TRACK: labels.TRACK_STABLE,
    }


def labels_of(component: str) -> dict[str, str]:
    """All labels of an object of `component`; `selector_of` is a part of it."""
    return {
        **selector_of(component),
        labels.COMPONENT: component,
        labels.PART_OF: _SEAWALL,
        labels.MANAGED_BY: "pulumi",
    }
