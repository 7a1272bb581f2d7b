"""Where Pulumi keeps the stack's state. The engine reads this section, not the program."""

from typing import Annotated

from contract.values.strict import Strict
from contract.values.text_types import Form, matching

__all__ = ["State"]


class State(Strict):
    """Where Pulumi keeps the stack's state, and how it encrypts the secrets in it."""

    backend: Annotated[
        str,
        Form(
            "the URL of a Pulumi backend: file, s3, gs, azblob or https",
            "s3://<bucket>?region=<region>",
            matching(r"(file|s3|gs|azblob|https)://[^\s@]+"),
        ),
    ]
    """URL of the Pulumi backend, which everybody who deploys the environment shares."""
    secrets_provider: Annotated[
        str,
        Form(
            "passphrase or the URL of a key",
            "passphrase or awskms://alias/<name>?region=<region>",
            matching(r"passphrase|(awskms|azurekeyvault|gcpkms|hashivault)://\S+"),
        ),
    ]
    """What encrypts the secrets in the state: `passphrase`, or the URL of a key."""

    @property
    def is_shared(self) -> bool:
        """Whether other machines than this one read the state."""
        return not self.backend.startswith("file:")
