import json

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import API_KEY, Gateway, Simulator, http_request


def test_a_plain_completion_passes_through(gateway: Gateway, model: str) -> None:
    answer = gateway.chat(model)
    assert answer.status == 200
    assert answer.json()["choices"][0]["finish_reason"] == "stop"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-seawall-provider"] == "alpha"


def test_a_streamed_completion_has_the_headers_that_clients_and_proxies_need(
    gateway: Gateway, model: str
) -> None:
    answer = gateway.chat(model, stream=True)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers


def test_a_stream_begins_with_the_role_and_ends_with_done(gateway: Gateway, model: str) -> None:
    events = gateway.chat(model, stream=True).events()
    assert json.loads(events[0])["choices"][0]["delta"]["role"] == "assistant"
    assert json.loads(events[-2])["choices"][0]["finish_reason"] == "stop"
    assert events[-1] == "[DONE]"


def test_usage_is_requested_upstream_and_stripped_unless_the_client_asked(
    gateway: Gateway, alpha: Simulator, model: str
) -> None:
    events = gateway.chat(model, stream=True).events()
    assert all(json.loads(event)["choices"] for event in events[:-1]), "a usage chunk came through"
    assert json.loads(alpha.state()["last_body"])["stream_options"] == {"include_usage": True}


def test_a_client_that_asks_for_usage_gets_exactly_one_usage_chunk(
    gateway: Gateway, model: str
) -> None:
    answer = gateway.chat(model, stream=True, stream_options={"include_usage": True})
    chunks = [json.loads(event) for event in answer.events()[:-1]]
    usage = [chunk for chunk in chunks if not chunk["choices"]]
    assert len(usage) == 1
    assert usage[0]["usage"]["total_tokens"] == 20


def test_unknown_fields_are_passed_on_byte_for_byte(
    gateway: Gateway, alpha: Simulator, model: str
) -> None:
    strange = '{ "a" : [1.0, 1e400, "\\u00e9"],"b":null }'
    gateway.post(f'{{"model": "{model}", "messages": [], "x_new": {strange}}}'.encode())
    assert strange in alpha.state()["last_body"], "a number or an escape was written anew"


def test_only_the_model_is_replaced_by_the_target(
    gateway: Gateway, alpha: Simulator, model: str
) -> None:
    gateway.chat(model)
    assert json.loads(alpha.state()["last_body"])["model"] == model.replace("model", "sim")


def test_client_can_name_a_target_directly(gateway: Gateway) -> None:
    answer = gateway.chat("beta/sim-0")
    assert answer.headers["x-seawall-provider"] == "beta"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"messages": []}', "model"),
        (b'{"model": 7}', "model"),
        (b'{"model": "\xff\xfe"}', "model"),
        (b'{"model": "model-0", "\xff": 1}', None),
        (b"[" * 100_000, None),
        (b'{"model": "model-0", "stream": "yes"}', "stream"),
        (b'{"model": "model-0", "stream_options": 1}', "stream_options"),
    ],
)
def test_invalid_body_is_a_400_that_names_the_field(
    gateway: Gateway, body: bytes, param: str | None
) -> None:
    answer = gateway.post(body)
    assert answer.status == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param


def test_an_unknown_model_is_a_404_in_openais_shape(gateway: Gateway) -> None:
    answer = gateway.chat("no-such-model")
    assert answer.status == 404
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == "model_not_found"


def test_valid_request_id_is_kept_and_an_invalid_one_is_replaced(gateway: Gateway) -> None:
    body = b'{"model": "model-0", "messages": []}'
    assert gateway.post(body, x_request_id="abc-1").headers["x-request-id"] == "abc-1"
    replaced = gateway.post(body, x_request_id="not one word").headers["x-request-id"]
    assert len(replaced) == 32


def test_every_refusal_has_a_request_id(gateway: Gateway) -> None:
    for method, path in (("GET", "/chat/completions"), ("GET", "/nothing"), ("POST", "/models")):
        answer = http_request(method, gateway.url + path)
        assert answer.status in (404, 405)
        assert answer.headers["x-request-id"]
        assert answer.json()["error"]["code"] == "unknown_url"


def test_a_405_names_the_method_that_is_served(gateway: Gateway) -> None:
    for method, path, allow in (("GET", "/chat/completions", "POST"), ("POST", "/models", "GET")):
        assert http_request(method, gateway.url + path).headers["allow"] == allow


def test_a_refusal_without_a_code_is_logged_by_its_type(gateway: Gateway) -> None:
    gateway.post(b"[]", x_request_id="find-me-2")
    wait_until(lambda: "find-me-2" in gateway.output, deadline_s=5, what="the request's log line")
    line = next(line for line in gateway.output.splitlines() if "find-me-2" in line)
    assert json.loads(line)["error"].startswith("invalid_request_error: ")


def test_models_are_listed_and_found_by_id(gateway: Gateway) -> None:
    headers = {"authorization": f"Bearer {API_KEY}"}
    listed = http_request("GET", gateway.url + "/models", headers=headers).json()
    assert "model-0" in [entry["id"] for entry in listed["data"]]
    one = http_request("GET", gateway.url + "/models/model-0", headers=headers)
    assert one.json()["id"] == "model-0"
    assert http_request("GET", gateway.url + "/models/none", headers=headers).status == 404


def test_the_log_has_one_short_line_per_request_and_no_prompt(gateway: Gateway, model: str) -> None:
    secret = "the-words-of-a-user"
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": secret}]})
    gateway.post(body.encode(), x_request_id="find-me-1")
    wait_until(
        lambda: gateway.output.count("find-me-1") == 1, deadline_s=5, what="the request's log line"
    )
    line = next(line for line in gateway.output.splitlines() if "find-me-1" in line)
    assert len(line.encode()) <= 1024
    assert json.loads(line)["provider"] == "alpha"
    assert secret not in gateway.output
    assert API_KEY not in gateway.output
