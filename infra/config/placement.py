"""Where pods run, and how many may be evicted at once."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from contract.values.strict import Strict

__all__ = ["Apart", "Disruption", "Spread"]

Apart: TypeAlias = Literal["off", "preferred", "required"]


class Disruption(Strict):
    """The disruption budget. Give either `max_unavailable` or `min_available`."""

    max_unavailable: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Maximum number of pods that may be missing during a node drain. Give either `max_unavailable`
    or `min_available`."""
    min_available: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Minimum number of pods that a node drain leaves running. Give either `max_unavailable` or
    `min_available`."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.max_unavailable is None) == (self.min_available is None):
            raise ValueError(
                f"max_unavailable = {_json(self.max_unavailable)} and "
                f"min_available = {_json(self.min_available)}: give one of them"
            )
        return self

    def refuse_to_block(self, replicas: int, *, where: str) -> None:
        """Raise ValueError when a drain could evict no pod of `replicas`, or all of several."""
        if self.max_unavailable == 0:
            raise ValueError(
                "disruption.max_unavailable = 0 would block every drain of a node; set 1 or more"
            )
        if self.min_available is not None and self.min_available >= replicas:
            raise ValueError(
                f"disruption.min_available = {self.min_available} would block every drain of a "
                f"node; it must be less than {where} = {replicas}"
            )
        if self.max_unavailable is not None and self.max_unavailable >= max(replicas, 2):
            raise ValueError(
                f"disruption.max_unavailable = {self.max_unavailable} lets a drain evict every pod "
                f"at once; it must be less than {where} = {replicas}"
            )

    def evicted(self, replicas: int) -> int:
        """The number of pods of `replicas` that drains may evict at once."""
        if self.min_available is not None:
            return replicas - self.min_available
        return self.max_unavailable or 0


class Spread(Strict):
    """How pods are spread over hosts and zones."""

    hosts: Apart = "preferred"
    """Whether pods run on different hosts: `off` sets no rule, `preferred` spreads them as far as
    possible, and `required` leaves a pod unscheduled that cannot be spread. Write `"off"` in
    quotes, because YAML reads a bare off as false."""
    zones: Apart = "off"
    """Whether pods run in different zones, by the label topology.kubernetes.io/zone of their nodes.
    Values as for `hosts`."""


def _json(value: int | None) -> str:
    return "null" if value is None else str(value)
