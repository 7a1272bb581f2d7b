"""The CronJob that backs up Redis, its network access, and its refused settings."""

from typing import Any

import pytest

from contract import labels, ports
from infra.components.redis.backup import SERVICE_ACCOUNT
from infra.parsing import ConfigError, parse
from infra.policies import check
from infra.policies.state import BACKUP_COMPONENT
from infra.secret_names import every_secret
from tests.infra.aws_programs import ACCOUNT
from tests.infra.environments import Platform, Values, annotations, changed, complete, platform_of
from tests.infra.reachability import Destination, Place, reaches

HOME = {"kubernetes.io/metadata.name": "seawall"}
STORAGE = Place("203.0.113.9")
PRIVATE_STORAGE = Place("10.9.0.5")
METADATA = Place("169.254.169.254")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/copies"


def with_backup(**settings: object) -> Values:
    values = complete("prod")
    for name, value in settings.items():
        values = changed(values, f"backup.{name}", value)
    return values


def job(platform: Platform) -> dict[str, Any]:
    return dict(platform.one("CronJob", "backup").inputs["spec"])


def pod(platform: Platform) -> dict[str, Any]:
    return dict(job(platform)["jobTemplate"]["spec"]["template"]["spec"])


def variables(platform: Platform) -> dict[str, str]:
    (container,) = pod(platform)["containers"]
    return {item["name"]: item.get("value", "") for item in container["env"]}


def reached(values: Values) -> set[str]:
    """The destinations that a pod of the job reaches."""
    platform = platform_of(values)
    policies = [item.inputs for item in platform.all("NetworkPolicy")]
    template = job(platform)["jobTemplate"]["spec"]["template"]
    source = Place("10.1.0.4", "seawall", template["metadata"]["labels"], HOME)
    places = {
        name: Place(address, "seawall", resource["metadata"]["labels"], HOME)
        for name, address, resource in (
            ("redis", "10.1.0.2", platform.one("StatefulSet", "redis").inputs["spec"]["template"]),
            (
                "gateway",
                "10.1.0.1",
                platform.one("Deployment", "gateway").inputs["spec"]["template"],
            ),
        )
    }
    resolver = Place("10.1.9.4", "kube-system", {}, {"kubernetes.io/metadata.name": "kube-system"})
    targets = {
        "redis": Destination(places["redis"], ports.REDIS),
        "sentinel": Destination(places["redis"], ports.SENTINEL),
        "gateway": Destination(places["gateway"], ports.GATEWAY_HTTP),
        "dns": Destination(resolver, 53, "UDP"),
        **{f"storage:{port}": Destination(STORAGE, port) for port in (80, 443, 9000)},
        **{f"private:{port}": Destination(PRIVATE_STORAGE, port) for port in (443, 9000)},
        "metadata": Destination(METADATA, 443),
    }
    return {name for name, to in targets.items() if reaches(policies, source, to)}


@pytest.mark.parametrize("env", ["local", "dev", "staging", "prod"])
def test_environments_with_the_backup_job_violate_no_policy(
    platforms: dict[str, Platform], env: str
) -> None:
    found = check(platforms[env].registrations, parse(complete(env)).policies)
    assert [str(violation) for violation in found] == []


@pytest.mark.parametrize("env", ["local", "dev"])
def test_no_backup_job_is_created_without_its_section(
    platforms: dict[str, Platform], env: str
) -> None:
    assert platforms[env].all("CronJob") == []
    assert "backup" not in {item.name for item in platforms[env].all("NetworkPolicy")}


def test_backup_runs_never_overlap_and_have_a_deadline(platforms: dict[str, Platform]) -> None:
    spec = job(platforms["prod"])
    assert (spec["schedule"], spec["timeZone"]) == ("0 */6 * * *", "Etc/UTC")
    assert spec["concurrencyPolicy"] == "Forbid"
    # The controller checks every ten seconds: a shorter deadline could miss a run.
    assert spec["startingDeadlineSeconds"] > 10
    assert spec["successfulJobsHistoryLimit"] == spec["failedJobsHistoryLimit"] == 3
    run = spec["jobTemplate"]["spec"]
    assert (run["activeDeadlineSeconds"], run["backoffLimit"]) == (1800, 2)
    assert run["template"]["spec"]["restartPolicy"] == "Never"


def test_backup_job_has_the_label_that_the_policy_requires(
    platforms: dict[str, Platform],
) -> None:
    metadata = platforms["prod"].one("CronJob", "backup").inputs["metadata"]
    assert metadata["labels"][labels.COMPONENT] == BACKUP_COMPONENT


def test_backup_pod_can_write_only_to_its_scratch_volume(platforms: dict[str, Platform]) -> None:
    spec = pod(platforms["prod"])
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {item["name"] for item in container["volumeMounts"] if not item.get("readOnly")}
    assert writable == {"scratch"}
    (scratch,) = [item for item in spec["volumes"] if item["name"] == "scratch"]
    assert scratch["emptyDir"] == {"sizeLimit": "4Gi"}
    assert container["command"] == ["python3", "-m", "agents", "backup"]


