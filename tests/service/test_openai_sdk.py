"""OpenAI's official SDK, unchanged, as application developers use it."""

from collections.abc import Generator

import openai
import pytest

from tests.service.kit import API_KEY, Gateway, Simulator


@pytest.fixture
def client(gateway: Gateway) -> Generator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url, api_key=API_KEY, max_retries=0) as made:
        yield made


def test_the_sdk_reads_a_plain_completion(client: openai.OpenAI, model: str) -> None:
    completion = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hello"}]
    )
    assert "provider simulator" in (completion.choices[0].message.content or "")


def test_the_sdk_reads_a_streamed_completion(client: openai.OpenAI, model: str) -> None:
    stream = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hello"}], stream=True
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "provider simulator" in text


def test_sdk_raises_for_a_broken_stream(
    client: openai.OpenAI, model: str, alpha: Simulator
) -> None:
    alpha.fault("cut_mid_stream", after=3)
    stream = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hello"}], stream=True
    )
    with pytest.raises(openai.APIError, match="not complete"):
        list(stream)


def test_the_sdk_raises_its_own_error_for_an_unknown_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(
            model="no-such-model", messages=[{"role": "user", "content": "hello"}]
        )
    assert raised.value.code == "model_not_found"


def test_the_sdk_lists_models(client: openai.OpenAI) -> None:
    assert "model-0" in [entry.id for entry in client.models.list()]
