"""Secrets in a store: pods mount the same files, and the program sees no value."""

import hashlib
import json
import re
from typing import Any

import pytest

from contract import paths
from infra.resources import Resource
from tests.infra.environments import (
    Platform,
    Values,
    annotations,
    changed,
    complete,
    platform_of,
    pod_spec,
)

ROLE = "arn:aws:iam::000000000000:role/seawall"
AWS = {"kind": "aws-secrets-manager", "region": "eu-west-1", "prefix": "seawall/prod/"}


def of_kind(platform: Platform, kind: str) -> list[Resource]:
    return [item for item in platform.registrations if item.inputs.get("kind") == kind]


def external(platform: Platform, name: str) -> dict[str, Any]:
    (found,) = [item for item in of_kind(platform, "ExternalSecret") if item.name == name]
    return dict(found.inputs)


def store(platform: Platform) -> dict[str, Any]:
    (found,) = of_kind(platform, "SecretStore")
    return dict(found.inputs)


def rendered(template: str, values: dict[str, str]) -> str:
    """Render the two used template expressions as the operator's template engine does."""

    def replaced(found: "re.Match[str]") -> str:
        value = values[found[1]]
        return hashlib.sha256(value.encode()).hexdigest() if found[2] else value

    text = re.sub(r"\{\{ index \. `([a-z0-9-]+)`( \| sha256sum)? \}\}", replaced, template)
    assert "{{" not in text, "an expression that this test does not know"
    return text


@pytest.fixture
def vault(platforms: dict[str, Platform]) -> Platform:
    return platforms["prod"]


@pytest.fixture
def aws() -> Platform:
    return platform_of(changed(complete("prod"), "secret_store", AWS))


def test_no_secret_is_in_the_state_with_a_secret_store(vault: Platform, aws: Platform) -> None:
    for platform in (vault, aws):
        assert platform.all("Secret") == []
        assert [item.title for item in platform.registrations if item.sealed] == []
        text = json.dumps([item.inputs for item in platform.registrations])
        assert "placeholder-" not in text


def test_pods_mount_the_same_files_from_generated_and_stored_secrets(
    platforms: dict[str, Platform], values: Values
) -> None:
    generated = platforms["local"]
    in_vault = complete("prod")["seawall:secret_store"]
    stored = platform_of(changed(values, "secret_store", in_vault))
    mounted = {
        volume["secret"]["secretName"]
        for pod in stored.pods
        for volume in pod_spec(pod)["volumes"]
        if "secret" in volume
    }
    targets = {
        item.name: item.inputs["spec"]["target"] for item in of_kind(stored, "ExternalSecret")
    }
    assert mounted == {target["name"] for target in targets.values()}
    files = {name: set(target["template"]["data"]) for name, target in targets.items()}
    assert files == {item.name: set(item.inputs["stringData"]) for item in generated.all("Secret")}


def test_external_secret_manifest_matches_the_operator_schema(vault: Platform) -> None:
    manifest = external(vault, "redis-credentials")
    assert manifest["apiVersion"] == "external-secrets.io/v1"
    assert manifest["metadata"]["namespace"] == "seawall"
    spec = manifest["spec"]
    assert set(spec) == {"refreshInterval", "secretStoreRef", "target", "data"}
    assert spec["refreshInterval"] == "60s"
    assert spec["secretStoreRef"] == {
        "kind": "SecretStore",
        "name": store(vault)["metadata"]["name"],
    }
    assert spec["target"]["creationPolicy"] == "Owner"
    assert spec["target"]["template"]["engineVersion"] == "v2"
    assert {
        "secretKey": "redis-app-password",
        "remoteRef": {"key": "seawall/prod", "property": "redis-app-password"},
    } in spec["data"]


def test_refresh_interval_in_days_is_written_in_seconds() -> None:
    platform = platform_of(changed(complete("prod"), "secret_store.refresh", "1d"))
    assert external(platform, "gateway-secrets")["spec"]["refreshInterval"] == "86400s"


