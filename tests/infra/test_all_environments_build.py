"""Every environment builds, and its manifests are valid on every supported Kubernetes."""

import re
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest

from infra.config.kubernetes import NEWEST, OLDEST
from infra.parsing import parse
from tests.infra.environments import (
    CHECKOUT,
    ENVIRONMENTS,
    Platform,
    Values,
    changed,
    committed,
    complete,
    platform_of,
    pod_spec,
)

CUSTOM = ("external-secrets.io/",)


def manifests(platform: Platform) -> list[dict[str, Any]]:
    found = [dict(item.inputs) for item in platform.registrations if "apiVersion" in item.inputs]
    assert len(found) >= 20, "the walk over the registrations found too few manifests"
    return found


def problems(platform: Platform, version: str) -> list[str]:
    wrong: list[str] = []
    for manifest in manifests(platform):
        if manifest["apiVersion"].startswith(CUSTOM):
            continue
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong.append(f"{manifest['kind']} {manifest['metadata']['name']}: {error.message}")
    return wrong


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_manifests_are_valid(platforms: dict[str, Platform], env: str, version: str) -> None:
    assert problems(platforms[env], version) == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_manifests_with_every_optional_key_are_valid(version: str) -> None:
    values = changed(complete("prod"), "redis.storage_class", "fast")
    values = changed(values, "redis.replicas", 5)
    values = changed(values, "redis.quorum", 3)
    values = changed(values, "redis.disruption", {"min_available": 3})
    values = changed(values, "gateway.spread", {"hosts": "required", "zones": "preferred"})
    values = changed(values, "network.dns", {"node_local": "169.254.20.10/32"})
    values = changed(values, "network.egress_proxy", {"block": "10.0.0.9/32", "port": 3128})
    assert problems(platform_of(values), version) == []


def test_schema_validation_finds_unknown_fields(platforms: dict[str, Platform]) -> None:
    manifest = dict(platforms["local"].one("Deployment", "gateway").inputs)
    manifest["spec"] = {**manifest["spec"], "replica": 1}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(manifest, NEWEST, strict=True)


@pytest.mark.parametrize(("env", "least", "most"), [("dev", 1, 2), ("staging", 2, 6)])
def test_autoscaler_has_the_replica_range_of_its_environment(
    platforms: dict[str, Platform], env: str, least: int, most: int
) -> None:
    spec = platforms[env].one("HorizontalPodAutoscaler", "gateway").inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (least, most)


def test_production_has_three_to_twenty_pods_over_zones(platforms: dict[str, Platform]) -> None:
    prod = platforms["prod"]
    spec = prod.one("HorizontalPodAutoscaler", "gateway").inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 20)
    for kind, name in (("Deployment", "gateway"), ("StatefulSet", "redis")):
        constraints = pod_spec(prod.one(kind, name))["topologySpreadConstraints"]
        zones = {item["topologyKey"]: item["whenUnsatisfiable"] for item in constraints}
        assert zones["topology.kubernetes.io/zone"] == "DoNotSchedule", name


@pytest.mark.parametrize(
    ("env", "protected"), [("local", False), ("dev", False), ("staging", True), ("prod", True)]
)
def test_stateful_resources_are_protected_in_staging_and_prod(
    platforms: dict[str, Platform], env: str, *, protected: bool
) -> None:
    marked = {item.title for item in platforms[env].registrations if item.protect}
    assert marked == ({"Namespace namespace", "StatefulSet redis"} if protected else set())


def test_volume_claims_are_retained(platforms: dict[str, Platform]) -> None:
    spec = platforms["prod"].one("StatefulSet", "redis").inputs["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }


def test_five_redis_pods_get_all_host_names_and_the_quorum() -> None:
    values = changed(changed(complete("prod"), "redis.replicas", 5), "redis.quorum", 3)
    platform = platform_of(values)
    stateful_set = platform.one("StatefulSet", "redis")
    assert stateful_set.inputs["spec"]["replicas"] == 5
    given = {
        item["name"]: item.get("value") for item in pod_spec(stateful_set)["containers"][0]["env"]
    }
    assert given["SEAWALL_REDIS_HOSTS"].count("redis-4.") == 1
    assert given["SEAWALL_QUORUM"] == "3"
    assert platform.one("Service", "redis-4")


def test_agent_variables_have_the_expected_units(platform: Platform) -> None:
    container = pod_spec(platform.one("StatefulSet", "redis"))["containers"][0]
    given = {item["name"]: item.get("value") for item in container["env"]}
    assert given["SEAWALL_DOWN_AFTER_MS"] == "5000"
    assert given["SEAWALL_FAILOVER_TIMEOUT_MS"] == "15000"
    assert given["SEAWALL_MAX_LAG_S"] == "3"


def test_volume_claims_use_the_configured_storage_class(values: Values) -> None:
    platform = platform_of(changed(values, "redis.storage_class", "fast"))
    (claim,) = platform.one("StatefulSet", "redis").inputs["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"


def test_budgets_and_spreads_follow_the_configuration(values: Values) -> None:
    changed_values = changed(values, "gateway.disruption", {"min_available": 1})
    changed_values = changed(changed_values, "gateway.spread", {"hosts": "off"})
    changed_values = changed(changed_values, "redis.spread", {"hosts": "required"})
    platform = platform_of(changed_values)
    budget = platform.one("PodDisruptionBudget", "gateway").inputs["spec"]
    assert budget["minAvailable"] == 1
    assert "maxUnavailable" not in budget
    assert "topologySpreadConstraints" not in pod_spec(platform.one("Deployment", "gateway"))
    apart = pod_spec(platform.one("StatefulSet", "redis"))["affinity"]["podAntiAffinity"]
    assert set(apart) == {"requiredDuringSchedulingIgnoredDuringExecution"}


def test_kubernetes_context_is_passed_to_the_provider(values: Values) -> None:
    platform = platform_of(changed(values, "kubernetes.context", "team"))
    assert platform.one("kubernetes", "cluster").inputs["context"] == "team"


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_committed_files_contain_no_team_specific_values(env: str) -> None:
    values = committed(env)
    assert "seawall:images" not in values
    assert "seawall:secrets" not in values
    assert not values.get("seawall:state"), "where the state is kept is the team's"
    assert not {"bucket", "image"} & set(values.get("seawall:backup", {}))
    text = (CHECKOUT / f"Pulumi.{env}.yaml").read_text(encoding="utf-8")
    assert re.findall(r"sha256:[0-9a-f]{8,}|\b[0-9]{12}\b|arn:aws|s3://[a-z0-9]", text) == []


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_team_files_document_how_to_set_missing_values(env: str) -> None:
    text = (CHECKOUT / f"Pulumi.{env}.yaml").read_text(encoding="utf-8")
    said = set(re.findall(r"--path 'seawall:([a-z._]+)'", text))
    backup = {"backup.bucket", "backup.image"} if "seawall:backup" in committed(env) else set[str]()
    state = {"state.backend", "state.secrets_provider"}
    assert said == {"images.gateway", "images.redis", *state, *backup}


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_team_environments_use_vault_and_an_existing_cluster(env: str) -> None:
    environment = parse(complete(env))
    assert environment.secret_store.kind == "vault"
    assert environment.kubernetes.cluster == "existing"
