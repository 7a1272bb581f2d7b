"""The gateway's pods and its settings."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.budgets import missing_price
from infra.config.base import Strict
from infra.config.compute import Resources
from infra.config.placement import Disruption, Spread
from infra.config.routing import ApiKey, Model, Provider
from infra.config.scalars import Between, Cidr, Count, Duration, Labels, ModelName, Name, Url

__all__ = [
    "Admission",
    "Degradation",
    "Gateway",
    "PerPod",
    "Replicas",
    "Shutdown",
    "Timeouts",
    "Tracing",
]

_CUT_BEFORE_GRACE = Duration.parse("5s")
"""The gateway tells open streams so this long before its grace ends; see its own settings."""

_Target = Annotated[int, Field(ge=1, le=100_000)]
_Timeout = Annotated[Duration, Between("1ms", "1h")]


class PerPod(Strict):
    """What one pod should carry of what Prometheus counts, beside its CPU.

    The largest demand wins. It takes seawall:metrics_adapter, or an adapter that the cluster has.
    """

    requests_in_flight: _Target | None = None
    """Requests that are worked on, and those that wait for that."""
    requests_per_second: _Target | None = None
    """Answered requests."""
    queued_requests: _Target | None = None
    """Of the requests that wait for a place in all pods."""
    breaker_openings_per_minute: _Target | None = None
    """Of all targets' circuit breakers, each counted in the pod where it opens most: retries and
    failover make work before clients feel them."""


class Replicas(Strict):
    """The autoscaler's range and targets."""

    min: Count
    """Never fewer pods."""
    max: Count
    """Never more pods."""
    cpu_percent: Annotated[int, Field(ge=10, le=95)] = 70
    """Of the requested CPU, averaged over the pods."""
    per_pod: PerPod = PerPod()
    """What else one pod should carry."""
    scale_down_after: Annotated[Duration, Between("0s", "1h", whole=True)] = Duration.parse("5m")
    """A pod is given up when none of the autoscaler's looks back so long wanted it."""
    scale_down_every: Annotated[Duration, Between("5s", "30m", whole=True)] = Duration.parse("1m")
    """At most one pod in so long: each that leaves drains its streams, which takes a while."""

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min = {self.min} must not be more than max = {self.max}")
        return self


class Shutdown(Strict):
    """How a gateway pod leaves."""

    pre_stop: Annotated[Duration, Between("1s", "2m", whole=True)]
    """Before SIGTERM: the time in which every node learns that the pod is gone."""
    serve: Annotated[Duration, Between("0s", "10m")] = Duration.parse("5s")
    """After SIGTERM: the time in which new requests are still taken."""
    grace: Annotated[Duration, Between("1s", "1h", whole=True)] = Duration.parse("30s")
    """After SIGTERM: the time in which open requests may finish."""

    @model_validator(mode="after")
    def _grace_leaves_time_to_finish(self) -> Self:
        least = self.serve.seconds + _CUT_BEFORE_GRACE.seconds
        if self.grace.seconds <= least:
            raise ValueError(
                f"grace = {self.grace} must be more than serve + {_CUT_BEFORE_GRACE} = {least:g}s"
            )
        return self


class Admission(Strict):
    """What one gateway process accepts at once."""

    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Requests that are worked on."""
    queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    """Requests that wait for a place."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 32 << 20
    """Of one request's body."""
    max_buffered_bytes: Annotated[int, Field(ge=1024, le=1 << 34)] = 128 << 20
    """Of all bodies at once; must fit into the memory limit beside the process itself."""
    deadline: _Timeout = Duration.parse("600s")
    """Of a request, with all its attempts."""
    adaptive: bool = False
    """Whether each pod gives keys less of their rates while more than 10 % of its requests fail:
    four fifths after every 100 requests, a tenth at least; and more again below 1 %."""


