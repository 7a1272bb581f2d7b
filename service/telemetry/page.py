"""The page's side of the probes' port: static files and the state, behind an admin key.

The state is made by the event loop, and only while somebody looks: this thread asks for it, and
takes what was made last.
"""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from contract.paths import UI

__all__ = ["Page", "PageAnswer"]

LOOKED_AT_S = 5.0
"""After the last question the state is not made any more."""
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What the probes' server sends."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Page:
    """Answers UI and what is below it.

    Args:
        is_admin: whether a presented key is an admin's; called from the probes' thread.
    """

    def __init__(self, is_admin: Callable[[str], bool]) -> None:
        self._is_admin = is_admin
        self._state = b""
        self._looked_at = float("-inf")
        folder = files("service.http.ui")
        self._files = {
            UI + path: (folder.joinpath(name).read_bytes(), name.rpartition(".")[2])
            for path, name in (
                ("", "page.html"),
                ("/page.css", "page.css"),
                ("/page.js", "page.js"),
            )
        }

    @property
    def watched(self) -> bool:
        """Whether somebody looks, so that the state is worth making."""
        return time.monotonic() - self._looked_at < LOOKED_AT_S

    def publish(self, state: bytes) -> None:
        """The state now; called by the event loop."""
        self._state = state

    def answer(self, path: str, authorization: str) -> PageAnswer | None:
        """The answer to GET `path`; None when it is none of this page's."""
        if path != UI and not path.startswith(UI + "/"):
            return None
        if not self._is_admin(_presented(authorization)):
            # The browser asks for it: any name, and the key as the password.
            challenge = {"www-authenticate": 'Basic realm="Seawall: an admin key as password"'}
            return _text(401, "an admin key is needed, as the password of any user name", challenge)
        if path == UI + "/state":
            self._looked_at = time.monotonic()
            if not self._state:
                return _text(503, "not made yet; ask again in a second", {"retry-after": "1"})
            return _kept(self._state, "application/json")
        found = self._files.get(path)
        if found is None:
            return _text(404, "not found", {})
        self._looked_at = time.monotonic()
        return _kept(found[0], _TYPES[found[1]] + "; charset=utf-8")


def _text(status: int, text: str, headers: Mapping[str, str]) -> PageAnswer:
    kind = {"content-type": "text/plain; charset=utf-8"}
    return PageAnswer(status, text.encode() + b"\n", {**kind, **headers})


def _kept(body: bytes, kind: str) -> PageAnswer:
    headers = {
        "content-type": kind,
        "cache-control": "no-store",
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
    }
    return PageAnswer(200, body, headers)


def _presented(authorization: str) -> str:
    """The password of HTTP's basic authentication, or a bearer token."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:  # no base64, no text, or no ASCII
        return ""
