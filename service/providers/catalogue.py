"""The provider catalogue: one entry per kind of provider.

A new provider is one entry here. A new wire format is one module in `dialects`, named by an entry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.errors import SettingsError
from service.providers.calls import Format
from service.providers.dialect import Dialect
from service.providers.dialects.anthropic import AnthropicDialect
from service.providers.dialects.openai import OpenAIDialect, Quirks
from service.providers.translation.for_anthropic_clients import OpenAIProviderForAnthropic
from service.providers.translation.for_openai_clients import AnthropicProviderForOpenAI

__all__ = ["CATALOGUE", "ProviderKind", "kind_named"]

_CHAT = "/chat/completions"
_ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What every provider of this kind has in common."""

    name: str
    base_url: str | None
    """Where everybody finds it; None where each has its own."""
    path: str
    """Of a chat, below the base URL."""
    key_header: Callable[[str], tuple[str, str]]
    """The header that carries the API key."""
    native: Format
    """What it speaks."""
    dialects: Mapping[Format, Dialect]
    """By what the client speaks."""
    note: str
    fixed_headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Headers of every request: the key, and no compression that would have to be undone."""
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            **self.fixed_headers,
        }
        if api_key is not None:
            name, value = self.key_header(api_key)
            headers[name] = value
        return headers


def _bearer(api_key: str) -> tuple[str, str]:
    return "authorization", f"Bearer {api_key}"


def _speaks_openai(
    name: str,
    base_url: str | None,
    note: str,
    *,
    quirks: Quirks | None = None,
    key_header: Callable[[str], tuple[str, str]] = _bearer,
) -> ProviderKind:
    native = OpenAIDialect(quirks)
    dialects: dict[Format, Dialect] = {
        Format.OPENAI: native,
        Format.ANTHROPIC: OpenAIProviderForAnthropic(native),
    }
    return ProviderKind(name, base_url, _CHAT, key_header, Format.OPENAI, dialects, note)


# https://docs.mistral.ai/api: unknown fields are refused with 422, and a stream's last chunk
# carries the usage.
_MISTRAL = Quirks(
    takes_stream_options=False,
    renames={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
    drops=frozenset(("user",)),
)
# https://platform.openai.com/docs/api-reference/chat/create: max_tokens is deprecated, and models
# that reason refuse it.
_OPENAI = Quirks(max_tokens="max_completion_tokens")

_ENTRIES = (
    _speaks_openai("openai", "https://api.openai.com/v1", "OpenAI", quirks=_OPENAI),
    ProviderKind(
        name="anthropic",
        base_url="https://api.anthropic.com/v1",
        path="/messages",
        key_header=lambda api_key: ("x-api-key", api_key),
        native=Format.ANTHROPIC,
        dialects={
            Format.ANTHROPIC: AnthropicDialect(),
            Format.OPENAI: AnthropicProviderForOpenAI(),
        },
        note="Anthropic",
        fixed_headers={"anthropic-version": _ANTHROPIC_VERSION},
    ),
    _speaks_openai(
        "azure-openai",
        None,
        "Azure OpenAI, its v1 API: https://<resource>.openai.azure.com/openai/v1",
        key_header=lambda api_key: ("api-key", api_key),
        quirks=_OPENAI,
    ),
    _speaks_openai("groq", "https://api.groq.com/openai/v1", "Groq"),
    _speaks_openai("mistral", "https://api.mistral.ai/v1", "Mistral", quirks=_MISTRAL),
    _speaks_openai("huggingface", "https://router.huggingface.co/v1", "Hugging Face's router"),
    _speaks_openai("vllm", None, "vLLM's server"),
    _speaks_openai("ollama", None, "Ollama's server: http://<host>:11434/v1"),
    _speaks_openai("openai-compatible", None, "any other server of OpenAI's chat completions"),
)

CATALOGUE: Mapping[str, ProviderKind] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def kind_named(name: str, provider: str) -> ProviderKind:
    """The entry called `name`, asked for by the settings of `provider`.

    Raises:
        SettingsError: there is none.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        allowed = ", ".join(CATALOGUE)
        raise SettingsError(
            f"providers.{provider}.kind: '{name}' is not in the catalogue; allowed: {allowed}"
        ) from None
