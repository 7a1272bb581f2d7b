"""The whole content of one Pulumi.<env>.yaml, and the rules that span several sections."""

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from contract.values.strict import Strict
from infra.config.aws import Aws
from infra.config.backup import Backup
from infra.config.edge import BundledEdge, Edge, LoadBalancer, NoEdge
from infra.config.gateway import Gateway
from infra.config.images import Images
from infra.config.kubernetes import Kubernetes
from infra.config.monitoring import BundledMonitoring, MetricsAdapter, Monitoring, Operator
from infra.config.network import Network, literal_address
from infra.config.policies import Policies
from infra.config.probe_target import Front, front_of
from infra.config.redis import Redis
from infra.config.release import Release
from infra.config.scalars import Name, has_digest
from infra.config.secret_store import Generated, SecretStore
from infra.config.state import State

__all__ = ["SET_BY_THE_KIT", "Environment"]

SET_BY_THE_KIT = "set by the kit"
"""Marks a key that Seawall sets itself; the reference omits it."""
_HTTPS = 443
_DAY_S = 86_400
_METADATA = "169.254.169.254/32"
"""The cloud's metadata address: never reachable, whatever network.never contains."""


class Environment(Strict):
    """The whole content of one Pulumi.<env>.yaml."""

    kubernetes: Kubernetes
    """The cluster, and the namespace in it."""
    images: Images
    """Container images."""
    gateway: Gateway
    """Pods and settings of the gateway."""
    redis: Redis = Redis()
    """Pods and settings of Redis and Sentinel."""
    edge: Edge = NoEdge()
    """How clients outside the cluster reach the gateway: through `bundled` nginx pods, a cloud
    `load_balancer`, an `ingress`, or the `gateway_api`. With `none`, the default, only clients
    inside the cluster reach it."""
    network: Network
    """Connections that the network policies allow."""
    secret_store: SecretStore
    """Where passwords and API keys come from: `generated` by Seawall, `vault`, or
    `aws-secrets-manager`."""
    protect: bool = False
    """Whether Pulumi refuses to delete or replace what holds data: the namespace with its volumes,
    and Redis. To delete them, first set this to false in a separate update."""
    monitoring: Monitoring | None = None
    """Metrics, alerts and their receivers: with a `bundled` Prometheus, or with the Prometheus
    `operator` of the cluster. No monitoring when not given."""
    metrics_adapter: MetricsAdapter | None = None
    """prometheus-adapter, which provides the metrics for seawall:gateway.replicas.per_pod to the
    autoscaler. Not deployed when not given."""
    backup: Backup | None = None
    """Copies of Redis' data in an S3-compatible bucket. No copies are made when not given."""
    state: State | None = None
    """Where Pulumi keeps the stack's state. In a folder of the checkout when not given."""
    policies: Policies = Policies()
    """Switches of the policies that Pulumi checks before it changes anything."""
    aws: Aws | None = None
    """What the program creates in an AWS account. Nothing when not given."""
    simulators: tuple[Name, ...] = ()
    """Names of the simulated providers to deploy, for environments without real ones. The host in
    the base URL of such a provider is `simulator-<name>`."""
    release: Annotated[Release | None, SET_BY_THE_KIT] = None
    """What Seawall records about a release."""

    def is_simulated(self, provider: str) -> bool:
        """Whether the provider's base URL leads to one of `simulators`."""
        host = urlsplit(self.gateway.providers[provider].base_url or "").hostname or ""
        return host.partition(".")[0] in {f"simulator-{name}" for name in self.simulators}

    @property
    def front(self) -> Front:
        """The target of the blackbox probe: the address closest to the clients that is known."""
        probe = self.monitoring.blackbox if self.monitoring else None
        return front_of(self.edge, probe, proxy=self.network.proxy_url)

    @model_validator(mode="after")
    def _shared_state_holds_no_secrets(self) -> Self:
        if isinstance(self.secret_store, Generated) and self.state and self.state.is_shared:
            raise ValueError(
                'seawall:secret_store.kind = "generated" keeps secrets in the state, and '
                f'seawall:state.backend = "{self.state.backend}" is shared; '
                "refer to vault or aws-secrets-manager instead"
            )
        return self

    @model_validator(mode="after")
    def _simulators_differ(self) -> Self:
        twice = [name for name in self.simulators if self.simulators.count(name) > 1]
        if twice:
            raise ValueError(f'seawall:simulators has "{twice[0]}" twice; remove one of the two')
        return self

    @model_validator(mode="after")
    def _digests_are_given_where_they_are_demanded(self) -> Self:
        images = {f"images.{name}": ref for name, ref in self.images.given.items()}
        if self.backup is not None:
            images["backup.image"] = self.backup.image
        for key, reference in images.items():
            if self.policies.digests and not has_digest(reference):
                raise ValueError(
                    f'seawall:{key} = "{reference}" has no digest, and seawall:policies.digests = '
                    "true; give name@sha256:..."
                )
        return self

    @model_validator(mode="after")
    def _clients_may_come_in(self) -> Self:
        edge = self.edge
        balancer, key = (edge, "") if isinstance(edge, LoadBalancer) else (None, "")
        if isinstance(edge, BundledEdge):
            balancer, key = edge.load_balancer, ".load_balancer"
        if balancer is None or self.network.clients.any:
            return self
        if not balancer.source_ranges or balancer.external_traffic_policy == "Cluster":
            raise ValueError(
                f"seawall:edge{key} lets in clients from outside the cluster, and "
                "seawall:network.clients names namespaces only: set any: true there, or give "
                "source_ranges with external_traffic_policy: Local, which keeps their addresses"
            )
        return self

    @model_validator(mode="after")
    def _what_is_asked_from_outside_exists(self) -> Self:
        probe = self.monitoring.blackbox if self.monitoring else None
        if probe is None:
            return self
        for key, name, known in (
            ("model", probe.model, self.gateway.models),
            ("api_key", probe.api_key, self.gateway.api_keys),
        ):
            if name not in known:
                raise ValueError(
                    f'seawall:monitoring.blackbox.{key} = "{name}" is none of '
                    f"seawall:gateway.{key}s: {', '.join(known)}"
                )
        return self

    @model_validator(mode="after")
    def _a_certificate_can_be_checked(self) -> Self:
        probe = self.monitoring.blackbox if self.monitoring else None
        if probe is None:
            return self
        own = self.edge if isinstance(self.edge, BundledEdge) else None
        if own and own.tls and not own.hosts and not probe.url:
            raise ValueError(
                "seawall:edge.hosts is missing, and seawall:monitoring.blackbox checks whether "
                "the certificate is for the first of them; give the names that clients use"
            )
        if probe.ca and not self.front.is_encrypted:
            raise ValueError(
                f'seawall:monitoring.blackbox.ca = "{probe.ca}" verifies a certificate, and '
                f"the probe requests {self.front.url} without TLS; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _the_probe_can_leave(self) -> Self:
        probe = self.monitoring.blackbox if self.monitoring else None
        if probe is None or probe.url is None or probe.at is not None:
            return self
        key = f'seawall:monitoring.blackbox.url = "{probe.url}"'
        if self.network.egress_proxy:
            if self.network.egress_proxy.url is None:
                raise ValueError(
                    f"{key} cannot be reached: seawall:network.egress_proxy is the only way out, "
                    "and its url is missing; give that, or seawall:monitoring.blackbox.at for a "
                    "place inside"
                )
            return self
        block = _block_around(urlsplit(probe.url).hostname or "", (*self.network.never, _METADATA))
        if block:
            raise ValueError(
                f"{key} lies in {block}, which seawall:network.never closes; say where it is in "
                "seawall:monitoring.blackbox.at"
            )
        return self

    @model_validator(mode="after")
    def _an_operators_prometheus_may_come_in(self) -> Self:
        if isinstance(self.monitoring, Operator) and self.network.monitoring is None:
            raise ValueError(
                'seawall:monitoring.kind = "operator" has its Prometheus in another namespace, and '
                "the network policies block it: give the labels of that namespace in "
                "seawall:network.monitoring"
            )
        return self

    @model_validator(mode="after")
    def _alerts_reach_somebody(self) -> Self:
        bundled = _bundled(self.monitoring)
        settings = bundled.alertmanager if bundled else None
        urls = settings.webhooks if settings else ()
        if urls and isinstance(self.secret_store, Generated):
            raise ValueError(
                f'seawall:monitoring.alertmanager.{urls[0]} = "webhook" needs a URL, and '
                'seawall:secret_store.kind = "generated" generates random secrets; use a secret '
                'store, or the receiver "simulator"'
            )
        proxied = self.network.egress_proxy and not self.network.proxy_url
        if urls and proxied and settings and not settings.relay:
            raise ValueError(
                f'seawall:monitoring.alertmanager.{urls[0]} = "webhook" cannot be reached: '
                "seawall:network.egress_proxy is the only way out, and its url is missing; give "
                "that, or seawall:monitoring.alertmanager.relay for a place that the webhooks' own "
                "URLs lead to"
            )
        return self

    @model_validator(mode="after")
    def _the_adapter_has_a_prometheus(self) -> Self:
        adapter = self.metrics_adapter
        if adapter is None:
            asked = self.gateway.replicas.per_pod.model_dump(exclude_none=True)
            if asked and self.kubernetes.cluster != "existing":
                raise ValueError(
                    f"seawall:gateway.replicas.per_pod asks for {', '.join(asked)}, and a cluster "
                    "that Seawall creates has no metrics adapter: give seawall:metrics_adapter"
                )
            return self
        bundled = _bundled(self.monitoring)
        if adapter.prometheus is None and bundled is None:
            raise ValueError(
                "seawall:metrics_adapter has no Prometheus to ask: give seawall:metrics_adapter."
                "prometheus, or seawall:monitoring for a bundled one"
            )
        if adapter.prometheus is None and bundled is not None:
            every = bundled.scrape_every
            if adapter.window.seconds < 2 * every.seconds:
                raise ValueError(
                    f"seawall:metrics_adapter.window = {adapter.window} holds less than two "
                    f"scrapes: it must be at least twice seawall:monitoring.scrape_every = {every}"
                )
        return self

    @model_validator(mode="after")
    def _copies_can_be_written_and_removed(self) -> Self:
        if self.backup is None:
            return self
        if self.backup.credentials == "secret" and isinstance(self.secret_store, Generated):
            raise ValueError(
                'seawall:backup.credentials = "secret" needs keys that the storage accepts, and '
                'seawall:secret_store.kind = "generated" generates random ones; use a secret store'
            )
        own = self.aws.backup_bucket if self.aws else None
        if own is None or self.backup.bucket != own.name:
            return self
        if self.backup.removal == "job":
            raise ValueError(
                f'seawall:backup.removal = "job" may not delete in "{own.name}", which seawall:aws '
                'creates; write "bucket", whose lifecycle rule removes older copies'
            )
        if self.backup.keep.seconds != own.days * _DAY_S:
            raise ValueError(
                f"seawall:backup.keep = {self.backup.keep} is not what seawall:aws.backup_bucket."
                f"days = {own.days} keeps, and the bucket removes the copies; give both the same "
                "time"
            )
        return self

    @model_validator(mode="after")
    def _providers_can_be_reached(self) -> Self:
        if self.network.egress_proxy:
            return self
        for name, provider in self.gateway.providers.items():
            if provider.base_url is None:
                continue  # The kind has a public address that is reached by HTTPS.
            url = urlsplit(provider.base_url)
            block = _block_around(url.hostname or "", (*self.network.never, _METADATA))
            if block:
                raise ValueError(
                    f'seawall:gateway.providers.{name}.base_url = "{provider.base_url}" lies in '
                    f"{block}, which seawall:network.never closes; narrow that, or use "
                    "seawall:network.egress_proxy"
                )
            port = url.port or (_HTTPS if url.scheme == "https" else 80)
            if port != _HTTPS and not self.is_simulated(name):
                raise ValueError(
                    f'seawall:gateway.providers.{name}.base_url = "{provider.base_url}" uses port '
                    f"{port}, and the network policies allow only {_HTTPS}; use https or "
                    "seawall:network.egress_proxy"
                )
        return self


def _bundled(monitoring: Monitoring | None) -> BundledMonitoring | None:
    return monitoring if isinstance(monitoring, BundledMonitoring) else None


def _block_around(host: str, blocks: Iterable[str]) -> str | None:
    """The first of `blocks` that contains the host, if the host is a literal address."""
    address = literal_address(host)
    return next((block for block in blocks if address and address in IPv4Network(block)), None)
