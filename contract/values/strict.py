"""What every section of a configuration has in common."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Strict"]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys; the string below an attribute documents it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
