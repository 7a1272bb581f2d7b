"""Secrets are in Secrets, and nowhere else."""

import json

from contract import paths
from tests.infra.environments import Platform, pod_spec


def test_secret_volumes_have_mode_0440(platform: Platform) -> None:
    for item in platform.pods:
        for volume in pod_spec(item)["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, item.name


def test_secret_values_appear_only_in_secrets(platform: Platform) -> None:
    leaks = [
        f"{item.kind} {item.name}"
        for item in platform.registrations
        if item.kind != "Secret" and "placeholder-" in json.dumps(item.inputs, default=str)
    ]
    assert leaks == []


def test_data_of_every_secret_is_a_pulumi_secret(platform: Platform) -> None:
    open_ones = [item.name for item in platform.all("Secret") if "stringData" not in item.sealed]
    assert open_ones == [], "it would stand in the state in plain text"


def test_client_keys_reach_the_pods_as_hashes_only(platform: Platform) -> None:
    data = platform.one("Secret", "gateway-secrets").inputs["stringData"]
    assert "placeholder-api-key-local" not in json.dumps(data)
    (entry,) = json.loads(data[paths.API_KEYS_FILE])["keys"]
    assert entry["id"] == "local"
    assert len(entry["sha256"]) == 64


def test_gateway_secret_contains_only_the_credentials_it_needs(platform: Platform) -> None:
    data = platform.one("Secret", "gateway-secrets").inputs["stringData"]
    assert set(data) == {
        paths.API_KEYS_FILE,
        paths.REDIS_APP_PASSWORD_FILE,
        paths.SENTINEL_PASSWORD_FILE,
        "provider-alpha",
        "provider-beta",
    }
