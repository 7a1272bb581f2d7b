"""Monitoring inside the cluster, and the metrics that the autoscaler receives from it."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from contract.values.strict import Strict
from infra.config.compute import Amount, Resources
from infra.config.network import Inside
from infra.config.scalars import Between, Cidr, Duration, Labels, ModelName, Name, Url

__all__ = [
    "Alertmanager",
    "BlackboxProbe",
    "BundledMonitoring",
    "MetricsAdapter",
    "Monitoring",
    "Operator",
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


class BlackboxProbe(Strict):
    """A blackbox probe: blackbox_exporter requests a completion of one token, as a user does.

    It uses the bundled edge proxy, with TLS or without: an expired certificate, or one for another
    name, is a failure. Seawall does not know the address of other kinds of edge.
    """

    model: ModelName
    """Model that the blackbox probe requests: one of seawall:gateway.models."""
    api_key: Name
    """ID of the API key that the blackbox probe uses: one of seawall:gateway.api_keys. The limits
    of the key must allow its requests."""
    every: Annotated[Duration, Between("1s", "30s", whole=True)] = Duration.parse("30s")
    """Time between two requests of the blackbox probe. Each request costs money. The alert
    evaluates the requests of two minutes."""
    timeout: Annotated[Duration, Between("1s", "1m", whole=True)] = Duration.parse("10s")
    """Time after which a request of the blackbox probe counts as failed. It must not be longer than
    `every`."""
    url: Url | None = None
    """Base URL that users request, such as `https://llm.example.com`. The blackbox probe appends
    /v1/chat/completions. The URL must use https, unless `at` is given. When not given, the probe
    uses the Service of the bundled edge proxy, or else the gateway's Service. In the latter case it
    does not notice a broken Ingress, Gateway or load balancer."""
    at: Inside | None = None
    """Place inside the cluster or the private network that `url` leads to, for the network policy.
    When not given, `url` leads through the egress proxy or to the internet."""
    ca: Name | None = None
    """Name of a Secret in the namespace whose file ca.crt holds the certificate authority, where
    that is a private one. Only ca.crt is mounted, and no private key. When not given, the probe
    trusts the authorities in the exporter's image."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if self.at and self.url is None:
            raise ValueError("at is the place that url leads to: give url, or leave out at")
        if self.url and self.at is None and not self.url.startswith("https:"):
            raise ValueError(
                f"url = {self.url} would send an API key in the clear to the internet: write "
                "https, or give the place inside in `at`"
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
    """Alertmanager with a receiver for each severity of alerts. One pod, without a volume.

    `webhook` is the URL in the secret alert-webhook-<severity>. `simulator` is a bundled receiver
    that shows what it received. `nobody` sends nothing, so these alerts are on dashboards only.
    """

    page: Receiver
    """Receiver of alerts that need a person now. `webhook` is the URL in the secret
    alert-webhook-page, `simulator` is a bundled receiver that shows what it received, and `nobody`
    sends nothing."""
    ticket: Receiver
    """Receiver of alerts that can wait for a working day. `webhook` is the URL in the secret
    alert-webhook-ticket; other values as for `page`."""
    info: Receiver = "nobody"
    """Receiver of alerts that need no action. `webhook` is the URL in the secret
    alert-webhook-info; other values as for `page`."""
    group_wait: Annotated[Duration, Between("1s", "10m", whole=True)] = Duration.parse("10s")
    """How long the first notification of an alert waits for more notifications of the same
    alert."""
    group_interval: Annotated[Duration, Between("1s", "1d", whole=True)] = Duration.parse("1m")
    """How long a notification about a change of the same alert waits."""
    repeat_every: Annotated[Duration, Between("1m", "30d", whole=True)] = Duration.parse("4h")
    """Time after which an alert that still fires is sent again."""
    relay: Inside | None = None
    """Place in the cluster or in the private network that the URLs of all webhooks lead to, for the
    network policy. When not given, Alertmanager uses the proxy `seawall:network.egress_proxy.url`,
    or else TCP 443 of addresses that `seawall:network.never` leaves open."""
    resources: Resources = _ALERTMANAGER
    """CPU and memory of Alertmanager's container."""

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
        """The receivers by severity."""
        return {"page": self.page, "ticket": self.ticket, "info": self.info}

    @property
    def webhooks(self) -> tuple[str, ...]:
        """The severities whose URL is a secret."""
        return tuple(name for name, kind in self.receivers.items() if kind == "webhook")

    @property
    def simulated(self) -> bool:
        """Whether at least one receiver is the bundled one."""
        return "simulator" in self.receivers.values()


class _CommonSettings(Strict):
    """What both kinds have: the exporters, the alerts, the dashboards."""

    scrape_every: Annotated[Duration, Between("1s", "30s", whole=True)] = Duration.parse("15s")
    """Time between two scrapes of each pod's metrics. Alerts evaluate minutes; half a minute is the
    maximum, so that one lost scrape fires no alert."""
    runbooks: str = "runbooks"
    """URL under which people read the folder runbooks/. The runbook_url of every alert begins with
    it."""
    blackbox: BlackboxProbe | None = None
    """Blackbox probe, which requests a completion as a user does. When not given, there is no
    probe, and the alert OutsideProbeFailing never fires."""
    dashboards: Labels | None = None
    """Labels by which Grafana's sidecar finds the ConfigMaps of dashboards, such as
    `grafana_dashboard: "1"`. No dashboards are created when not given."""
    exporter_resources: Resources = _EXPORTER
    """CPU and memory of the container of redis_exporter, and of the container of
    blackbox_exporter."""


class BundledMonitoring(_CommonSettings):
    """A bundled Prometheus, for clusters without one.

    One pod, without a volume: its data is lost when the pod is replaced.
    """

    kind: Literal["bundled"]
    """`bundled` is a Prometheus in the environment's namespace."""
    keep: Annotated[Duration, Between("3d", "365d", whole=True)] = Duration.parse("30d")
    """How long samples are kept. Above 1 GB, the oldest samples are removed earlier. The error
    budget is calculated from the samples that exist, up to 30 days. Alerts look back three days."""
    for_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Scale for the `for` duration of every alert: its condition must hold for this share of the
    duration before the alert fires. Less than 1 is for trying alerts out, because short
    disturbances then fire alerts."""
    alertmanager: Alertmanager | None = None
    """Receivers of alerts. When not given, Alertmanager sends no messages."""
    resources: Resources = _PROMETHEUS
    """CPU and memory of the Prometheus container."""


class Operator(_CommonSettings):
    """Objects for the Prometheus operator of the cluster, which say what to monitor."""

    kind: Literal["operator"]
    """`operator` creates objects for the Prometheus operator of the cluster."""
    labels: Labels
    """Labels that the operator's selectors require, such as `release: prometheus`. The operator
    ignores objects without them."""


Monitoring: TypeAlias = Annotated[BundledMonitoring | Operator, Field(discriminator="kind")]


class PrometheusElsewhere(Strict):
    """An existing Prometheus that scrapes the gateway. Give either `namespace` or `block`."""

    url: Url
    """URL of the Prometheus that scrapes the gateway. With https, its certificate must be signed by
    an authority that the adapter's image trusts."""
    namespace: Labels | None = None
    """Labels of the namespace of the Prometheus pods. Give either `namespace` or `block`."""
    block: Cidr | None = None
    """Address block of a Prometheus outside the cluster. Give either `namespace` or `block`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 9090
    """TCP port of the Prometheus pods, or of the addresses in `block`. It is not the port of a
    Service in front of them."""

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if (self.namespace is None) == (self.block is None):
            raise ValueError(
                f"url = {self.url} needs either namespace or block, for the network policy: say "
                "where it is"
            )
        return self


class MetricsAdapter(Strict):
    """prometheus-adapter, which provides Prometheus' metrics to the autoscaler.

    It serves this environment's namespace, and a cluster can have only one. If the cluster has an
    adapter that serves all namespaces, leave this out, and give that adapter the rules that `python
    -m monitoring adapter-rules` prints.
    """

    prometheus: PrometheusElsewhere | None = None
    """Prometheus that scrapes the gateway. The bundled Prometheus when not given."""
    window: Annotated[Duration, Between("5s", "1h", whole=True)] = Duration.parse("1m")
    """Time over which values are averaged. It must hold at least two scrapes."""
    resources: Resources = _ADAPTER
    """CPU and memory of the prometheus-adapter container."""
