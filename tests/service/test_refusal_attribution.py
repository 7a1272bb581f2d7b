"""Error messages of providers with status 4xx, and the cause that they are attributed to."""

import json

import pytest

from service.providers.refusals import (
    Blame,
    asked_wait_s,
    blame,
    mentioned,
    most_tokens,
    other_name,
    room_left,
)


def error(message: str, *, code: object = None, kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def flat(message: object, **more: object) -> object:
    return {"object": "error", "message": message, "type": "BadRequestError", "code": 400, **more}


def anthropic(message: str, kind: str = "invalid_request_error") -> object:
    return {"type": "error", "error": {"type": kind, "message": message}}


SAYINGS: dict[str, tuple[int, object, Blame]] = {
    "OpenAI, context": (400, error("x", code="context_length_exceeded"), Blame.TOO_MUCH),
    "vLLM, context": (
        400,
        flat("This model's maximum context length is 4096 tokens. You requested 5000."),
        Blame.TOO_MUCH,
    ),
    "SGLang, context": (
        400,
        flat("The input (900 tokens) is longer than the model's context length (800 tokens)."),
        Blame.TOO_MUCH,
    ),
    "SGLang, pool": (
        400,
        flat("Input length (900 tokens) exceeds the maximum allowed length (800 tokens)."),
        Blame.TOO_MUCH,
    ),
    "llama.cpp, context": (
        400,
        {"error": {"code": 400, "message": "x", "type": "exceed_context_size_error"}},
        Blame.TOO_MUCH,
    ),
    "Gemini, context": (
        400,
        [{"error": {"code": 400, "message": "The input token count (9) exceeds the maximum"}}],
        Blame.TOO_MUCH,
    ),
    "Anthropic, context": (
        400,
        anthropic("prompt is too long: 210000 tokens > 200000 maximum"),
        Blame.TOO_MUCH,
    ),
    "Anthropic, context with answer": (
        400,
        anthropic("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
        Blame.TOO_MUCH,
    ),
    "Anthropic, bytes": (413, anthropic("x", "request_too_large"), Blame.TOO_MUCH),
    "Anthropic, answer": (
        400,
        anthropic("max_tokens: 64000 > 8192, which is the maximum allowed number of tokens"),
        Blame.TOO_MUCH,
    ),
    "OpenAI, answer": (
        400,
        error("max_tokens is too large: 90000. This model supports at most 16384."),
        Blame.TOO_MUCH,
    ),
    "Groq, answer": (
        400,
        error("`max_completion_tokens` must be less than or equal to `8192`"),
        Blame.TOO_MUCH,
    ),
    "Groq, tokens per minute": (
        413,
        error("Request too large on tokens per minute (TPM)", code="rate_limit_exceeded"),
        Blame.TOO_MUCH,
    ),
    "Anthropic, credit": (
        400,
        anthropic("Your credit balance is too low to access the Anthropic API."),
        Blame.KEY,
    ),
    "Anthropic, own limit": (
        400,
        anthropic("You have reached your specified API usage limits. You will regain access on"),
        Blame.KEY,
    ),
    "OpenAI, quota": (
        429,
        error("You exceeded your current quota", code="insufficient_quota"),
        Blame.KEY,
    ),
    "DeepSeek, balance": (402, error("Insufficient Balance"), Blame.KEY),
    "Moonshot, account": (403, error("x", kind="exceeded_current_quota_error"), Blame.KEY),
    "Gemini, key": (
        400,
        [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
        Blame.KEY,
    ),
    "any, key": (401, error("Incorrect API key provided"), Blame.KEY),
    "OpenAI, model": (404, error("x", code="model_not_found"), Blame.MODEL),
    "Anthropic, model": (404, anthropic("model: old", "not_found_error"), Blame.MODEL),
    "Ollama, model": (404, error("model 'x' not found, try pulling it first"), Blame.MODEL),
    "Groq, model": (400, error("x", code="model_decommissioned"), Blame.MODEL),
    "Mistral, model": (400, flat("Invalid model: x", type="invalid_model"), Blame.MODEL),
    "a page of a proxy": (404, "<html>404 page not found</html>", Blame.MODEL),
    "gone": (410, error("x"), Blame.MODEL),
    "not for this key": (403, error("Project has no access"), Blame.PERMISSION),
    "OpenRouter, moderation": (403, error("Input was flagged"), Blame.CLIENT),
    "rate": (429, error("Rate limit reached for requests"), Blame.RATE),
    "rate told as 400": (400, error("Too many requests, slow down"), Blame.RATE),
    "no images": (400, error("This model does not support image inputs."), Blame.UNABLE),
    "Mistral, field": (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra inputs"}]},
        Blame.UNABLE,
    ),
    "a field of the client": (400, error("'messages' is a required property"), Blame.CLIENT),
    "a value of the client": (400, error("Invalid 'temperature': above 2"), Blame.CLIENT),
    "content policy": (400, error("x", code="content_policy_violation"), Blame.CLIENT),
    "nothing": (400, "", Blame.CLIENT),
    "xAI, too long": (
        400,
        flat("This model's maximum prompt length is 131072 but the request contains 537812."),
        Blame.TOO_MUCH,
    ),
    "Moonshot, too long": (
        400,
        error("Invalid request: Your request exceeded model token limit: 262144"),
        Blame.TOO_MUCH,
    ),
    "Z.ai, too long": (400, error("Prompt exceeds max length", code="1261"), Blame.TOO_MUCH),
    "vLLM, too long": (
        400,
        flat("The decoder prompt (length 40000) is longer than the maximum model length of 32768."),
        Blame.TOO_MUCH,
    ),
    "Alibaba, too long": (
        400,
        error("Range of input length should be [1, 30720]"),
        Blame.TOO_MUCH,
    ),
    "Google, a minute's quota": (
        429,
        error("You exceeded your current quota. Please retry in 34.07s.", code=429),
        Blame.RATE,
    ),
    "xAI, credits": (
        403,
        flat("Your team has either used all available credits or reached its spending limit"),
        Blame.KEY,
    ),
    "Alibaba, account": (400, error("Access denied.", code="Arrearage"), Blame.KEY),
    "Bedrock, rate": (
        400,
        flat("Too many tokens, please wait before trying again."),
        Blame.RATE,
    ),
    "Bedrock, model": (400, flat("The provided model identifier is invalid."), Blame.MODEL),
    "Hugging Face, model": (
        400,
        error("The requested model 'x' is not supported by any provider you have enabled."),
        Blame.MODEL,
    ),
    "Groq, capacity": (498, error("Flex tier capacity exceeded"), Blame.PROVIDER),
    "a dependency of the provider": (424, "", Blame.PROVIDER),
}


@pytest.mark.parametrize("name", SAYINGS)
def test_provider_refusal_is_attributed_to_its_cause(name: str) -> None:
    status, said, whose = SAYINGS[name]
    body = said if isinstance(said, str) else json.dumps(said)
    assert blame(status, body.encode()) is whose


def test_client_text_in_a_refusal_does_not_affect_attribution() -> None:
    said = {"error": {"message": "bad role", "prompt": "credit balance is too low"}}
    assert blame(400, json.dumps(said).encode()) is Blame.CLIENT


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[" * 100_000, b'{"error": ' * 50, b"a" * 10**6])
def test_attribution_accepts_any_bytes(body: bytes) -> None:
    assert blame(400, body) is Blame.CLIENT


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens", 8192),
        ("`max_tokens` must be less than or equal to `8192`, the maximum value for", 8192),
        ("max_tokens is too large: 9. This model supports at most 16384 completion tokens", 16384),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192),
        ("prompt is too long: 205000 tokens > 200000 maximum", None),
    ],
)
def test_maximum_output_tokens_are_parsed_from_the_message(words: str, most: int | None) -> None:
    assert most_tokens(json.dumps(error(words)).encode()) == most


def test_tokens_left_next_to_the_prompt_are_parsed() -> None:
    words = "your request has 21000 input tokens (32000 > 32768 - 21000). None"
    assert room_left(json.dumps(flat(words)).encode()) == 11768
    assert room_left(b"{}") is None


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please retry in 34.07s.", 34.07),
        ("Please try again in 7m12.5s. Visit", 432.5),
        ("Please try again in 250ms.", 0.25),
        ("Please wait a while.", None),
    ],
)
def test_retry_time_in_the_message_text_is_parsed(words: str, seconds: float | None) -> None:
    assert asked_wait_s(json.dumps(error(words)).encode()) == seconds


