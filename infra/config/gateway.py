"""Pods and settings of the gateway."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract import gateway_config
from contract.budgets import missing_price
from contract.gateway_config import ApiKey, GatewayConfig, ProviderAccount
from contract.values.strict import Strict
from infra.config.compute import Amount, Resources
from infra.config.placement import Disruption, Spread
from infra.config.scalars import Between, Cidr, Count, Duration, Labels, Name
from infra.quantities import memory_bytes

__all__ = ["Gateway", "PerPod", "Provider", "Replicas", "Shutdown", "Tracing"]

_RESOURCES = Resources(
    requests=Amount(cpu="500m", memory="256Mi"), limits=Amount(cpu="2", memory="768Mi")
)
_Target = Annotated[int, Field(ge=1, le=100_000)]


class PerPod(Strict):
    """Autoscaler targets for the metrics that Prometheus collects, in addition to CPU.

    The target that asks for the most pods decides. These targets need seawall:metrics_adapter, or
    an adapter that the cluster has.
    """

    requests_in_flight: _Target | None = None
    """Autoscaler target: number of requests per pod that are in progress or queued."""
    requests_per_second: _Target | None = None
    """Autoscaler target: number of requests that one pod answers per second."""
    queued_requests: _Target | None = None
    """Autoscaler target: number of queued requests in all pods, divided by the number of pods."""
    breaker_openings_per_minute: _Target | None = None
    """Autoscaler target: number of circuit breaker openings per minute, divided by the number of
    pods. The openings of all targets are added; for each target, only the pod with the most
    openings counts. Retries and failover cause load before clients notice a failure."""


class Replicas(Strict):
    """The autoscaler's range and targets."""

    min: Count
    """Minimum number of gateway pods. The autoscaler never scales below it."""
    max: Count
    """Maximum number of gateway pods. The autoscaler never scales above it."""
    cpu_percent: Annotated[int, Field(ge=10, le=95)] = 70
    """Autoscaler target: average CPU use of the pods, in percent of the requested CPU."""
    per_pod: PerPod = PerPod()
    """Autoscaler targets in addition to CPU. The target that asks for the most pods decides. They
    need seawall:metrics_adapter, or an adapter that the cluster has."""
    scale_down_after: Annotated[Duration, Between("0s", "1h", whole=True)] = Duration.parse("5m")
    """Scale-down stabilization window: a pod is removed only if it was not needed at any point in
    this window."""
    scale_down_every: Annotated[Duration, Between("5s", "30m", whole=True)] = Duration.parse("1m")
    """Minimum time between two scale-downs. At most one pod is removed in this time, because a pod
    needs a while to drain its streams."""

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min = {self.min} must not be more than max = {self.max}")
        return self


class Shutdown(gateway_config.Shutdown):
    """How a gateway pod shuts down."""

    pre_stop: Annotated[Duration, Between("1s", "2m", whole=True)] = Duration.parse("10s")
    """Time between the start of a pod's termination and SIGTERM. In this time every node learns
    that the pod terminates."""


