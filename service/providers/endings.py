"""Whether an answer is complete: the finish reasons of providers, in a table for each format.

An answer is complete when its finish reason is in these tables. A missing, empty or unknown finish
reason means that it is incomplete, streamed or not, because a partial answer must not pass for a
complete one. The finish reasons by which providers report a failure are left out on purpose:
`error` (Mistral, OpenRouter), `abort` (vLLM, SGLang), `insufficient_system_resource` (DeepSeek) and
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
        # of servers that translate Anthropic's or Google's finish reasons only in part
        "end_turn": "stop",
        "max_tokens": "length",
        "tool_use": "tool_calls",
        "safety": "content_filter",
        "recitation": "content_filter",
    }
)
"""OpenAI's finish_reason by a provider's finish_reason in lower case."""
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
"""OpenAI's finish_reason by Anthropic's stop_reason."""


def end_of_completion(finish_reason: str | None) -> str | None:
    """OpenAI's finish_reason for a choice of OpenAI's format; None when it is incomplete.

    Some servers append a detail: `content_filter: RECITATION`.
    """
    if not finish_reason:
        return None
    known = _COMPLETION.get(finish_reason)
    return known or _COMPLETION.get(finish_reason.partition(":")[0].strip().lower())


def end_of_message(stop_reason: str | None) -> str | None:
    """OpenAI's finish_reason for a message of Anthropic's format; None when it is incomplete."""
    return _MESSAGE.get(stop_reason) if stop_reason else None
