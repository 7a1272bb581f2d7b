"""The kinds of providers that the gateway knows: its catalogue has them, environments name them.

And what a target may lack.
"""

from typing import Literal, TypeAlias, get_args

__all__ = ["KINDS", "KINDS_WITHOUT_ADDRESS", "Capability", "ProviderKindName"]

ProviderKindName: TypeAlias = Literal[
    "openai",
    "anthropic",
    "azure-openai",
    "groq",
    "mistral",
    "gemini",
    "deepseek",
    "moonshot",
    "huggingface",
    "vllm",
    "ollama",
    "openai-compatible",
]
KINDS: tuple[str, ...] = get_args(ProviderKindName)
KINDS_WITHOUT_ADDRESS = frozenset(("azure-openai", "vllm", "ollama", "openai-compatible"))
"""Those that everybody runs at another address: their base_url is required."""

Capability: TypeAlias = Literal["tools", "images", "json_schema"]