class Tracing(gateway_config.Tracing):
    """OpenTelemetry traces over OTLP/HTTP. Traces never contain a prompt or an answer."""

    headers: bool = False
    """Whether exports send the headers from the secret tracing-headers, which has one `name: value`
    per line."""
    namespace: Labels | None = None
    """Labels of the namespace of the collector's pods, for the network policy."""
    block: Cidr | None = None
    """Address block of a collector that is not a pod, for the network policy. Without `namespace`
    and `block`, the collector is on the internet and needs https."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """TCP port of the collector's pods, for the network policy. Needed where it differs from the
    port in `endpoint`."""

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if self.namespace is not None and self.block is not None:
            raise ValueError("namespace and block: the collector is in one place, name one of them")
        inside = self.namespace is not None or self.block is not None
        if not inside and not self.endpoint.startswith("https:"):
            raise ValueError(
                f"endpoint = {self.endpoint} needs namespace or block, for the network policy: "
                "only https leads to the internet"
            )
        if self.port is not None and not inside:
            raise ValueError(f"port = {self.port} needs namespace or block: say where it is")
        return self


class Provider(ProviderAccount):
    """One provider account. Its API key is the secret provider-<name>."""

    keys: Annotated[int, Field(ge=1, le=8)] = 1
    """Number of API keys of the account, which are the secrets provider-<name>, provider-<name>-2
    and so on. The gateway uses the next key while the provider refuses one or limits its rate."""


class Gateway(GatewayConfig[Provider]):
    """Pods and settings of the gateway."""

    replicas: Replicas
    """Range and targets of the autoscaler."""
    resources: Resources = _RESOURCES
    """CPU and memory of the gateway's container."""
    shutdown: Shutdown = Shutdown()
    """How a gateway pod shuts down."""
    disruption: Disruption = Disruption(max_unavailable=1)
    """Disruption budget of the gateway's pods: how many of them a node drain may evict at once."""
    spread: Spread = Spread()
    """How the gateway's pods are spread over hosts and zones."""
    replace_after: Annotated[Duration, Between("0s", "10m", whole=True)] = Duration.parse("30s")
    """How long a node may be lost or not ready before its pods are recreated on other nodes.
    Requests avoid the pods earlier: as soon as Kubernetes notices, after 50 s by its defaults."""
    tracing: Tracing | None = None
    """Where the gateway sends OpenTelemetry traces of requests. No traces are made when not
    given."""
    api_keys: Annotated[dict[Name, ApiKey], Field(min_length=1)]
    """API keys of clients, by ID."""
    revoked_api_keys: tuple[Name, ...] = ()
    """IDs of runtime keys, made at /admin/keys, that are refused whatever Redis contains. They
    stay refused after a failover, and after the restore of a backup that is older than their
    deletion."""

    @model_validator(mode="after")
    def _budgets_know_the_prices(self) -> Self:
        with_budget = [name for name, key in self.api_keys.items() if key.budget is not None]
        missing = missing_price(self.models, self.providers)
        if with_budget and missing:
            raise ValueError(f"api_keys.{with_budget[0]} has a budget, and {missing}")
        return self

    @model_validator(mode="after")
    def _bodies_and_answers_fit_into_the_memory(self) -> Self:
        limit = self.resources.limits.memory
        bodies, stale = self.admission.max_buffered_bytes, self.degradation.stale_bytes
        if bodies + stale > memory_bytes(limit) // 2:
            raise ValueError(
                f"admission.max_buffered_bytes = {bodies} and degradation.stale_bytes = {stale} "
                f"together must be at most half of resources.limits.memory = {limit}, since the "
                "process needs the rest"
            )
        if self.admission.max_body_bytes > bodies:
            raise ValueError(
                f"admission.max_body_bytes = {self.admission.max_body_bytes} must not be more than "
                f"admission.max_buffered_bytes = {bodies}, or the largest body is always refused"
            )
        return self

    @model_validator(mode="after")
    def _answers_end_before_the_deadline(self) -> Self:
        deadline = self.admission.deadline
        if self.timeouts.answer.seconds > deadline.seconds:
            raise ValueError(
                f"timeouts.answer = {self.timeouts.answer} must not be more than "
                f"admission.deadline = {deadline}, which ends the request"
            )
        return self

    @model_validator(mode="after")
    def _revoked_keys_are_no_others(self) -> Self:
        both = sorted(self.api_keys.keys() & set(self.revoked_api_keys))
        if both:
            raise ValueError(
                f"revoked_api_keys has {both[0]!r}, which api_keys has, too: remove it there"
            )
        return self

    @model_validator(mode="after")
    def _targets_of_the_autoscaler_can_be_reached(self) -> Self:
        per_pod, room = self.replicas.per_pod, self.admission
        for name, given, most, what in (
            (
                "requests_in_flight",
                per_pod.requests_in_flight,
                room.max_in_flight + room.queue,
                "admission.max_in_flight + admission.queue",
            ),
            ("queued_requests", per_pod.queued_requests, room.queue, "admission.queue"),
        ):
            if given is not None and given > most:
                raise ValueError(
                    f"replicas.per_pod.{name} = {given} can never be reached: a pod takes "
                    f"{what} = {most}"
                )
        return self

    @model_validator(mode="after")
    def _nodes_can_be_drained(self) -> Self:
        self.disruption.refuse_to_block(self.replicas.min, where="replicas.min")
        return self
