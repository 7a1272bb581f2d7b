"""Rules that keep secrets out of state files, pod templates and ConfigMaps."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

from infra.policies.inputs import UNKNOWN, mapping, sequence, text
from infra.policies.pods import Container, is_kubernetes, pod_of
from infra.policies.rule import ResourceRule, Rule
from infra.resources import Resource

__all__ = ["RULES", "looks_secret"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    {"credential", "credentials", "passphrase", "passwd", "password", "passwords", "secret"}
    | {"apikey", "apikeys", "privatekey", "secrets", "token"}
)
"""`tokens` is not among them: for a language model that is an amount."""
_SECRET_PAIRS = frozenset(
    (first, second)
    for first in ("access", "api", "encryption", "private", "signing")
    for second in ("key", "keys")
)
_POINTERS = frozenset({"arn", "dir", "directory", "file", "name", "names", "path", "ref", "ttl"})
"""A name that ends with one of these words says where a secret is, and holds none."""
_ARGUMENT = re.compile(
    # --name=value and --name value, then NAME=value; a quoted value may begin with the quote.
    r"""(?:^|[\s"';])(?:--?([A-Za-z][\w.-]*)(?:=|\s+)|([A-Za-z][\w.-]*)=)["']?(?=([^\s"']))"""
)
"""The name of an argument, and the first character of its value."""
_NO_LITERAL = "$-<"
"""A value that begins with one of these characters is another variable or the next argument."""
_URL_WITH_PASSWORD = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@")


def looks_secret(name: str) -> bool:
    """Whether a variable or key of this name probably holds a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _POINTERS:
        return False
    return bool(_SECRET_WORDS.intersection(words)) or bool(
        _SECRET_PAIRS.intersection(pairwise(words))
    )


def no_plain_secrets(resource: Resource) -> Iterator[str]:
    """Secrets are encrypted in the state, and no other place holds one."""
    if is_kubernetes(resource, "Secret"):
        yield from _unsealed(resource)
    elif is_kubernetes(resource, "ConfigMap"):
        yield from _in_config_map(resource)
    else:
        yield from _in_variables(resource)


def secrets_come_from_a_store(resource: Resource) -> Iterator[str]:
    """The program declares no Secret: an operator or an agent provides the values."""
    if is_kubernetes(resource, "Secret"):
        yield "declared by the program; let the secret store's operator create it instead"


def _unsealed(resource: Resource) -> Iterator[str]:
    for part in ("data", "stringData"):
        if part in resource.sealed:
            continue
        for key in mapping(resource.inputs, part):
            if f"{part}.{key}" not in resource.sealed:
                yield f"{part}.{key} is plain in the state; pass it as a secret output"


def _in_config_map(resource: Resource) -> Iterator[str]:
    for part in ("data", "binaryData"):
        for key, value in mapping(resource.inputs, part).items():
            if looks_secret(key):
                yield f"key {key!r} looks like a secret; move it to a Secret"
            elif part in resource.sealed or f"{part}.{key}" in resource.sealed:
                yield f"{part}.{key} is a secret in a ConfigMap; move it to a Secret"
            elif isinstance(value, str) and _URL_WITH_PASSWORD.search(value):
                yield f"{part}.{key} holds a URL with a password; move it to a Secret"


def _in_variables(resource: Resource) -> Iterator[str]:
    pod = pod_of(resource)
    for container in pod.containers if pod else ():
        yield from _in_arguments(container)
        for variable in sequence(container.values, "env"):
            name, value = text(variable, "name"), mapping(variable).get("value")
            # A value that is known only after the update is a literal, too.
            if looks_secret(name) and (value is UNKNOWN or value):
                yield (
                    f"container {container.name}: variable {name} holds a literal;"
                    " use valueFrom.secretKeyRef or a mounted file"
                )
            elif isinstance(value, str) and _URL_WITH_PASSWORD.search(value):
                yield (
                    f"container {container.name}: variable {name} holds a URL with a password;"
                    " give the password as a mounted file"
                )


def _in_arguments(container: Container) -> Iterator[str]:
    """In command and args, which everybody can read who may list processes or pods."""
    given = [mapping(container.values).get(key) for key in ("command", "args")]
    words = [
        word
        for part in given
        if isinstance(part, Sequence) and not isinstance(part, str)
        for word in cast("Sequence[object]", part)
        if isinstance(word, str)
    ]
    line = " ".join(words)
    names = {
        dashed or plain
        for dashed, plain, start in _ARGUMENT.findall(line)
        if start not in _NO_LITERAL and looks_secret(dashed or plain)
    }
    for name in sorted(names):
        yield (
            f"container {container.name}: argument {name} holds a literal;"
            " give the path of a mounted file instead"
        )
    if _URL_WITH_PASSWORD.search(line):
        yield (
            f"container {container.name}: an argument holds a URL with a password;"
            " give the password as a mounted file"
        )


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "no-plain-secrets",
        "Secrets are encrypted in the state, and no variable, argument or ConfigMap holds one.",
        no_plain_secrets,
    ),
    ResourceRule(
        "secrets-come-from-a-store",
        "The program declares no Kubernetes Secret.",
        secrets_come_from_a_store,
        wanted=lambda policies: policies.external_secrets,
    ),
)
