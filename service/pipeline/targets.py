"""A model's targets as the load balancer orders them, and the request properties that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from contract.providers import Capability
from service.pipeline.exchange import Exchange
from service.pipeline.upstreams import Upstream
from service.settings import Settings

__all__ = ["ModelTargets", "Target", "model_targets"]

CACHED_FROM_BYTES = 4096
"""The smallest prompt with affinity: providers cache from 1024 tokens on, of four bytes each.
https://platform.openai.com/docs/guides/prompt-caching"""
PREFIX_BYTES = 1024
"""The part of the prompt that decides the affinity. The turns of a conversation share it, and so do
all users of one system prompt."""
_TOOLS = ("tools", "functions")
_IMAGES = (b'"image_url"', b'"image"')
"""How OpenAI's and Anthropic's clients name an image part. A quotation mark inside a text is
escaped, so no text matches."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target of one model, and its current state as a `Candidate`."""

    upstream: Upstream
    priority: int
    weight: float | None = None
    lacks: frozenset[str] = frozenset()
    identity: bytes = field(init=False)

    def __post_init__(self) -> None:
        name = f"{self.upstream.provider}/{self.upstream.model}".encode()
        object.__setattr__(self, "identity", blake2b(name, digest_size=16).digest())

    @property
    def available(self) -> bool:
        """Whether its breaker admits a call."""
        return self.upstream.breaker.available()

    @property
    def retry_in_s(self) -> float:
        """Seconds until its breaker admits a call."""
        return self.upstream.breaker.retry_in_s()

    @property
    def limited(self) -> bool:
        """Whether the provider's rate limit is used up."""
        quota = self.upstream.quota
        return quota is not None and quota.exhausted

    @property
    def in_flight(self) -> int:
        """The number of calls that are under way."""
        return self.upstream.load.in_flight

    @property
    def expected_s(self) -> float | None:
        """The usual seconds until the first content; None before the first answer."""
        return self.upstream.load.expected_s


class ModelTargets:
    """The targets of one model name, sorted by priority, and what the choice among them needs."""

    def __init__(self, targets: tuple[Target, ...]) -> None:
        self.sorted = tuple(sorted(targets, key=lambda target: target.priority))
        self._lacking = frozenset[str]().union(*(target.lacks for target in targets))
        priorities = [target.priority for target in targets if target.weight is None]
        self._has_equals = len(set(priorities)) < len(priorities)

    def needs(self, exchange: Exchange) -> frozenset[str]:
        """The capabilities that the request uses and that at least one target lacks.

        The check looks at the names of fields, at `response_format`, and, for images, for a word
        in the body. Nothing is parsed.
        """
        if not self._lacking:
            return frozenset()
        fields = exchange.call.fields
        found: set[Capability] = set()
        if any(name in fields for name in _TOOLS):
            found.add("tools")
        if b'"json_schema"' in bytes(fields.get("response_format", b"")):
            found.add("json_schema")
        if "images" in self._lacking and any(word in exchange.body for word in _IMAGES):
            found.add("images")
        return self._lacking & found

    def affinity(self, exchange: Exchange) -> bytes | None:
        """The affinity key of the prompt for targets of equal priority.

        None when no provider could have the prompt in its cache, or no targets are equal.
        """
        if not self._has_equals:
            return None
        fields = exchange.call.fields
        for name in ("system", "messages"):
            if name in fields:
                prompt = memoryview(fields[name])
                if len(prompt) >= CACHED_FROM_BYTES:
                    tenant = exchange.key.tenant if exchange.key is not None else ""
                    namespace = f"{tenant}\n{exchange.name}\n".encode()
                    return namespace + prompt[:PREFIX_BYTES]
        return None


def model_targets(
    settings: Settings, upstreams: Mapping[str, tuple[Upstream, ...]]
) -> Mapping[str, ModelTargets]:
    """The targets of every name that clients may use: `provider/model` and configured models."""
    found = {name: ModelTargets((Target(some[0], 0),)) for name, some in upstreams.items()}
    for name, model in settings.models.items():
        found[name] = ModelTargets(
            tuple(
                Target(
                    upstream,
                    place if ref.priority is None else ref.priority,
                    ref.weight,
                    frozenset(ref.lacks),
                )
                for place, (upstream, ref) in enumerate(
                    zip(upstreams[name], model.targets, strict=True)
                )
            )
        )
    return found
