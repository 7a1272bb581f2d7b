"""Whether an answer is whole: the words by which providers end one, in a table for each format.

An answer is whole when it ends with a word that stands here. No word, an empty one and an unknown
one are no end, for plain and for streamed answers alike: half an answer must not pass for a whole
one. Among the words that end nothing are those by which providers say that they gave up: `error`
(Mistral, OpenRouter), `abort` (vLLM, SGLang), `insufficient_system_resource` (DeepSeek) and
`network_error` (Z.ai).
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["end_of_completion", "end_of_message"]

_COMPLETION: Mapping[str, str] = MappingProxyType(
    {
        # https://platform.openai.com/docs/api-reference/chat/object
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "function_call": "function_call",
        "content_filter": "content_filter",
        # https://docs.mistral.ai/api: the model's own limit, not the request's
        "model_length": "length",
        # https://huggingface.co/docs/text-generation-inference/reference/api_reference
        "eos_token": "stop",
        "stop_sequence": "stop",
        # https://docs.z.ai/api-reference/llm/chat-completion
        "sensitive": "content_filter",
        # of servers that translate Anthropic's or Google's words in part
        "end_turn": "stop",
        "max_tokens": "length",
        "tool_use": "tool_calls",
        "safety": "content_filter",
        "recitation": "content_filter",
    }
)
"""By finish_reason, in lower case: OpenAI's own word for it."""
_MESSAGE: Mapping[str, str] = MappingProxyType(
    {
        # https://docs.anthropic.com/en/api/handling-stop-reasons
        "end_turn": "stop",
        "stop_sequence": "stop",
        "pause_turn": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
    }
)
"""By stop_reason: OpenAI's finish_reason for it."""


def end_of_completion(finish_reason: str | None) -> str | None:
    """How a choice of OpenAI's format ended, in OpenAI's own words; None when it has not.

    Some servers write a detail behind the word: `content_filter: RECITATION`.
    """
    if not finish_reason:
        return None
    known = _COMPLETION.get(finish_reason)
    return known or _COMPLETION.get(finish_reason.partition(":")[0].strip().lower())


def end_of_message(stop_reason: str | None) -> str | None:
    """How a message of Anthropic's format ended, as OpenAI's finish_reason; None when not."""
    return _MESSAGE.get(stop_reason) if stop_reason else None
