"""What is watched from inside the cluster, and what the autoscaler is told of it."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from infra.config.base import Strict
from infra.config.compute import Amount, Resources
from infra.config.network import Inside
from infra.config.scalars import Between, Cidr, Duration, Labels, ModelName, Name, Url

__all__ = [
    "Alertmanager",
    "BundledMonitoring",
    "MetricsAdapter",
    "Monitoring",
    "Operator",
    "Outside",
    "PrometheusElsewhere",
]

_PROMETHEUS = Resources(
    requests=Amount(cpu="50m", memory="128Mi"), limits=Amount(cpu="1", memory="512Mi")
)
_ALERTMANAGER = Resources(
    requests=Amount(cpu="10m", memory="32Mi"), limits=Amount(cpu="250m", memory="128Mi")
)
_EXPORTER = Resources(
    requests=Amount(cpu="10m", memory="24Mi"), limits=Amount(cpu="250m", memory="96Mi")
)
_ADAPTER = Resources(
    requests=Amount(cpu="20m", memory="64Mi"), limits=Amount(cpu="250m", memory="256Mi")
)


class Outside(Strict):
    """The gateway asked as a user asks it, by blackbox_exporter: a completion of one token.

    It asks by the entrance of the kit's own, with TLS as with none: a certificate that has expired
    or is for another name is a failure. Of other entrances the kit does not know the address.
    """

    model: ModelName
    """Which model is asked: one of seawall:gateway.models."""
    api_key: Name
    """The name of one of seawall:gateway.api_keys. Its limit must allow the question."""
    every: Annotated[Duration, Between("1s", "30s", whole=True)] = Duration.parse("30s")
    """How often it is asked. Each question is paid for; the alert looks at two minutes of them."""
    timeout: Annotated[Duration, Between("1s", "1m", whole=True)] = Duration.parse("10s")
    """After how long an answer counts as none; at most `every`."""
    url: Url | None = None
    """The base URL that users ask, such as `https://llm.example.com`; /v1/chat/completions is
    added. When not given: the entrance of the kit's own by its Service, or else the gateway's
    Service, and then nothing tells when an Ingress, a Gateway or a load balancer is broken. It is
    https, unless `at` is given."""
    at: Inside | None = None
    """Where `url` leads to, for the network policy; the egress proxy, or the internet, when not
    given."""
    ca: Name | None = None
    """The name of a Secret in the namespace whose file ca.crt has the authority of the certificate,
    where that is a private one; those of the exporter's image when not given. Its key, if it has
    one, is not mounted."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if self.at and self.url is None:
            raise ValueError("at says where url leads to, and there is none: give url, or leave it")
        if self.url and self.at is None and not self.url.startswith("https:"):
            raise ValueError(
                f"url = {self.url} would send an API key in the clear to the internet: write "
                "https, or say in `at` where inside it is"
            )
        return self

    @model_validator(mode="after")
    def _is_over_before_the_next(self) -> Self:
        if self.timeout.seconds > self.every.seconds:
            raise ValueError(
                f"timeout = {self.timeout} is longer than every = {self.every}, and Prometheus "
                "refuses that: shorten it"
            )
        return self


Receiver = Literal["webhook", "simulator", "nobody"]


class Alertmanager(Strict):
    """Who is told about alerts, by severity. One pod, without a volume.

    `webhook` is the URL in the secret alert-webhook-<severity>; `simulator` a receiver of the kit's
    own, which shows what it was sent; `nobody` leaves them to dashboards.
    """

    page: Receiver
    """Who is told what somebody must see to now."""
    ticket: Receiver
    """Who is told what can wait for a working day."""
    info: Receiver = "nobody"
    """Who is told what needs nobody."""
    group_wait: Annotated[Duration, Between("1s", "10m", whole=True)] = Duration.parse("10s")
    """How long a first message waits for others of the same alert."""
    group_interval: Annotated[Duration, Between("1s", "1d", whole=True)] = Duration.parse("1m")
    """How long a message about a change of the same alert waits."""
    repeat_every: Annotated[Duration, Between("1m", "30d", whole=True)] = Duration.parse("4h")
    """After how long an alert that still fires is told again."""
    relay: Inside | None = None
    """Where the URLs of all webhooks lead to, in the cluster or in the private network, for the
    network policy. When not given: to `seawall:network.egress_proxy.url`, which is asked for them,
    or else to TCP 443 of addresses that `seawall:network.never` leaves open."""
    resources: Resources = _ALERTMANAGER
    """Of Alertmanager's container."""

    @model_validator(mode="after")
    def _has_something_to_relay(self) -> Self:
        if self.relay and not self.webhooks:
            raise ValueError(
                f"relay is for webhooks, and there is none: page = {self.page}, ticket = "
                f"{self.ticket}, info = {self.info}; leave it out"
            )
        return self

    @property
    def receivers(self) -> dict[str, Receiver]:
        """By severity."""
        return {"page": self.page, "ticket": self.ticket, "info": self.info}

    @property
    def webhooks(self) -> tuple[str, ...]:
        """The severities whose URL is a secret."""
        return tuple(name for name, kind in self.receivers.items() if kind == "webhook")

    @property
    def simulated(self) -> bool:
        """Whether something is sent to the kit's own receiver."""
        return "simulator" in self.receivers.values()


class _Watching(Strict):
    """What both kinds have: the exporters, the alerts, the dashboards."""

    scrape_every: Annotated[Duration, Between("1s", "30s", whole=True)] = Duration.parse("15s")
    """How often each pod is asked for its metrics. Alerts look at minutes: half of one at most, so
    that one lost scrape fires none."""
    runbooks: str = "runbooks"
    """Where people read the folder runbooks/: a URL, the beginning of every alert's runbook_url."""
    outside: Outside | None = None
    """The gateway asked as a user asks it; not when not given, and OutsideProbeFailing is quiet."""
    dashboards: Labels | None = None
    """The labels by which Grafana's sidecar finds ConfigMaps of dashboards, such as
    `grafana_dashboard: "1"`; there are none when not given."""
    exporter_resources: Resources = _EXPORTER
    """Of redis_exporter's container, and of blackbox_exporter's."""


class BundledMonitoring(_Watching):
    """A Prometheus of the kit's own, for clusters without one.

    One pod, without a volume: what it knows is lost when its pod is replaced.
    """

    kind: Literal["bundled"]
    """`bundled` is a Prometheus beside the gateway."""
    keep: Annotated[Duration, Between("3d", "365d", whole=True)] = Duration.parse("30d")
    """How long samples are kept; of more than 1 GB the oldest go before. The error budget is that
    of the samples that are there, up to 30 days; alerts look back for three."""
    patience: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of its time for which an alert's condition must hold before it fires. Less than 1
    is for trying alerts out: they fire at trifles."""
    alertmanager: Alertmanager | None = None
    """Who is told about alerts; nobody when not given."""
    resources: Resources = _PROMETHEUS
    """Of the Prometheus container."""


class Operator(_Watching):
    """A cluster with a Prometheus operator, which reads objects that say what to watch."""

    kind: Literal["operator"]
    """`operator` makes objects for the Prometheus operator that the cluster has."""
    labels: Labels
    """What the operator's selectors ask for, such as `release: prometheus`; it ignores objects
    without them."""


Monitoring: TypeAlias = Annotated[BundledMonitoring | Operator, Field(discriminator="kind")]


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
