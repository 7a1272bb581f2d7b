"""The kinds of providers that the gateway supports and environments name.

And the capabilities that a target may lack.
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
"""Kinds without a common public address: their base_url is required."""

Capability: TypeAlias = Literal["tools", "images", "json_schema"]
