"""Where a stack's state lives, and what encrypts the secrets in it.

An environment without `seawall:state` keeps both on this machine: Pulumi's file backend and a
generated passphrase. Teams configure a shared backend and a secrets provider in `seawall:state`.
The credentials (AWS_* and, for a passphrase, PULUMI_CONFIG_PASSPHRASE or
PULUMI_CONFIG_PASSPHRASE_FILE) come from the user's environment.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from seawall.engine.errors import ToolError, WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.strict_yaml import Value
from seawall.engine.workspace import STATE, committed_values

__all__ = ["Backend", "backend_of", "committed_backend"]

_PASSPHRASE = "passphrase"  # noqa: S105 - the name of a secrets provider
_PASSPHRASE_BYTES = 32
_NO_SIDECARS = "?metadata=skip"
"""An option of gocloud's fileblob: write no `.attrs` file next to each file. An `.attrs` file is
not written atomically, and the state is unreadable when the CLI is killed during that write."""
_GIVEN = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True, slots=True)
class Backend:
    """One stack's backend.

    Attributes:
        url: the argument of `pulumi login`.
        secrets_provider: `passphrase`, or the address of a key, as in `pulumi stack init`.
        own_passphrase: the generated passphrase file; None when the state is shared.
        folder: the folder of the file backend; None when the state is shared.
    """

    url: str
    secrets_provider: str
    own_passphrase: Path | None = None
    folder: Path | None = None

    @property
    def is_shared(self) -> bool:
        """Whether other machines may use it as well."""
        return self.own_passphrase is None

    @property
    def key(self) -> str | None:
        """The address of the encryption key; None for a passphrase."""
        return None if self.secrets_provider == _PASSPHRASE else self.secrets_provider

    def variables(self) -> dict[str, str]:
        """The environment variables that the CLI needs to read the state and its secrets.

        Raises:
            ToolError: a shared state needs a passphrase and the environment has none.
        """
        found = {"PULUMI_BACKEND_URL": self.url}
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        if self.own_passphrase is not None:
            _ensure_passphrase(self.own_passphrase)
            return {**found, "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.own_passphrase)}
        if self.key is not None:
            return found
        given = {name: os.environ[name] for name in _GIVEN if os.environ.get(name)}
        if not given:
            raise ToolError(
                f"the state in {self.url} is encrypted with a passphrase: name the file that holds "
                "it in PULUMI_CONFIG_PASSPHRASE_FILE"
            )
        return {**found, **given}


def committed_backend(layout: Layout) -> Backend:
    """The backend that the environment's committed file names; raises as `backend_of`."""
    return backend_of(layout, committed_values(layout).get(STATE))


def backend_of(layout: Layout, state: Value) -> Backend:
    """The backend for the value of `seawall:state` in the configuration.

    Raises:
        WorkspaceError: the value names no backend.
    """
    if state is None:
        url = layout.files.as_uri() + _NO_SIDECARS
        return Backend(url, _PASSPHRASE, layout.passphrase, layout.files)
    url = state.get("backend") if isinstance(state, dict) else None
    if not isinstance(state, dict) or not isinstance(url, str):
        raise WorkspaceError(
            f"{layout.committed_file.name}: seawall:state.backend is missing; name the bucket of "
            "the shared state, such as s3://<bucket>?region=<region>"
        )
    return Backend(url, str(state.get("secrets_provider", _PASSPHRASE)))


def _ensure_passphrase(path: Path) -> None:
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Created with this mode, so that other users can never read it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(_PASSPHRASE_BYTES))
