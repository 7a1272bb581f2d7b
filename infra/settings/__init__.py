"""The shape of an environment: every key, its type, its unit and its limits. Frozen.

Reading it is `infra.config`; nothing here knows Pulumi. A key without a default is required.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.quantities import CPU_PATTERN, MEMORY_PATTERN, cpu_millis, memory_bytes
from infra.settings.base import Strict

__all__ = [
    "ApiKey",
    "Environment",
    "Gateway",
    "Images",
    "Kubernetes",
    "Provider",
    "Redis",
    "Resources",
]

_DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$"
_MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$"
_IMAGE = r"^[a-z0-9][A-Za-z0-9._/:@-]*(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$"

Name = Annotated[str, Field(pattern=_DNS_LABEL)]
ModelName = Annotated[str, Field(pattern=_MODEL_NAME)]
Image = Annotated[str, Field(pattern=_IMAGE)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Cpu = Annotated[str, Field(pattern=CPU_PATTERN)]
Memory = Annotated[str, Field(pattern=MEMORY_PATTERN)]

_CUT_BEFORE_GRACE_SECONDS = 5
"""The gateway tells open streams so this long before its grace ends; see its own settings."""


class Kubernetes(Strict):
    """The cluster and the place in it."""

    namespace: Name
    kubeconfig: str | None = None
    """Path or contents; $KUBECONFIG when not given."""
    adopt_existing: bool = False
    """Take over objects that exist already, instead of an error."""
    pod_security_version: Annotated[str, Field(pattern=r"^v1\.[0-9]{2}$")]
    """The version of the restricted Pod Security standard, pinned against upgrades."""


class Images(Strict):
    """Image references, with a tag or a digest."""

    gateway: Image
    redis: Image


class Amount(Strict):
    """CPU and memory."""

    cpu: Cpu
    memory: Memory


class Resources(Strict):
    """What a container asks for and what it may use."""

    requests: Amount
    limits: Amount

    @model_validator(mode="after")
    def _requests_fit_into_limits(self) -> Self:
        if cpu_millis(self.requests.cpu) > cpu_millis(self.limits.cpu):
            raise ValueError(f"requests.cpu {_over(self.requests.cpu, self.limits.cpu)}")
        if memory_bytes(self.requests.memory) > memory_bytes(self.limits.memory):
            raise ValueError(f"requests.memory {_over(self.requests.memory, self.limits.memory)}")
        return self


class Replicas(Strict):
    """The autoscaler's range and target."""

    min: Annotated[int, Field(ge=1, le=1000)]
    max: Annotated[int, Field(ge=1, le=1000)]
    cpu_percent: Annotated[int, Field(ge=10, le=95)] = 70
    """Of the requested CPU, averaged over the pods."""

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min = {self.min} must not be more than max = {self.max}")
        return self


class Shutdown(Strict):
    """How a gateway pod leaves, in seconds."""

    pre_stop_seconds: Annotated[int, Field(ge=1, le=120)]
    """Before SIGTERM: the time in which every node learns that the pod is gone."""
    serve_seconds: Annotated[float, Field(ge=0, le=600)] = 5
    """After SIGTERM: the time in which new requests are still taken."""
    grace_seconds: Annotated[int, Field(gt=0, le=3600)] = 30
    """After SIGTERM: the time in which open requests may finish."""

    @model_validator(mode="after")
    def _grace_leaves_time_to_finish(self) -> Self:
        least = self.serve_seconds + _CUT_BEFORE_GRACE_SECONDS
        if self.grace_seconds <= least:
            raise ValueError(
                f"grace_seconds = {self.grace_seconds} must be more than "
                f"serve_seconds + {_CUT_BEFORE_GRACE_SECONDS} = {least:g}"
            )
        return self


class Admission(Strict):
    """What one gateway process accepts at once."""

    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 32 << 20
    max_buffered_bytes: Annotated[int, Field(ge=1024, le=1 << 34)] = 128 << 20
    """Of all bodies at once; must fit into the memory limit beside the process itself."""
    deadline_seconds: Seconds = 600


class Timeouts(Strict):
    """Upstream timeouts, each for one attempt."""

    connect_seconds: Seconds = 2
    headers_seconds: Seconds = 10
    first_content_seconds: Seconds = 15
    gap_seconds: Seconds = 15
    answer_seconds: Seconds = 300
    """Of a plain answer, whose headers come only when it is complete."""


class Provider(Strict):
    """One provider account. Its key is the secret provider-<name>."""

    kind: Literal["openai-compatible"]
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")]


class Target(Strict):
    """One model of one provider."""

    provider: Name
    model: ModelName


class Model(Strict):
    """Who answers a model name, best first."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]


class ApiKey(Strict):
    """One client key and its limits. The key itself is the secret api-key-<id>."""

    tenant: Name
    requests_per_second: Annotated[float, Field(gt=0, le=100_000)]
    burst: Annotated[int, Field(ge=1, le=100_000)]
    on_outage: Literal["allow", "deny"]
    """What happens to the key's requests while limits cannot be kept in Redis."""


class Gateway(Strict):
    """The gateway's pods and its settings."""

    replicas: Replicas
    resources: Resources
    shutdown: Shutdown
    admission: Admission = Admission()
    timeouts: Timeouts = Timeouts()
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]
    models: Annotated[dict[ModelName, Model], Field(min_length=1)]
    api_keys: Annotated[dict[Name, ApiKey], Field(min_length=1)]

    @model_validator(mode="after")
    def _targets_are_known_providers(self) -> Self:
        for name, model in self.models.items():
            for target in model.targets:
                if target.provider not in self.providers:
                    known = ", ".join(sorted(self.providers))
                    raise ValueError(
                        f"models.{name} names provider {target.provider!r}; known: {known}"
                    )
        return self


class Redis(Strict):
    """Three pods of Redis and Sentinel."""

    storage: Memory
    resources: Resources
    sentinel_resources: Resources
    down_after_ms: Annotated[int, Field(ge=3000, le=60_000)]
    """Below 3000 a stall of two seconds makes sentinels take the master for dead."""
    failover_timeout_ms: Annotated[int, Field(ge=3000, le=180_000)]
    max_lag_s: Annotated[int, Field(ge=1, le=60)]
    """A master without a replica as fresh as this refuses writes."""
    host_spread: Literal["preferred", "required"]

    @model_validator(mode="after")
    def _one_writable_master_at_most(self) -> Self:
        # The old master stops writing max_lag_s after it lost its replicas, and notices once a
        # second; only then may sentinels make a new one.
        if (self.max_lag_s + 1) * 1000 >= self.down_after_ms:
            raise ValueError(
                f"max_lag_s + 1 = {self.max_lag_s + 1} must be less than "
                f"down_after_ms / 1000 = {self.down_after_ms / 1000:g}, "
                "or two masters could accept writes at one time"
            )
        return self


class Environment(Strict):
    """Everything that one Pulumi.<env>.yaml says."""

    kubernetes: Kubernetes
    images: Images
    gateway: Gateway
    redis: Redis
    simulators: tuple[Name, ...] = ()
    """Simulated providers, for environments without real ones."""


def _over(asked: str, allowed: str) -> str:
    return f"= {asked} must not be more than its limit {allowed}"
