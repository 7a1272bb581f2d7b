"""Rules about image references: the image that runs is the image that was tested."""

import re
from collections.abc import Iterator

from infra.policies.inputs import text
from infra.policies.pods import pod_of
from infra.policies.rule import ResourceRule, Rule
from infra.resources import Resource

__all__ = ["RULES"]

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_TAG = re.compile(r":(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]*)$")
"""A tag contains no slash; the port of a registry is followed by one."""


def images_name_a_version(resource: Resource) -> Iterator[str]:
    """An image has a tag other than `latest`, or a digest."""
    for container, image in _images(resource):
        if _DIGEST.search(image):
            continue
        tag = _TAG.search(image)
        if tag is None:
            yield f"container {container}: image {image!r} has no tag; name a version or a digest"
        elif tag["tag"] == "latest":
            yield f"container {container}: image {image!r} changes over time; name a version"


def images_by_digest(resource: Resource) -> Iterator[str]:
    """An image has a digest, which no push can change."""
    for container, image in _images(resource):
        if not _DIGEST.search(image):
            yield f"container {container}: image {image!r} has no digest; use name@sha256:<digest>"


def _images(resource: Resource) -> Iterator[tuple[str, str]]:
    pod = pod_of(resource)
    for container in pod.containers if pod else ():
        yield container.name, text(container.values, "image")


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "images-name-a-version",
        "Every image has a tag other than latest, or a digest.",
        images_name_a_version,
    ),
    ResourceRule(
        "images-by-digest",
        "Every image is given by its digest.",
        images_by_digest,
        wanted=lambda policies: policies.digests,
    ),
)
