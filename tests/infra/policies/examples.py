"""A small platform that violates no rule; each test breaks it in one place."""

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from infra.resources import Resource

DIGEST = "@sha256:" + "0123456789abcdef" * 4
ACCOUNT = "arn:aws:iam::123456789012"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/made-up"
BUCKET = "arn:aws:s3:::backups"
ISSUER = "oidc.example.test/id/MADEUP"

Values = dict[str, Any]
EMPTY: Values = {}


class Stack:
    """Resources by title, changed in place."""

    def __init__(self) -> None:
        self._resources = {item.title: copy.deepcopy(item) for item in _platform()}

    @property
    def resources(self) -> list[Resource]:
        return list(self._resources.values())

    def put(self, title: str, *path: str | int, value: object) -> None:
        """Set the value at `path` of the resource."""
        *steps, last = path
        place: Any = self._resources[title].inputs
        for step in steps:
            place = place[step]
        place[last] = value

    def drop(self, title: str, *path: str | int) -> None:
        """Remove the value at `path`, or the whole resource without a path."""
        if not path:
            del self._resources[title]
            return
        *steps, last = path
        place: Any = self._resources[title].inputs
        for step in steps:
            place = place[step]
        del place[last]

    def add(self, resource: Resource) -> None:
        assert resource.title not in self._resources
        self._resources[resource.title] = resource

    def unprotect(self, title: str) -> None:
        self._resources[title] = replace(self._resources[title], protect=False)

    def statement(self, title: str, document: str, **changes: object) -> None:
        """Change keys of the first statement of a document."""
        inputs = cast("Values", self._resources[title].inputs)
        parsed = json.loads(inputs[document])
        parsed["Statement"][0].update(changes)
        inputs[document] = json.dumps(parsed)


def kubernetes(token: str, name: str, *, protect: bool = False, **inputs: Any) -> Resource:  # noqa: ANN401 - JSON
    """An object in the namespace of the examples."""
    metadata = {"name": name, "namespace": "home", **inputs.pop("metadata", {})}
    values = {"metadata": metadata, **inputs}
    return Resource(f"kubernetes:{token}", name, values, protect=protect)


def aws(token: str, name: str, *, protect: bool = False, **inputs: Any) -> Resource:  # noqa: ANN401 - JSON
    module, kind = token.split("/")
    return Resource(
        f"aws:{module}/{kind[0].lower()}{kind[1:]}:{kind}", name, inputs, protect=protect
    )


def container(name: str) -> Values:
    amounts = {"cpu": "1", "memory": "1Gi"}
    return {
        "name": name,
        "image": f"registry.test:5000/{name}:1.2{DIGEST}",
        "resources": {"requests": dict(amounts), "limits": dict(amounts)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "env": [{"name": "MAX_TOKENS", "value": "4096"}, {"name": "KEY_FILE", "value": "/k"}],
    }


def served(name: str) -> Values:
    probe = {"httpGet": {"path": "/", "port": 80}}
    return {**container(name), "readinessProbe": dict(probe), "livenessProbe": dict(probe)}


def template(name: str, *containers: Values, **spec: Any) -> Values:  # noqa: ANN401 - JSON
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "containers": list(containers),
            "securityContext": security,
            "volumes": [{"name": "tmp", "emptyDir": EMPTY}],
            **spec,
        },
    }


def selector(name: str) -> Values:
    return {"matchLabels": {"app": name}}


def spread(name: str, when: str) -> list[Values]:
    return [
        {"topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector(name)}
        for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]


def budget(name: str) -> Resource:
    spec = {"maxUnavailable": 1, "selector": selector(name)}
    return kubernetes("policy/v1:PodDisruptionBudget", name, spec=spec)


def policy(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "One", **statement}]})


def _platform() -> list[Resource]:
    return [*_cluster(), *_buckets(), *_rights(), *_services()]


