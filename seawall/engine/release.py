"""Releases: the values that a stack deploys, and the last release that was seen to serve.

The program exports both as outputs, so they are part of the shared state: `rollback` works on any
machine that can read the state.
"""

import hashlib
import json

from seawall.engine.layout import Layout
from seawall.engine.strict_yaml import Value, Values
from seawall.engine.values import object_at, plain
from seawall.engine.workspace import IMAGES, KUBERNETES, PLACE, STATE, stack_values, write_value

__all__ = ["LAST_GOOD", "release_of", "settings_of", "write_release"]

LAST_GOOD = "last_good_release"
"""The stack's output with the release that was last seen to serve."""
_RELEASE = "seawall:release"


def release_of(layout: Layout) -> Values:
    """The release of the generated project: images, settings, and the SHA-256 of the settings.

    It excludes secrets and the locations of the cluster and the state.
    """
    values = stack_values(layout)
    settings = settings_of(values)
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return {"images": object_at(values, IMAGES), "settings": settings, "settings_sha256": digest}


def settings_of(values: Values) -> Values:
    """The part of a configuration that a release keeps."""
    settings = plain(
        {key: value for key, value in values.items() if key not in {IMAGES, STATE, _RELEASE}}
    )
    kubernetes = object_at(settings, KUBERNETES)
    if kubernetes:
        settings[KUBERNETES] = {k: v for k, v in kubernetes.items() if k not in PLACE}
    return settings


def write_release(layout: Layout, *, last_good: Value) -> None:
    """Write this release and the last good one into the configuration of the program."""
    digest = release_of(layout)["settings_sha256"]
    write_value(layout, _RELEASE, {"settings_sha256": digest, "last_good": last_good})
