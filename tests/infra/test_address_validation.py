"""Environments and the starting gateway accept and refuse the same addresses."""

from urllib.parse import urlsplit

import pytest
import requests
import yarl
from pydantic import BaseModel, ValidationError

from contract.addresses import check_base_url
from infra.config import Provider, Tracing
from infra.parsing import ConfigError, parse
from service import settings as service
from service.errors import SettingsError
from service.settings import parse_settings
from tests.infra.environments import Values, changed

GOOD = (
    "https://api.example/v1",
    "http://simulator-alpha:8090/v1",
    "http://gateway_1:1",
    "https://API.example/v1/",
    "https://api.example:65535",
    "https://resource.openai.azure.com/openai/v1",
    "http://collector.observability.svc.cluster.local.:4318",
    "http://10.0.0.1/v1",
    "http://[2001:db8::1]:8090/v1",
    "https://xn--bcher-kva.example/v1",
    "https://api.example/accounts/a@b/v1;x=%20,(1)",
)
BAD = (
    ("HTTPS://api.example/v1", "in lower case"),
    ("Http://api.example", "in lower case"),
    ("", "does not begin with http:// or https://"),
    ("api.example/v1", "does not begin with http:// or https://"),
    ("collector:4318", "does not begin with http:// or https://"),
    ("ftp://api.example", "does not begin with http:// or https://"),
    ("http:/api.example", "does not begin with http:// or https://"),
    ("https://api.example/v1?key=hunter2", "leave out what begins with ?"),
    ("https://api.example?", "leave out what begins with ?"),
    ("https://api.example/v1#hunter2", "or #"),
    ("https://user:hunter2@api.example", "leave out what ends with @"),
    ("https://hunter2@api.example", "leave out what ends with @"),
    ("https://@api.example", "leave out what ends with @"),
    ("https://user:hun@ter2/@api.example", "leave out what ends with @"),
    ("https://", "has no valid host"),
    ("https:///v1", "has no valid host"),
    ("https://:443/v1", "has no valid host"),
    ("https://-api.example", "has no valid host"),
    ("https://api..example", "has no valid host"),
    ("https://api.example\\@evil", "leave out what ends with @"),
    ("https://api\\.example", "has no valid host"),
    ("https://a%62c.example", "has no valid host"),
    (f"https://{'a' * 64}.example", "has no valid host"),
    (f"https://{'a.' * 130}example", "has no valid host"),
    ("https://127.1/v1", "has no valid host"),
    ("https://10.0.0.256/v1", "has no valid host"),
    ("https://2130706433/v1", "has no valid host"),
    ("https://0x7f000001/v1", "has no valid host"),
    ("https://::1/v1", "has no valid host"),
    ("https://[::1/v1", "has no valid host"),
    ("https://[::1]x/v1", "has no valid host"),
    ("https://[fe80::1%eth0]/v1", "has no valid host"),
    ("https://[10.0.0.1]/v1", "has no valid host"),
    ("https://api.example:/v1", "has no valid port"),
    ("https://api.example:0/v1", "has no valid port"),
    ("https://api.example:65536", "has no valid port"),
    ("https://api.example:https", "has no valid port"),
    ("https://api.example:80:80", "has no valid port"),
    ("https://api.example/a b", "has a space"),
    (" https://api.example", "has a space"),
    ("https://api.example\n", "has a space"),
    ("\x01https://api.example", "has a space"),
    ("https://b\u00fccher.example", "xn--"),
    ("https://api.example:\u0668\u0660", "not ASCII"),
    ("https://api.example/{model}", "write them as %XX"),
    ("https://api.example/100%", "write them as %XX"),
)


def reasons(model: type[BaseModel], values: dict[str, object]) -> str:
    """Why the model refuses the values; empty if it accepts them."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        return "; ".join(fault["msg"] for fault in error.errors())
    return ""


def both(address: str) -> list[str]:
    """The errors of infra and the gateway for a provider and a trace collector at the address."""
    provider: dict[str, object] = {"kind": "openai-compatible", "base_url": address}
    inside = {"namespace": {"kubernetes.io/metadata.name": "observability"}}
    return [
        reasons(Provider, provider),
        reasons(service.Provider, provider),
        reasons(Tracing, {"endpoint": address, **inside}),
        reasons(service.TracingSettings, {"endpoint": address}),
    ]


@pytest.mark.parametrize("address", GOOD)
def test_infra_and_gateway_accept_valid_addresses(address: str) -> None:
    assert both(address) == [""] * 4
    assert check_base_url(address) == address
    place = urlsplit(address)
    port = place.port or {"http": 80, "https": 443}[place.scheme]
    # The HTTP client for providers, and the one that exports traces.
    asked = yarl.URL(address.rstrip("/") + "/chat/completions")
    assert (asked.raw_host, asked.port) == (place.hostname, port)
    assert asked.path.endswith("/chat/completions")
    sent = urlsplit(str(requests.Request("POST", address + "/v1/traces").prepare().url))
    assert (sent.hostname, sent.port) == (place.hostname, place.port)


@pytest.mark.parametrize(("address", "part"), BAD)
def test_infra_and_gateway_refuse_invalid_addresses_with_the_same_message(
    address: str, part: str
) -> None:
    said = both(address)
    assert len(set(said)) == 1, said
    assert "must be an http or https URL, such as https://api.example/v1; this one" in said[0]
    assert part in said[0]


@pytest.mark.parametrize("address", [address for address, _ in BAD if "hun" in address])
def test_error_for_an_invalid_address_hides_possible_secrets(values: Values, address: str) -> None:
    for key, value in (
        ("gateway.providers.alpha.base_url", address),
        ("gateway.tracing", {"endpoint": address}),
    ):
        with pytest.raises(ConfigError, match=r"is wrong: must be an http or https URL") as told:
            parse(changed(values, key, value))
        assert "\n" not in str(told.value)
        assert "hun" not in str(told.value)
        assert "ter2" not in str(told.value)
    text = f"providers: {{a: {{kind: vllm, base_url: {address!r}}}}}\nmodels: {{}}"
    with pytest.raises(SettingsError, match=r"providers\.a\.base_url: must be .*, got '") as raised:
        parse_settings(text, "test")
    assert "hun" not in str(raised.value)
    assert "ter2" not in str(raised.value)