def _cluster() -> list[Resource]:
    marks = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "v1.35",
    }
    deny = {"podSelector": EMPTY, "policyTypes": ["Ingress", "Egress"]}
    data = {**served("redis"), "startupProbe": {"exec": EMPTY}, "volumeMounts": [{"name": "data"}]}
    gateway = template(
        "gateway",
        served("gateway"),
        initContainers=[container("prepare")],
        topologySpreadConstraints=spread("gateway", "ScheduleAnyway"),
    )
    redis = template("redis", data, topologySpreadConstraints=spread("redis", "DoNotSchedule"))
    scaled = {"kind": "Deployment", "name": "gateway"}
    return [
        kubernetes("core/v1:Namespace", "home", protect=True, metadata={"labels": marks}),
        kubernetes("networking.k8s.io/v1:NetworkPolicy", "deny", spec=deny),
        kubernetes("core/v1:ConfigMap", "settings", data={"gateway.yaml": "redis://redis:6379"}),
        kubernetes("apps/v1:Deployment", "gateway", spec={"template": gateway}),
        kubernetes(
            "autoscaling/v2:HorizontalPodAutoscaler",
            "gateway",
            spec={"minReplicas": 2, "maxReplicas": 6, "scaleTargetRef": scaled},
        ),
        budget("gateway"),
        kubernetes(
            "apps/v1:StatefulSet",
            "redis",
            protect=True,
            metadata={"labels": {"app.kubernetes.io/name": "redis"}},
            spec={
                "replicas": 3,
                "template": redis,
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
            },
        ),
        budget("redis"),
        kubernetes(
            "batch/v1:CronJob",
            "backup",
            metadata={"labels": {"app.kubernetes.io/component": "backup"}},
            spec={"jobTemplate": {"spec": {"template": template("backup", container("backup"))}}},
        ),
        kubernetes("core/v1:PersistentVolumeClaim", "spare", protect=True),
    ]


def _buckets() -> list[Resource]:
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    expiry = {
        "status": "Enabled",
        "noncurrentVersionExpiration": {"noncurrentDays": 7},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
    }
    no_plain = policy(
        Effect="Deny",
        Principal={"AWS": "*"},
        Action="s3:*",
        Resource=[BUCKET, f"{BUCKET}/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    four = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    companions: dict[str, Mapping[str, Any]] = {
        "BucketPublicAccessBlock": dict.fromkeys(four, True),
        "BucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        "BucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
        "BucketLifecycleConfiguration": {"rules": [expiry]},
        "BucketPolicy": {"policy": no_plain},
        "BucketServerSideEncryptionConfiguration": {
            "rules": [{"applyServerSideEncryptionByDefault": default}]
        },
    }
    return [
        aws("s3/Bucket", "backups", protect=True, bucket="backups"),
        *(aws(f"s3/{kind}", "backups", bucket="backups", **v) for kind, v in companions.items()),
    ]


def _rights() -> list[Resource]:
    trust = policy(
        Effect="Allow",
        Principal={"Federated": f"{ACCOUNT}:oidc-provider/{ISSUER}"},
        Action="sts:AssumeRoleWithWebIdentity",
        Condition={
            "StringEquals": {
                f"{ISSUER}:aud": "sts.amazonaws.com",
                f"{ISSUER}:sub": "system:serviceaccount:home:backup",
            }
        },
    )
    rights = policy(Effect="Allow", Action=["s3:PutObject"], Resource=f"{BUCKET}/redis/*")
    return [
        aws("iam/Role", "backup", assumeRolePolicy=trust),
        aws("iam/RolePolicy", "backup", policy=rights),
        aws("iam/RolePolicyAttachment", "own", policyArn=f"{ACCOUNT}:policy/own"),
    ]


def _services() -> list[Resource]:
    return [
        aws(
            "ecr/Repository",
            "gateway",
            protect=True,
            encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": KEY}],
            imageScanningConfiguration={"scanOnPush": True},
            imageTagMutability="IMMUTABLE",
        ),
        aws("secretsmanager/Secret", "key", protect=True, kmsKeyId=KEY, recoveryWindowInDays=30),
        aws(
            "elasticache/ReplicationGroup",
            "redis",
            protect=True,
            atRestEncryptionEnabled=True,
            transitEncryptionEnabled=True,
            kmsKeyId=KEY,
        ),
        aws("ec2/SecurityGroup", "redis", ingress=[{"cidrBlocks": ["10.0.0.0/8"]}]),
        aws("vpc/SecurityGroupIngressRule", "redis", cidrIpv4="10.0.0.0/16"),
    ]
