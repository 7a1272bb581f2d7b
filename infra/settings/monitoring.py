"""What is watched from inside the cluster, and what the autoscaler is told of it."""

from typing import Annotated, Literal

from infra.settings.base import Strict
from infra.settings.compute import Amount, Resources
from infra.settings.grammar import Between, Duration, Url

__all__ = ["MetricsAdapter", "Monitoring"]

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
    """How long samples are kept."""
    runbooks: str = "runbooks"
    """Where people read the folder runbooks/: a URL, the beginning of every alert's runbook_url."""
    resources: Resources = _PROMETHEUS
    """Of the Prometheus container."""


class MetricsAdapter(Strict):
    """prometheus-adapter, which tells the autoscaler what Prometheus counted.

    A cluster has room for one adapter: leave this out where there is one, and give that one the
    rules that `python -m monitoring adapter-rules` prints.
    """

    prometheus: Url | None = None
    """The address of the Prometheus that scrapes the gateway; the bundled one when not given."""
    window: Annotated[Duration, Between("5s", "1h", whole=True)] = Duration.parse("1m")
    """Over how long values are averaged; at least two scrapes."""
    resources: Resources = _ADAPTER
    """Of the adapter's container."""
