"""Where Pulumi keeps what it knows of the stack. Read by the engine, not by the program."""

from typing import Annotated

from infra.config.base import Strict
from infra.config.text_types import Form, matching

__all__ = ["State"]


class State(Strict):
    """Where Pulumi keeps the stack, and how it encrypts the secrets in it."""

    backend: Annotated[
        str,
        Form(
            "the URL of a Pulumi backend: file, s3, gs, azblob or https",
            "s3://<bucket>?region=<region>",
            matching(r"(file|s3|gs|azblob|https)://[^\s@]+"),
        ),
    ]
    """The backend, which everybody who deploys shares."""
    secrets_provider: Annotated[
        str,
        Form(
            "passphrase or the URL of a key",
            "passphrase or awskms://alias/<name>?region=<region>",
            matching(r"passphrase|(awskms|azurekeyvault|gcpkms|hashivault)://\S+"),
        ),
    ]
    """What encrypts the secrets in the state."""

    @property
    def is_shared(self) -> bool:
        """Whether others than this machine read it."""
        return not self.backend.startswith("file:")
