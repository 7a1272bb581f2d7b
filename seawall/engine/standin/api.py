"""The few calls of the Kubernetes API that the stand-in makes, over plain REST.

Server-side apply is the only way in which objects are written.
"""

import json
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

import urllib3

from seawall.engine.standin.kubeconfig import Connection
from seawall.engine.standin.values import Json, JsonObject, get, object_at, text_at

__all__ = ["MANAGER", "ApiError", "Cluster", "Kind"]

MANAGER = "seawall-stand-in"
"""The field manager under which this provider's fields stand in managedFields."""

_REQUEST_TIMEOUT_S = 60.0
_APPLY = "application/apply-patch+yaml"


class ApiError(Exception):
    """An answer of the API server that is not a success."""

    def __init__(self, status: int, body: Json) -> None:
        self.status = status
        self.reason = text_at(body, "reason") or HTTPStatus(status).phrase
        found = get(body, "details", "causes")
        self.causes = list(found) if isinstance(found, list) else []
        super().__init__(text_at(body, "message") or self.reason)

    @property
    def is_absent(self) -> bool:
        """The object, its namespace or its kind does not exist."""
        return self.status == HTTPStatus.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind is addressed."""

    root: str
    plural: str
    namespaced: bool


class Cluster:
    """One cluster's API; safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pool = urllib3.PoolManager(ssl_context=connection.trust, maxsize=32, retries=False)
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()

    @property
    def namespace(self) -> str:
        """Where objects go whose manifest names no namespace."""
        return self._connection.namespace

    def kind(self, manifest: JsonObject) -> Kind:
        """The kind of `manifest`; raises ApiError (404) while the server does not serve it."""
        version, name = text_at(manifest, "apiVersion"), text_at(manifest, "kind")
        with self._lock:
            if (version, name) not in self._kinds:
                self._discover(version)
            if (version, name) in self._kinds:
                return self._kinds[version, name]
        message = f'no matches for kind "{name}" in version "{version}"'
        raise ApiError(HTTPStatus.NOT_FOUND, {"message": message})

    def get(self, manifest: JsonObject) -> JsonObject | None:
        """The live object, None when there is none."""
        try:
            return self._request("GET", self._path(manifest))
        except ApiError as error:
            if error.is_absent:
                return None
            raise

    def apply(self, manifest: JsonObject, *, force: bool, dry_run: bool) -> JsonObject:
        """Server-side apply; the live object after it."""
        query = {"fieldManager": MANAGER, "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        return self._request(
            "PATCH", self._path(manifest), body=manifest, content_type=_APPLY, query=query
        )

    def delete(self, manifest: JsonObject, uid: str) -> None:
        """Ask for the deletion of exactly the object with this uid."""
        options: JsonObject = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid:
            options["preconditions"] = {"uid": uid}
        self._request("DELETE", self._path(manifest), body=options)

    def _discover(self, version: str) -> None:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            served = get(self._request("GET", root), "resources")
        except ApiError as error:
            if error.is_absent:
                return
            raise
        for entry in served if isinstance(served, list) else []:
            plural = text_at(entry, "name")
            if "/" not in plural:  # with a slash it is a subresource
                kind = Kind(root, plural, namespaced=get(entry, "namespaced") is True)
                self._kinds[version, text_at(entry, "kind")] = kind

    def _path(self, manifest: JsonObject) -> str:
        kind = self.kind(manifest)
        metadata = object_at(manifest, "metadata")
        place = f"/{kind.plural}/{text_at(metadata, 'name')}"
        if kind.namespaced:
            place = f"/namespaces/{text_at(metadata, 'namespace') or self.namespace}{place}"
        return f"{kind.root}{place}"

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: JsonObject | None = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> JsonObject:
        url = f"{self._connection.server}{path}"
        try:
            answer = self._pool.request(
                method,
                f"{url}?{urlencode(query)}" if query else url,
                body=None if body is None else json.dumps(body).encode(),
                headers={
                    **self._connection.headers,
                    "Accept": "application/json",
                    "Content-Type": content_type,
                },
                timeout=_REQUEST_TIMEOUT_S,
            )
        except urllib3.exceptions.HTTPError as error:
            message = f"the API server at {self._connection.server} does not answer: {error}"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, {"message": message}) from error
        parsed = _parse(answer.data)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(answer.status, parsed)
        return parsed if isinstance(parsed, dict) else {}


def _parse(text: bytes) -> Json:
    try:
        return cast("Json", json.loads(text))
    except ValueError:
        return {"message": text.decode(errors="replace").strip()}
