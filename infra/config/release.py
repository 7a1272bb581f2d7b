"""What Seawall records about a release. Seawall sets it, never a person."""

from typing import Annotated

from pydantic import Field, JsonValue

from contract.values.strict import Strict

__all__ = ["Release"]


class Release(Strict):
    """What is deployed, and the release to roll back to."""

    settings_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the configuration that is deployed."""
    last_good: dict[str, JsonValue] | None = None
    """The release that was verified before this one. It is kept unchanged."""
