"""Mappings between the fields and values of the two formats."""

import secrets

import msgspec

from service.providers.chat_request import Usage
from service.providers.endings import end_of_completion

__all__ = [
    "anthropic_error",
    "anthropic_usage",
    "new_id",
    "openai_usage",
    "refused_with",
    "stop_reason",
]

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def openai_usage(usage: Usage) -> dict[str, object]:
    """The usage of a completion."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }


def anthropic_usage(usage: Usage) -> dict[str, object]:
    """The usage of a message; `input_tokens` does not include tokens read from the cache."""
    return {
        "input_tokens": max(0, usage.prompt - usage.cached),
        "output_tokens": usage.completion,
        "cache_read_input_tokens": usage.cached,
    }


def new_id(prefix: str) -> str:
    """A random id for an object without an id."""
    return f"{prefix}_{secrets.token_hex(12)}"


def stop_reason(finish: str | None, *, calls_a_tool: bool) -> str:
    """Anthropic's stop_reason for a finish_reason of any provider of OpenAI's format.

    A forced tool call ends with `stop` in OpenAI's format, but Anthropic's clients expect
    `tool_use`.
    """
    found = _STOP_REASONS.get(end_of_completion(finish) or "", "end_turn")
    return "tool_use" if calls_a_tool and found == "end_turn" else found


def refused_with(status: int) -> str:
    """The error message for a refusal without one."""
    return f"The provider refused the request with status {status}."


def anthropic_error(status: int, message: str, request_id: str | None = None) -> bytes:
    """An error in Anthropic's format; see https://docs.anthropic.com/en/api/errors."""
    error = {"type": _ERROR_TYPES.get(status, "api_error"), "message": message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