@pytest.mark.parametrize(
    "words",
    [
        "Invalid schema for function 'get_rate_limit': x",
        "Invalid schema for function 'payment_required': x",
        "Invalid schema for function 'get_context_window': x",
        "tool_choice: Tool 'model' not found",
        "max_tokens must be at least 1, got 0. Maximum is 100",
    ],
)
def test_names_chosen_by_the_client_do_not_affect_attribution(words: str) -> None:
    assert blame(400, json.dumps(error(words)).encode()) is Blame.CLIENT


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        ("Model Not Exist", Blame.MODEL),
        ("registry.ollama.ai/library/gemma:2b does not support tools", Blame.UNABLE),
        ("This model is only supported in v1/responses", Blame.UNABLE),
        ('"auto" tool choice requires --enable-auto-tool-choice', Blame.UNABLE),
        (
            'Invalid JSON payload received. Unknown name "metadata": Cannot find field.',
            Blame.UNABLE,
        ),
        ("API Key not found. Please pass a valid API key.", Blame.KEY),
        ("Missing reasoning_content field in the assistant message", Blame.UNABLE),
        ("Failed to call a function. Please adjust your prompt.", Blame.PROVIDER),
        ("upstream connect error or disconnect/reset before headers", Blame.PROVIDER),
    ],
)
def test_further_provider_messages_are_attributed_to_their_cause(words: str, whose: Blame) -> None:
    assert blame(400, json.dumps(error(words)).encode()) is whose


def test_refused_field_is_matched_as_a_whole_word() -> None:
    assert mentioned(json.dumps(error("bad 'thinking' here")).encode(), ["thinking"])
    tool = json.dumps(error("bad tool mcp__sequential-thinking__think")).encode()
    assert not mentioned(tool, ["thinking"])
    assert mentioned(
        json.dumps({"error": {"param": "stream", "message": "x"}}).encode(), ["stream"]
    )


def test_suggested_replacement_of_a_field_is_parsed() -> None:
    words = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead."
    )
    body = json.dumps(error(words)).encode()
    assert other_name(body) == ("max_tokens", "max_completion_tokens")
