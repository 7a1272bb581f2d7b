"""The provider catalogue: one entry per kind of provider.

A new provider needs one entry here. A new wire format needs one module in `dialects`, which an
entry names.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.errors import SettingsError
from service.providers.chat_request import Format
from service.providers.dialect import Dialect
from service.providers.dialects.anthropic import AnthropicDialect
from service.providers.dialects.gathering import CompletionGatherer, Gatherer, MessageGatherer
from service.providers.dialects.openai import OpenAIDialect
from service.providers.dialects.quirks import CallIds, Quirks
from service.providers.translation.anthropic_to_openai import AnthropicProviderForOpenAI
from service.providers.translation.openai_to_anthropic import OpenAIProviderForAnthropic

__all__ = ["CATALOGUE", "ProviderKind", "kind_named"]

_CHAT = "/chat/completions"
_ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """The properties that all providers of one kind share."""

    name: str
    base_url: str | None
    """The public base URL; None when each provider of the kind has its own."""
    path: str
    """The path of a chat request, below the base URL."""
    key_header: Callable[[str], tuple[str, str]]
    """The header that carries the API key."""
    native: Format
    """The API format of the provider."""
    dialects: Mapping[Format, Dialect]
    """The dialect by the client's API format."""
    note: str
    fixed_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    ask_for_streams: bool = False
    """Whether its streams contain everything that its whole answers do."""

    def gatherer(self) -> Gatherer:
        """Make a gatherer, which assembles one stream into a whole answer."""
        return MessageGatherer() if self.native is Format.ANTHROPIC else CompletionGatherer()

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Headers of every request: the key, and no compression, which would have to be undone."""
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
    ask_for_streams: bool = True,
) -> ProviderKind:
    native = OpenAIDialect(quirks or _COMPATIBLE)
    dialects: dict[Format, Dialect] = {
        Format.OPENAI: native,
        Format.ANTHROPIC: OpenAIProviderForAnthropic(native),
    }
    return ProviderKind(
        name,
        base_url,
        _CHAT,
        key_header,
        Format.OPENAI,
        dialects,
        note,
        ask_for_streams=ask_for_streams,
    )


_NO_DEVELOPER = {"developer": "system"}
"""For servers that only know OpenAI's older role; the newer one means the same."""
# https://docs.mistral.ai/api: unknown fields are refused with 422, and a stream's last chunk
# carries the usage.
_MISTRAL = Quirks(
    takes_stream_options=False,
    renames={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
    knows=frozenset(
        (
            *("model", "messages", "stream", "temperature", "top_p", "max_tokens", "stop", "n"),
            *("random_seed", "response_format", "tools", "tool_choice", "parallel_tool_calls"),
            *("presence_penalty", "frequency_penalty", "prediction", "prompt_mode", "metadata"),
            *("safe_prompt", "reasoning_effort", "prompt_cache_key", "guardrails"),
        )
    ),
    roles=_NO_DEVELOPER,
    knows_in_messages=frozenset(
        ("role", "content", "tool_calls", "tool_call_id", "name", "prefix"),
    ),
    names_tools_only=True,
    ids=CallIds(re.compile("[a-zA-Z0-9]{9}"), 9),
    user_follows_tool=False,
    prefixes=True,
    takes_empty_answers=False,
)
# https://console.groq.com/docs/api-reference#chat-create: Groq refuses other fields of messages.
_GROQ = Quirks(
    roles=_NO_DEVELOPER,
    knows_in_messages=frozenset(
        ("role", "content", "tool_calls", "tool_call_id", "name", "reasoning"),
    ),
)
_COMPATIBLE = Quirks(roles=_NO_DEVELOPER, marks_caches=True, wants_thoughts=True)
# https://api-docs.deepseek.com/guides/thinking_mode and
# https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
_THOUGHTFUL = Quirks(
    roles=_NO_DEVELOPER, wants_thoughts=True, misses_thoughts=True, takes_empty_answers=False
)
_GEMINI = Quirks(roles=_NO_DEVELOPER, signs_calls=True, takes_empty_answers=False)
# https://platform.openai.com/docs/api-reference/chat/create: max_tokens is deprecated, and
# reasoning models refuse it.
_OPENAI = Quirks(
    is_openais=True,
    max_tokens="max_completion_tokens",
    not_in_messages=frozenset(("reasoning_content", "reasoning")),
    ids=CallIds(re.compile(".{1,40}", re.DOTALL), 40),
)

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
        ask_for_streams=True,
    ),
    _speaks_openai(
        "azure-openai",
        None,
        "Azure OpenAI, its v1 API: https://<resource>.openai.azure.com/openai/v1",
        key_header=lambda api_key: ("api-key", api_key),
        quirks=_OPENAI,
    ),
    _speaks_openai("groq", "https://api.groq.com/openai/v1", "Groq", quirks=_GROQ),
    _speaks_openai("mistral", "https://api.mistral.ai/v1", "Mistral", quirks=_MISTRAL),
    _speaks_openai(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "Google Gemini",
        quirks=_GEMINI,
    ),
    _speaks_openai("deepseek", "https://api.deepseek.com", "DeepSeek", quirks=_THOUGHTFUL),
    _speaks_openai("moonshot", "https://api.moonshot.ai/v1", "Moonshot AI", quirks=_THOUGHTFUL),
    # The streams of some of these servers lack something: tool calls are cut, or usage is missing.
    *(
        _speaks_openai(name, base_url, note, ask_for_streams=False)
        for name, base_url, note in (
            ("huggingface", "https://router.huggingface.co/v1", "Hugging Face's router"),
            ("vllm", None, "vLLM's server"),
            ("ollama", None, "Ollama's server: http://<host>:11434/v1"),
            ("openai-compatible", None, "any other server of OpenAI's chat completions"),
        )
    ),
)

CATALOGUE: Mapping[str, ProviderKind] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def kind_named(name: str, provider: str) -> ProviderKind:
    """The catalogue entry `name`, which the settings of `provider` name.

    Raises:
        SettingsError: the catalogue has no such entry.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        allowed = ", ".join(CATALOGUE)
        raise SettingsError(
            f"providers.{provider}.kind: '{name}' is not in the catalogue; allowed: {allowed}"
        ) from None