def test_backup_settings_become_the_variables_the_agent_reads() -> None:
    set_ = {"endpoint": "https://s3.example:9000", "region": "eu-west-1", "deadline": "10m"}
    told = variables(platform_of(with_backup(**set_)))
    hosts = [f"redis-{index}.seawall.svc.cluster.local" for index in range(3)]
    assert told == {
        "SEAWALL_POD_NAME": "",
        "SEAWALL_REDIS_HOSTS": ",".join(hosts),
        "SEAWALL_MASTER_NAME": "seawall",
        "SEAWALL_BACKUP_BUCKET": "example-backups",
        "SEAWALL_BACKUP_PREFIX": "seawall/prod",
        "SEAWALL_BACKUP_KEEP_S": str(30 * 86400),
        "SEAWALL_BACKUP_ENDPOINT": "https://s3.example:9000",
        "SEAWALL_BACKUP_REGION": "eu-west-1",
        "SEAWALL_BACKUP_LOGIN": "role",
        "SEAWALL_BACKUP_SCRATCH": "/scratch",
        "SEAWALL_BACKUP_DUMP_TIMEOUT_S": "300",
    }


def test_no_retention_variable_is_set_when_the_bucket_removes_copies() -> None:
    told = variables(platform_of(with_backup(removal="bucket")))
    assert "SEAWALL_BACKUP_KEEP_S" not in told


def test_configured_backup_image_is_used() -> None:
    image = f"registry.example/seawall/ops@sha256:{'c' * 64}"
    (container,) = pod(platform_of(with_backup(image=image)))["containers"]
    assert container["image"] == image


def files(values: Values) -> set[str]:
    """The file names in the Secret that the pod mounts."""
    (made,) = [
        item
        for item in platform_of(values).all("ExternalSecret")
        if item.name == "backup-credentials"
    ]
    return {item["secretKey"] for item in made.inputs["spec"]["data"]}


def test_backup_pod_mounts_only_read_credentials() -> None:
    few = {"redis-exporter-password", "redis-replica-password", "sentinel-password"}
    assert files(with_backup()) == few
    keys = {"backup-access-key", "backup-secret-key"}
    assert files(with_backup(credentials="secret")) == few | keys


@pytest.mark.parametrize(("credentials", "there"), [("role", False), ("secret", True)])
def test_storage_keys_are_required_only_without_a_role(credentials: str, *, there: bool) -> None:
    names = every_secret(parse(with_backup(credentials=credentials)))
    assert ({"backup-access-key", "backup-secret-key"} <= set(names)) is there


def test_backup_pod_uses_a_service_account_with_the_role_annotation() -> None:
    platform = platform_of(with_backup(role_arn=ROLE))
    account = platform.one("ServiceAccount", SERVICE_ACCOUNT).inputs
    assert annotations(account) == {"eks.amazonaws.com/role-arn": ROLE}
    assert account["automountServiceAccountToken"] is False
    spec = pod(platform)
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == (
        "seawall-backup",
        False,
    )


def test_backup_service_account_has_no_role_annotation_without_a_role(
    platforms: dict[str, Platform],
) -> None:
    account = platforms["prod"].one("ServiceAccount", SERVICE_ACCOUNT).inputs
    assert annotations(account) == {}


def test_backup_uses_the_role_that_the_program_creates() -> None:
    aws = {
        "region": "eu-west-1",
        "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example/id",
        "backup_bucket": {"name": "example-backups", "prefix": "seawall/prod", "days": 30},
    }
    platform = platform_of(changed(with_backup(removal="bucket"), "aws", aws))
    account = platform.one("ServiceAccount", SERVICE_ACCOUNT).inputs
    assert set(annotations(account)) == {"eks.amazonaws.com/role-arn"}


INSIDE = {"redis", "sentinel", "dns"}


def test_backup_pod_reaches_only_redis_dns_and_public_storage() -> None:
    assert reached(with_backup()) == {*INSIDE, "storage:443"}


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("https://s3.example", "storage:443"),
        ("http://s3.example", "storage:80"),
        ("https://s3.example:9000", "storage:9000"),
    ],
)
def test_backup_pod_reaches_the_port_of_its_endpoint(endpoint: str, port: str) -> None:
    assert reached(with_backup(endpoint=endpoint)) == {*INSIDE, port}


def test_backup_pod_reaches_private_storage_by_its_block() -> None:
    settings = {"endpoint": "https://s3.internal:9000", "block": "10.9.0.0/24"}
    assert reached(with_backup(**settings)) == {*INSIDE, "private:9000"}


def test_backup_pod_leaves_the_cluster_only_through_the_egress_proxy() -> None:
    proxy = {"block": "10.9.0.5/32", "port": 443}
    assert reached(changed(with_backup(), "network.egress_proxy", proxy)) == {
        *INSIDE,
        "private:443",
    }


def test_redis_ingress_without_the_job_allows_only_gateway_and_redis(
    platforms: dict[str, Platform],
) -> None:
    (redis,) = [item for item in platforms["dev"].all("NetworkPolicy") if item.name == "redis"]
    peers = [peer for rule in redis.inputs["spec"]["ingress"] for peer in rule["from"]]
    assert len(peers) == 2, "the gateway and Redis itself"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("credentials", "password", "credentials"),
        ("removal", "nobody", "removal"),
        ("scratch", "much", "scratch"),
        ("block", "10.0.0.1", "block"),
        ("deadline", "30s", "from 1m to 1d"),
        ("deadline", "90500ms", "whole seconds"),
        ("role_arn", "admin", "role_arn"),
        ("resources", {"requests": {"cpu": "1", "memory": "1Gi"}}, "limits"),
    ],
)
def test_invalid_backup_setting_is_refused(key: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(with_backup(**{key: value}))
