"""What is watched from inside the cluster, and what the autoscaler is told of it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.settings.base import Strict
from infra.settings.compute import Amount, Resources
from infra.settings.grammar import Between, Cidr, Duration, Labels, Url

__all__ = ["MetricsAdapter", "Monitoring", "PrometheusElsewhere"]

_PROMETHEUS = Resources(
    requests=Amount(cpu="50m", memory="128Mi"), limits=Amount(cpu="1", memory="512Mi")
)
_ADAPTER = Resources(
    requests=Amount(cpu="20m", memory="64Mi"), limits=Amount(cpu="250m", memory="256Mi")
)


class Monitoring(Strict):
    """A Prometheus of the kit's own, for clusters without one.

    One pod, without a volume: what it knows is lost when its pod is replaced.
    """

    kind: Literal["bundled"]
    """`bundled` is a Prometheus beside the gateway."""
    scrape_every: Annotated[Duration, Between("1s", "5m", whole=True)] = Duration.parse("15s")
    """How often each pod is asked for its metrics."""
    keep: Annotated[Duration, Between("1h", "365d", whole=True)] = Duration.parse("1d")
    """How long samples are kept; of more than 1 GB the oldest go before."""
    runbooks: str = "runbooks"
    """Where people read the folder runbooks/: a URL, the beginning of every alert's runbook_url."""
    resources: Resources = _PROMETHEUS
    """Of the Prometheus container."""


class PrometheusElsewhere(Strict):
    """A Prometheus that scrapes the gateway. One of namespace and block."""

    url: Url
    """Its address. With https, its certificate must be of an authority that the image knows."""
    namespace: Labels | None = None
    """The labels of the namespace where its pods are."""
    block: Cidr | None = None
    """Its addresses, for one outside the cluster."""
    port: Annotated[int, Field(ge=1, le=65535)] = 9090
    """The TCP port of its pods, or of its address: not that of a Service before them."""

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if (self.namespace is None) == (self.block is None):
            raise ValueError(
                f"url = {self.url} needs either namespace or block, for the network policy: say "
                "where it is"
            )
        return self


class MetricsAdapter(Strict):
    """prometheus-adapter, which tells the autoscaler what Prometheus counted.

    It serves this environment's namespace, and a cluster has room for one: leave this out where
    there is one that serves all namespaces, and give that one the rules that
    `python -m monitoring adapter-rules` prints.
    """

    prometheus: PrometheusElsewhere | None = None
    """The Prometheus that scrapes the gateway; the bundled one when not given."""
    window: Annotated[Duration, Between("5s", "1h", whole=True)] = Duration.parse("1m")
    """Over how long values are averaged; at least two scrapes."""
    resources: Resources = _ADAPTER
    """Of the adapter's container."""
