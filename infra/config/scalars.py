"""The types of single values: each is a string whose form has a name and is checked."""

import re
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Annotated

from pydantic import Field

from contract.values.durations import Between, Duration
from contract.values.scalars import ModelName, Name, Url
from contract.values.text_types import Form, matching
from infra.config.cron import is_cron
from infra.quantities import CPU_PATTERN, MEMORY_PATTERN

__all__ = [
    "Annotations",
    "Between",
    "Bucket",
    "Cidr",
    "ClassName",
    "Count",
    "Cpu",
    "Cron",
    "Duration",
    "Host",
    "Image",
    "KeyPath",
    "Labels",
    "Memory",
    "ModelName",
    "Name",
    "PortName",
    "Prefix",
    "Region",
    "RoleArn",
    "Url",
    "has_digest",
]

_PATH_PART = r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"
_REFERENCE = (
    rf"(?:{_PATH_PART}(?::[0-9]+)?/)?{_PATH_PART}(?:/{_PATH_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[0-9a-f]{64})"
)
_LABEL_NAME = r"(?:[a-z0-9][a-z0-9.-]{0,252}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_LABEL_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?"


_PREFIX_LENGTH = re.compile(r"/(0|[1-9][0-9]?)\Z", re.ASCII)


def has_digest(reference: str) -> bool:
    """Whether an image reference has a digest, so that no push can change its content."""
    return "@sha256:" in reference


def _is_cidr(text: str) -> bool:
    try:
        # Python also accepts a mask such as /255.0.0.0, which Kubernetes refuses.
        return _PREFIX_LENGTH.search(text) is not None and bool(IPv4Network(text))
    except (AddressValueError, NetmaskValueError, ValueError):
        return False


Cpu = Annotated[str, Form("a CPU quantity", "250m or 2", matching(CPU_PATTERN))]
Memory = Annotated[str, Form("a memory quantity", "256Mi or 1Gi", matching(MEMORY_PATTERN))]
Image = Annotated[
    str,
    Form(
        "an image reference with a tag or a digest",
        "registry.example/gateway:1.0 or registry.example/gateway@sha256:<64 hex digits>",
        matching(_REFERENCE),
    ),
]
Cidr = Annotated[str, Form("an IPv4 block", "10.0.0.0/8", _is_cidr)]
Cron = Annotated[
    str,
    Form("a cron schedule: minute, hour, day, month, weekday in numbers", "0 */6 * * *", is_cron),
]
Region = Annotated[
    str, Form("a region", "eu-west-1", matching(r"[a-z]{2,3}(-[a-z]{2,12}){1,2}-[0-9]{1,2}"))
]
Bucket = Annotated[
    str,
    Form(
        "a bucket's name", "team-backups", matching(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
    ),
]
RoleArn = Annotated[
    str,
    Form(
        "the ARN of a role",
        "arn:aws:iam::<account>:role/<name>",
        matching(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}"),
    ),
]
KeyPath = Annotated[
    str,
    Form(
        "a path without a slash at its ends and without steps . or ..",
        "seawall/gateway",
        matching(r"(?!(.*/)?\.\.?(/|\Z))[\w.-]+(/[\w.-]+)*"),
    ),
]
Prefix = Annotated[
    str, Form("the beginning of a name", "seawall/gateway/", matching(r"[\w/+=.@-]{1,128}"))
]
_LabelName = Annotated[
    str, Form("a label's name", "kubernetes.io/metadata.name", matching(_LABEL_NAME))
]
_LabelValue = Annotated[str, Form("a label's value", "clients", matching(_LABEL_VALUE))]
Annotations = dict[_LabelName, str]
ClassName = Annotated[
    str,
    Form("the name of a load balancer class", "service.k8s.aws/nlb", matching(_LABEL_NAME)),
]
Host = Annotated[
    str,
    Form(
        "a host's name, in lower case",
        "llm.example.com",
        matching(
            r"(?=.{1,253}\Z)(?!.*\.[0-9]+\Z)(?:\*\.)?(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]"
            r"(?:[-a-z0-9]{0,61}[a-z0-9])?"
        ),
    ),
]
PortName = Annotated[
    str, Form("a listener's name", "https", matching(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"))
]
Labels = Annotated[dict[_LabelName, _LabelValue], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1000)]
