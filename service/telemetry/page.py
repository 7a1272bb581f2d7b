"""The status page on the probes' port: static files and the state, behind an admin key.

The event loop makes the state, and only while a client polls it. The probes' thread records the
poll, and returns the last state.
"""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from contract.paths import UI

__all__ = ["Page", "PageAnswer"]

LOOKED_AT_S = 5.0
"""Seconds after the last poll; then the state is not made any more."""
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """An answer of the status page."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Page:
    """Answers the paths at and below `UI`.

    Args:
        is_admin: returns whether a presented key is an admin key; called from the probes' thread.
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
    def polled(self) -> bool:
        """Whether a client polled within the last 5 s, so that the state is needed."""
        return time.monotonic() - self._looked_at < LOOKED_AT_S

    def publish(self, state: bytes) -> None:
        """Set the current state; called by the event loop."""
        self._state = state

    def answer(self, path: str, authorization: str) -> PageAnswer | None:
        """The answer to GET `path`; None when the path does not belong to the page."""
        if path != UI and not path.startswith(UI + "/"):
            return None
        if not self._is_admin(_presented(authorization)):
            # The browser asks for a user name, which may be anything, and for the key as password.
            challenge = {"www-authenticate": 'Basic realm="Seawall: an admin key as password"'}
            return _text(401, "an admin key is needed, as the password of any user name", challenge)
        if path == UI + "/state":
            self._looked_at = time.monotonic()
            if not self._state:
                return _text(503, "no state yet; try again in a second", {"retry-after": "1"})
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
    """The password of HTTP Basic authentication, or a bearer token."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:  # not base64, not text, or not ASCII
        return ""
