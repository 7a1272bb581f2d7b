"""Where Pulumi keeps the stack's state. The engine reads this section, not the program."""

import re
from typing import Annotated

from pydantic_core import PydanticCustomError

from contract.values.strict import Strict
from contract.values.text_types import HIDDEN, Form, matching

__all__ = ["State"]

_BACKEND = re.compile(r"(file|s3|gs|azblob|https)://[^\s@]+")
_CREDENTIALS = re.compile(
    r"[?&][^=&]*(secret|token|password|access_?key|sig)[^=&]*=", re.IGNORECASE
)


def _is_backend(text: str) -> bool:
    if _CREDENTIALS.search(text):
        raise PydanticCustomError(
            HIDDEN,
            "must not contain credentials, because the file is in git; give them to the CLI by "
            "environment variables",
        )
    return _BACKEND.fullmatch(text) is not None


class State(Strict):
    """Where Pulumi keeps the stack's state, and how it encrypts the secrets in it."""

    backend: Annotated[
        str,
        Form(
            "the URL of a Pulumi backend: file, s3, gs, azblob or https",
            "s3://<bucket>?region=<region>",
            _is_backend,
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
