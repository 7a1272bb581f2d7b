"""Where pods run, and how many may leave at once."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from infra.config.base import Strict

__all__ = ["Apart", "Disruption", "Spread"]

Apart: TypeAlias = Literal["off", "preferred", "required"]


class Disruption(Strict):
    """The disruption budget: what a drain of nodes may take. One of the two keys."""

    max_unavailable: Annotated[int, Field(ge=0, le=1000)] | None = None
    """How many pods may be missing."""
    min_available: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many pods must stay."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.max_unavailable is None) == (self.min_available is None):
            raise ValueError(
                f"max_unavailable = {_json(self.max_unavailable)} and "
                f"min_available = {_json(self.min_available)}: give one of them"
            )
        return self

    def refuse_to_block(self, replicas: int, *, where: str) -> None:
        """Raise ValueError when no pod of `replicas` could ever be evicted."""
        if self.max_unavailable == 0:
            raise ValueError(
                "disruption.max_unavailable = 0 would block every drain of a node; give 1 or more"
            )
        if self.min_available is not None and self.min_available >= replicas:
            raise ValueError(
                f"disruption.min_available = {self.min_available} would block every drain of a "
                f"node; it must be less than {where} = {replicas}"
            )


class Spread(Strict):
    """How pods are kept apart."""

    hosts: Apart = "preferred"
    """On different hosts: no wish, as far as possible, or else not scheduled. An off
    stands in quotes: bare, YAML reads it as false."""
    zones: Apart = "off"
    """In different zones, by the label topology.kubernetes.io/zone of the nodes; as for hosts."""


def _json(value: int | None) -> str:
    return "null" if value is None else str(value)
