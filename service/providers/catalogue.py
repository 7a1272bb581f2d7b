"""The provider catalogue: one entry per kind of provider.

A new provider is one entry here. A new wire format is one module in `dialects`, named by an entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.errors import SettingsError
from service.providers.dialect import Dialect
from service.providers.dialects.openai import OpenAIDialect

__all__ = ["CATALOGUE", "ProviderKind", "kind_named"]


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What every provider of this kind has in common."""

    name: str
    dialect: Dialect
    note: str


_ENTRIES = (
    ProviderKind(
        name="openai-compatible",
        dialect=OpenAIDialect(),
        note="any server of OpenAI's chat completions API: OpenAI itself, vLLM, Ollama and others",
    ),
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
