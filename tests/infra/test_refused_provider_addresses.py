"""Providers in denied networks and values that JSON cannot represent are refused in one line."""

from datetime import date

import pytest

from infra.parsing import parse
from tests.infra.environments import Values, changed, complete, refusal


@pytest.mark.parametrize(
    ("url", "block"),
    [
        ("https://10.1.2.3/v1", "10.0.0.0/8"),
        ("https://127.0.0.1/v1", "127.0.0.0/8"),
        ("https://169.254.169.254/v1", "169.254.0.0/16"),
    ],
)
def test_provider_address_in_a_denied_block_is_refused(url: str, block: str) -> None:
    values = changed(complete("dev"), "gateway.providers.groq.base_url", url)
    assert refusal(values) == (
        f'seawall:gateway.providers.groq.base_url = "{url}" lies in {block}, which '
        "seawall:network.never closes; narrow that, or use seawall:network.egress_proxy"
    )
    proxy = {"block": "10.0.0.9/32", "port": 443}
    parse(changed(values, "network.egress_proxy", proxy))


def test_metadata_address_is_refused_as_a_provider() -> None:
    values = changed(complete("dev"), "network.never", ["10.0.0.0/8"])
    parse(changed(values, "gateway.providers.groq.base_url", "https://192.0.2.7/v1"))
    url = "https://169.254.169.254/v1"
    message = refusal(changed(values, "gateway.providers.groq.base_url", url))
    assert "lies in 169.254.169.254/32" in message


def _circular() -> dict[str, object]:
    circle: dict[str, object] = {}
    circle["again"] = circle
    return circle


@pytest.mark.parametrize(
    "value",
    [b"bytes", {1, 2}, date(2030, 1, 1), {("a", "b"): 1}, _circular()],
    ids=["bytes", "set", "date", "tuple-as-key", "circular"],
)
def test_value_that_json_cannot_represent_is_one_line_with_its_key(
    values: Values, value: object
) -> None:
    message = refusal({**values, "seawall:images": value})
    assert message.startswith("seawall:images has a value that JSON cannot represent (")