def test_client_keys_reach_the_pods_as_hashes_only(vault: Platform) -> None:
    spec = external(vault, "gateway-secrets")["spec"]
    template = spec["target"]["template"]
    assert template["mergePolicy"] == "Replace", "raw keys would be merged into the Secret"
    assert "api-key-default" not in template["data"]
    values = {item["secretKey"]: f"value-of-{item['secretKey']}" for item in spec["data"]}
    made = {name: rendered(text, values) for name, text in template["data"].items()}
    (entry,) = json.loads(made[paths.API_KEYS_FILE])["keys"]
    assert entry["id"] == "default"
    assert entry["sha256"] == hashlib.sha256(b"value-of-api-key-default").hexdigest()
    assert made["provider-openai"] == "value-of-provider-openai"
    assert "value-of-api-key-default" not in json.dumps(made)


def test_secret_templates_use_exactly_the_fetched_keys(vault: Platform) -> None:
    for item in of_kind(vault, "ExternalSecret"):
        spec = item.inputs["spec"]
        used = set(
            re.findall(r"index \. `([^`]+)`", json.dumps(spec["target"]["template"]["data"]))
        )
        assert used == {entry["secretKey"] for entry in spec["data"]}, item.name


def test_vault_is_accessed_with_the_bundled_service_account(vault: Platform) -> None:
    assert store(vault)["spec"] == {
        "provider": {
            "vault": {
                "server": "https://vault.vault.svc:8200",
                "path": "secret",
                "version": "v2",
                "auth": {
                    "kubernetes": {
                        "mountPath": "kubernetes",
                        "role": "seawall-prod",
                        "serviceAccountRef": {"name": "seawall-secrets"},
                    }
                },
            }
        }
    }
    account = vault.one("ServiceAccount", "seawall-secrets").inputs
    assert account["automountServiceAccountToken"] is False
    assert annotations(account) == {}


def test_vault_ca_certificate_comes_from_a_config_map() -> None:
    platform = platform_of(changed(complete("prod"), "secret_store.ca_config_map", "vault-ca"))
    assert store(platform)["spec"]["provider"]["vault"]["caProvider"] == {
        "type": "ConfigMap",
        "name": "vault-ca",
        "key": "ca.crt",
    }


def test_aws_store_without_a_role_uses_the_operator_identity(aws: Platform) -> None:
    assert store(aws)["spec"] == {
        "provider": {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}
    }
    assert [item.name for item in aws.all("ServiceAccount")] == ["seawall-backup"]
    data = external(aws, "redis-credentials")["spec"]["data"]
    assert {
        "secretKey": "sentinel-password",
        "remoteRef": {"key": "seawall/prod/sentinel-password"},
    } in data


def test_aws_store_with_a_role_uses_an_annotated_service_account() -> None:
    platform = platform_of(changed(complete("prod"), "secret_store", {**AWS, "role_arn": ROLE}))
    assert store(platform)["spec"]["provider"]["aws"]["auth"] == {
        "jwt": {"serviceAccountRef": {"name": "seawall-secrets"}}
    }
    account = platform.one("ServiceAccount", "seawall-secrets").inputs
    assert annotations(account) == {"eks.amazonaws.com/role-arn": ROLE}


def test_secret_store_uses_the_role_and_secrets_that_the_program_creates() -> None:
    values = changed(complete("prod"), "secret_store", AWS)
    values["seawall:aws"] = {
        "region": "eu-west-1",
        "oidc_provider_arn": "arn:aws:iam::000000000000:oidc-provider/issuer.example/id/A",
        "secrets": {"prefix": "seawall/prod/"},
    }
    platform = platform_of(values)
    assert "auth" in store(platform)["spec"]["provider"]["aws"]
    kept = {item.inputs["name"] for item in platform.registrations if item.kind == "Secret"}
    asked = {
        entry["remoteRef"]["key"]
        for item in of_kind(platform, "ExternalSecret")
        for entry in item.inputs["spec"]["data"]
    }
    assert kept == asked, "what the operator reads is what the program makes a place for"


def test_no_aws_resource_is_created_without_the_aws_section(platforms: dict[str, Platform]) -> None:
    for platform in platforms.values():
        assert [item.title for item in platform.registrations if "aws" in item.type] == []
