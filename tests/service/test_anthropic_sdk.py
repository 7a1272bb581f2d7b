"""Anthropic's official SDK, unchanged, with providers of its own format and of OpenAI's."""

import json
from collections.abc import Generator
from pathlib import Path

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.service.kit import API_KEY, FAST_TIMEOUTS, Gateway, Simulator, provider_of

pytestmark = [pytest.mark.servers]

HELLO: list[MessageParam] = [{"role": "user", "content": "hello"}]
TOOL: ToolParam = {"name": "clock", "input_schema": {"type": "object", "properties": {}}}
MODELS = 40


@pytest.fixture(scope="module", params=["anthropic", "openai-compatible"])
def served_by(
    request: pytest.FixtureRequest,
    simulators: tuple[Simulator, Simulator],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Gateway]:
    """A gateway with providers of a single kind."""
    kind: str = request.param
    gateway = Gateway(
        tmp_path_factory.mktemp(kind),
        simulators,
        models=MODELS,
        timeouts=FAST_TIMEOUTS,
        providers={simulator.name: provider_of(simulator, kind) for simulator in simulators},
    )
    yield gateway
    gateway.stop()


@pytest.fixture
def client(served_by: Gateway, alpha: Simulator, beta: Simulator) -> Generator[anthropic.Anthropic]:
    del alpha, beta
    base_url = served_by.url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key=API_KEY, max_retries=0) as made:
        yield made


def test_a_plain_message_is_read(client: anthropic.Anthropic, model: str) -> None:
    message = client.messages.create(model=short(model), max_tokens=64, messages=HELLO)
    assert message.content[0].type == "text"
    assert "provider simulator" in message.content[0].text
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (8, 12)


def test_a_streamed_message_is_read(client: anthropic.Anthropic, model: str) -> None:
    with client.messages.stream(model=short(model), max_tokens=64, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert "provider simulator" in text
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 12
    assert message.model.startswith("sim-")


@pytest.mark.parametrize("kind", ["hang", "refuse", "html_200", "malformed_event", "error_event"])
def test_stream_that_fails_before_its_first_content_is_answered_by_another_provider(
    client: anthropic.Anthropic, model: str, alpha: Simulator, kind: str
) -> None:
    alpha.fault(kind)
    with client.messages.stream(model=short(model), max_tokens=64, messages=HELLO) as stream:
        assert "provider simulator" in "".join(stream.text_stream)
    assert alpha.state()["faulted"][kind]


@pytest.mark.parametrize("how", ["end", "reset"])
def test_broken_stream_raises_api_error_in_the_sdk(
    client: anthropic.Anthropic, model: str, alpha: Simulator, how: str
) -> None:
    alpha.fault("cut_mid_stream", after=3, how=how)
    with (
        pytest.raises(anthropic.APIError, match="not complete"),
        client.messages.stream(model=short(model), max_tokens=64, messages=HELLO) as stream,
    ):
        list(stream.text_stream)


def test_provider_refusal_keeps_its_error_message(
    client: anthropic.Anthropic, model: str, alpha: Simulator
) -> None:
    alpha.fault("content_filter")
    with pytest.raises(anthropic.BadRequestError, match="simulated safety system"):
        client.messages.create(model=short(model), max_tokens=64, messages=HELLO)


def test_all_providers_failing_is_a_529_overloaded_error(
    client: anthropic.Anthropic, model: str, alpha: Simulator, beta: Simulator
) -> None:
    alpha.fault("status", code=500)
    beta.fault("status", code=500)
    with pytest.raises(anthropic.APIStatusError) as raised:
        client.messages.create(model=short(model), max_tokens=64, messages=HELLO)
    assert raised.value.status_code == 529
    assert raised.value.response.headers["retry-after"]
    assert raised.value.body == {
        "type": "error",
        "error": {
            "type": "overloaded_error",
            "message": f"No provider of '{short(model)}' could answer (last: http_5xx).",
        },
        "request_id": raised.value.response.headers["x-request-id"],
    }


def test_an_unknown_model_is_not_found(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="no-such-model"):
        client.messages.create(model="no-such-model", max_tokens=64, messages=HELLO)


def test_a_wrong_key_is_an_authentication_error(served_by: Gateway) -> None:
    base_url = served_by.url.removesuffix("/v1")
    with (
        anthropic.Anthropic(base_url=base_url, api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model="model-0", max_tokens=64, messages=HELLO)


def test_models_are_listed(client: anthropic.Anthropic) -> None:
    assert "model-0" in [model.id for model in client.models.list()]


def test_provider_receives_the_request_in_its_own_format(
    client: anthropic.Anthropic, model: str, alpha: Simulator, served_by: Gateway
) -> None:
    client.messages.create(
        model=short(model),
        max_tokens=64,
        system="Be brief.",
        messages=HELLO,
        tools=[TOOL],
        extra_headers={"anthropic-beta": "some-feature"},
    )
    state = alpha.state()
    body = json.loads(state["last_body"])
    if "anthropic" in served_by.folder.name:
        assert body["system"] == "Be brief."
        assert body["tools"] == [TOOL]
        assert state["last_headers"]["anthropic-beta"] == "some-feature"
        assert state["last_headers"]["anthropic-version"]
    else:
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert body["tools"][0]["function"]["name"] == "clock"
        assert "anthropic-beta" not in state["last_headers"]


def short(model: str) -> str:
    """A model of this module's gateways, which have fewer models."""
    return f"model-{int(model.removeprefix('model-')) % MODELS}"


def test_openai_clients_are_answered_by_a_provider_with_the_anthropic_format(
    simulators: tuple[Simulator, Simulator], folder: Path
) -> None:
    alpha, beta = simulators
    alpha.heal()
    providers = {
        alpha.name: provider_of(alpha, "anthropic"),
        beta.name: provider_of(beta, "anthropic"),
    }
    gateway = Gateway(folder, simulators, providers=providers)
    try:
        plain = gateway.chat().json()
        assert "provider simulator" in plain["choices"][0]["message"]["content"]
        assert plain["usage"]["total_tokens"] == 20
        events = gateway.chat(stream=True, stream_options={"include_usage": True}).events()
        assert events[-1] == "[DONE]"
        chunks = [json.loads(event) for event in events[:-1]]
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        assert chunks[-1]["usage"]["completion_tokens"] == 12
        assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
        assert gateway.metric('seawall_tokens_total{kind="prompt",provider="alpha"}') == 16
    finally:
        gateway.stop()