class Timeouts(Strict):
    """Upstream timeouts, each for one attempt."""

    connect: _Timeout = Duration.parse("2s")
    """Until the connection stands; and how long, but at least 1s, a provider's machine may leave
    without acknowledgement what it gets, so that one without power is found out."""
    headers: _Timeout = Duration.parse("10s")
    """Until a streamed answer begins."""
    first_content: _Timeout = Duration.parse("15s")
    """Until the first words of a streamed answer."""
    gap: _Timeout = Duration.parse("15s")
    """Between two parts of a streamed answer."""
    quiet: _Timeout = Duration.parse("15s")
    """Until a streamed answer that has not begun is kept alive by comments, which commit its
    status: what fails after that is told in the stream."""
    answer: _Timeout = Duration.parse("300s")
    """Of a plain answer, whose headers come only when it is complete."""


class Degradation(Strict):
    """What clients get, marked as degraded, when no target and no fallback answers."""

    stale_answers: Annotated[Duration, Between("0s", "24h")] = Duration.parse("24h")
    """How old the answer to an identical request of the same tenant may be; 0s keeps none.
    Answers are kept in the process, and only those without tools."""
    stale_bytes: Annotated[int, Field(ge=1024, le=1 << 34)] = 16 << 20
    """Of all kept answers of a process; part of its memory."""


class Tracing(Strict):
    """OpenTelemetry traces of requests over OTLP/HTTP. No prompt and no answer is ever in them."""

    endpoint: Url
    """The collector's base URL, such as `http://collector.observability:4318`; /v1/traces is
    added. With https, its certificate must be of a public authority."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the requests that come without a trace; those with one follow its own choice."""
    headers: bool = False
    """Whether exports carry the headers that are the secret tracing-headers, one `name: value` a
    line."""
    namespace: Labels | None = None
    """The labels of the namespace where its pods are, for the network policy."""
    block: Cidr | None = None
    """Its addresses, for one that is no pod. With neither it is on the internet, by https."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The TCP port of its pods, where that of the Service in `endpoint` is another one."""

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


class Gateway(Strict):
    """The gateway's pods and its settings."""

    replicas: Replicas
    """The autoscaler's range and targets."""
    resources: Resources
    """Of the gateway's container."""
    shutdown: Shutdown
    """How a pod leaves."""
    disruption: Disruption = Disruption(max_unavailable=1)
    """How many pods a drain of nodes may take."""
    spread: Spread = Spread()
    """How the pods are kept apart."""
    replace_after: Annotated[Duration, Between("0s", "10m", whole=True)] = Duration.parse("30s")
    """How long a node may be lost or not ready until its pods are made anew elsewhere. Requests
    avoid it before: as soon as Kubernetes has noticed, 50 s by its defaults."""
    admission: Admission = Admission()
    """What one process accepts at once."""
    timeouts: Timeouts = Timeouts()
    """Upstream timeouts."""
    degradation: Degradation = Degradation()
    """When nobody answers."""
    tracing: Tracing | None = None
    """Where traces of requests go; none are made when not given."""
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]
    """The provider accounts, by name."""
    models: Annotated[dict[ModelName, Model], Field(min_length=1)]
    """The model names that clients use."""
    api_keys: Annotated[dict[Name, ApiKey], Field(min_length=1)]
    """The client keys, by id."""
    revoked_api_keys: tuple[Name, ...] = ()
    """Ids of keys that were made at run time, at /admin/keys, and are refused whatever Redis says:
    also after a failover, and after data of before their deletion was restored."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for name, model in self.models.items():
            for target in model.targets:
                if target.provider not in self.providers:
                    known = ", ".join(sorted(self.providers))
                    raise ValueError(
                        f"models.{name} names provider {target.provider!r}; known: {known}"
                    )
            for other in model.fallbacks:
                if other == name or other not in self.models:
                    known = ", ".join(sorted(set(self.models) - {name})) or "no other"
                    raise ValueError(f"models.{name} falls back to {other!r}; known: {known}")
        return self

    @model_validator(mode="after")
    def _budgets_know_the_prices(self) -> Self:
        with_budget = [name for name, key in self.api_keys.items() if key.budget is not None]
        missing = missing_price(self.models, self.providers)
        if with_budget and missing:
            raise ValueError(f"api_keys.{with_budget[0]} has a budget, and {missing}")
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
