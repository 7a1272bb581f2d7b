"""Reading a kubeconfig: the server, how to trust it, and who we are.

Only what a cluster of this kit writes is read: certificates and tokens. Anything that would run a
program to log in is refused by name.
"""

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from seawall.engine.standin.support import Refusal
from seawall.engine.standin.values import Json, JsonObject, get, object_at, text_at

__all__ = ["Connection", "connect", "read_kubeconfig"]

_LOGIN_PLUGINS = ("auth-provider", "exec")


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one cluster as one user."""

    server: str
    trust: ssl.SSLContext
    headers: Mapping[str, str]
    namespace: str


def read_kubeconfig(value: str) -> str:
    """The text of a kubeconfig given as the official provider takes it: contents or a path.

    Without a value it is $KUBECONFIG, then ~/.kube/config. Raises Refusal when no file is there.
    """
    if "\n" in value:
        return value
    path = Path(value or os.environ.get("KUBECONFIG") or "~/.kube/config").expanduser()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refusal(f"the kubeconfig {path} cannot be read: {error.strerror}") from error


def connect(kubeconfig: str, *, context: str, namespace: str) -> Connection:
    """The connection that `kubeconfig` describes; empty arguments mean its own defaults."""
    document = cast("Json", yaml.safe_load(kubeconfig))
    chosen = _entry(document, "contexts", context or text_at(document, "current-context"))
    about = object_at(chosen, "context")
    cluster = object_at(_entry(document, "clusters", text_at(about, "cluster")), "cluster")
    user = object_at(_entry(document, "users", text_at(about, "user")), "user")
    for plugin in _LOGIN_PLUGINS:
        if plugin in user:
            raise Refusal(f"the kubeconfig's user logs in with `{plugin}`, which is not supported")
    token = text_at(user, "token")
    return Connection(
        server=text_at(cluster, "server").rstrip("/"),
        trust=_trust(cluster, user),
        headers={"Authorization": f"Bearer {token}"} if token else {},
        namespace=namespace or text_at(about, "namespace") or "default",
    )


def _entry(document: Json, section: str, name: str) -> JsonObject:
    entries = get(document, section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name:
            return entry
    raise Refusal(f"the kubeconfig has no {section.removesuffix('s')} named {name!r}")


def _trust(cluster: JsonObject, user: JsonObject) -> ssl.SSLContext:
    if get(cluster, "insecure-skip-tls-verify"):
        raise Refusal("the kubeconfig's `insecure-skip-tls-verify` is not supported")
    authority = text_at(cluster, "certificate-authority-data")
    context = ssl.create_default_context(
        cafile=text_at(cluster, "certificate-authority") or None,
        cadata=base64.b64decode(authority).decode() if authority else None,
    )
    if "client-certificate" in user or "client-certificate-data" in user:
        # The ssl module reads a client's key from files only.
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(
                _file(user, "client-certificate", Path(folder)),
                _file(user, "client-key", Path(folder)),
            )
    return context


def _file(user: JsonObject, key: str, folder: Path) -> Path:
    if key in user:
        return Path(text_at(user, key))
    path = folder / key
    path.touch(mode=0o600)
    path.write_bytes(base64.b64decode(text_at(user, f"{key}-data")))
    return path
