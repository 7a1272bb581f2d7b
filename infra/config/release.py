"""What the kit records about a release. Set by the kit, never by a person."""

from typing import Annotated

from pydantic import Field, JsonValue

from infra.config.base import Strict

__all__ = ["Release"]


class Release(Strict):
    """What is deployed, and what to go back to."""

    settings_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the configuration that is deployed."""
    last_good: dict[str, JsonValue] | None = None
    """The release that was verified before this one; kept as it is given."""
