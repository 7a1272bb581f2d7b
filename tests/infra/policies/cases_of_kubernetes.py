"""How each rule about the cluster is violated, and the rule's message."""

from infra.config.policies import Policies
from tests.infra.policies.changes import (
    CONTAINER,
    DEPLOYMENT,
    GATEWAY,
    HOSTS,
    PLAIN,
    REDIS,
    Case,
    add_secret,
    arguments,
    context,
    declare,
    drop,
    image,
    of_pod,
    put,
    unprotect,
    variable,
)
from tests.infra.policies.examples import EMPTY, container

DEBUGGER = container("debugger")
DEBUGGER["securityContext"]["privileged"] = True

CASES: dict[str, tuple[Case, ...]] = {
    "objects-are-declared-one-by-one": (
        *(
            Case(declare(token), f"kubernetes:{token} hides objects from the policies")
            for token in (
                *("helm.sh/v3:Release", "helm.sh/v3:Chart", "helm.sh/v4:Chart"),
                *("yaml:ConfigFile", "yaml/v2:ConfigFile", "yaml/v2:ConfigGroup"),
                *("kustomize:Directory", "kustomize/v2:Directory"),
            )
        ),
        Case(
            declare(
                "argoproj.io/v1alpha1:Rollout",
                spec={"template": {"spec": {"containers": [{"image": "x"}]}}},
            ),
            "creates pods that the policies do not check",
        ),
    ),
    "images-name-a-version": (
        Case(image("gateway"), "has no tag", Policies(digests=False)),
        Case(image("registry.test:5000/gateway"), "has no tag", Policies(digests=False)),
        Case(image("gateway:latest"), "changes over time", Policies(digests=False)),
    ),
    "images-by-digest": (
        Case(image("gateway:1.2"), "container gateway: image 'gateway:1.2' has no digest"),
        Case(
            put(DEPLOYMENT, *GATEWAY, "initContainers", 0, "image", value="prepare:1"),
            "container prepare",
        ),
        Case(image("gateway:1.2@sha256:0123"), "has no digest"),
    ),
    "pods-are-restricted": (
        Case(context("privileged", value=True), "privileged is true"),
        Case(context("allowPrivilegeEscalation", value=None), "allowPrivilegeEscalation"),
        Case(context("readOnlyRootFilesystem", value=False), "readOnlyRootFilesystem"),
        Case(context("capabilities", value={"drop": ["KILL"]}), "lacks ALL"),
        Case(context("capabilities", value={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "SYS_ADMIN"),
        Case(context("runAsNonRoot", value=False), "runAsNonRoot is not true"),
        Case(context("runAsUser", value=0), "runAsUser is 0"),
        Case(context("procMount", value="Unmasked"), "container gateway: procMount is 'Unmasked'"),
        Case(context("seLinuxOptions", value={"type": "spc_t"}), "gateway: seLinuxOptions.type"),
        Case(of_pod("seLinuxOptions", value={"type": "spc_t"}), "pod: seLinuxOptions.type is"),
        Case(of_pod("seLinuxOptions", value={"user": "root"}), "seLinuxOptions.user is 'root'"),
        Case(of_pod("seLinuxOptions", value={"role": "r"}), "seLinuxOptions.role is 'r'"),
        Case(context("appArmorProfile", value={"type": "Unconfined"}), "gateway: appArmorProfile"),
        Case(of_pod("appArmorProfile", value={"type": "Unconfined"}), "pod: appArmorProfile"),
        Case(of_pod("sysctls", value=[{"name": "kernel.msgmax"}]), "sysctl 'kernel.msgmax'"),
        Case(of_pod("windowsOptions", value={"hostProcess": True}), "hostProcess is true"),
        Case(
            put(DEPLOYMENT, *GATEWAY, "ephemeralContainers", value=[DEBUGGER]),
            "container debugger: privileged is true",
        ),
        Case(context("seccompProfile", value={"type": "Unconfined"}), "'Unconfined'"),
        Case(drop(REDIS, *GATEWAY, "securityContext", "seccompProfile"), "seccompProfile.type is"),
    ),
    "pods-stay-off-the-host": (
        Case(put(DEPLOYMENT, *GATEWAY, "hostNetwork", value=True), "hostNetwork is true"),
        Case(put(DEPLOYMENT, *GATEWAY, "hostPID", value=True), "hostPID is true"),
        Case(put(DEPLOYMENT, *GATEWAY, "hostIPC", value=True), "hostIPC is true"),
        Case(
            put(DEPLOYMENT, *GATEWAY, "volumes", 0, value={"name": "v", "hostPath": {}}),
            "volume v: hostPath is not allowed",
        ),
        Case(put(DEPLOYMENT, *CONTAINER, "ports", value=[{"hostPort": 80}]), "hostPort 80"),
    ),
    "namespaces-enforce-restricted-pods": (
        Case(
            put(
                "Namespace home",
                "metadata",
                "labels",
                "pod-security.kubernetes.io/enforce",
                value="baseline",
            ),
            "is 'baseline'; set it to 'restricted'",
        ),
        Case(
            drop(
                "Namespace home", "metadata", "labels", "pod-security.kubernetes.io/enforce-version"
            ),
            "pin it to a version",
        ),
    ),
    "containers-have-requests-and-limits": (
        Case(drop(DEPLOYMENT, *CONTAINER, "resources", "limits", "memory"), "limits.memory"),
        Case(drop(DEPLOYMENT, *CONTAINER, "resources", "requests", "cpu"), "requests.cpu"),
        Case(
            drop(DEPLOYMENT, *GATEWAY, "initContainers", 0, "resources", "limits", "cpu"),
            "container prepare: resources.limits.cpu is missing",
        ),
    ),
    "containers-have-probes": (
        Case(drop(DEPLOYMENT, *CONTAINER, "readinessProbe"), "readinessProbe is missing"),
        Case(drop(DEPLOYMENT, *CONTAINER, "livenessProbe"), "livenessProbe is missing"),
        Case(drop(REDIS, *CONTAINER, "startupProbe"), "redis: startupProbe is missing"),
    ),
    "tokens-only-where-needed": (
        Case(drop(DEPLOYMENT, *GATEWAY, "automountServiceAccountToken"), "service account default"),
        Case(
            put(DEPLOYMENT, *GATEWAY, "automountServiceAccountToken", value=True),
            "has no role in this stack",
        ),
    ),
    "no-plain-secrets": (
        Case(add_secret(stringData={"key": "v"}), "stringData.key is plain", PLAIN),
        Case(add_secret(data={"key": "dg=="}), "data.key is plain", PLAIN),
        Case(put("ConfigMap settings", "data", "api-key", value="v"), "looks like a secret"),
        Case(
            put("ConfigMap settings", "data", "gateway.yaml", value="x: redis://u:p@redis:6379"),
            "holds a URL with a password",
        ),
        Case(variable("REDIS_PASSWORD", "v"), "REDIS_PASSWORD holds a literal"),
        Case(arguments("--password=v"), "gateway: argument password holds a literal"),
        Case(arguments("--api-key", "v"), "argument api-key holds a literal"),
        Case(arguments("sh", "-c", "x --token='v'", key="command"), "argument token holds"),
        Case(arguments("DB_PASSWORD=v serve", key="command"), "argument DB_PASSWORD holds"),
        Case(arguments("redis://u:v@redis:6379"), "an argument holds a URL with a password"),
        Case(variable("REDIS_URL", "redis://:p@redis:6379"), "REDIS_URL holds a URL"),
    ),
    "secrets-come-from-a-store": (Case(add_secret(), "let the secret store's operator"),),
    "replicated-workloads-have-a-disruption-budget": (
        Case(drop("PodDisruptionBudget gateway"), "no PodDisruptionBudget selects its pods"),
        Case(
            put("PodDisruptionBudget redis", "spec", "selector", value={"matchLabels": {"a": "b"}}),
            "no PodDisruptionBudget selects its pods",
        ),
        Case(
            put("PodDisruptionBudget redis", "metadata", "namespace", value="elsewhere"),
            "no PodDisruptionBudget selects its pods",
        ),
    ),
    "disruption-budgets-leave-room-for-a-drain": (
        Case(
            put("PodDisruptionBudget redis", "spec", "maxUnavailable", value=0),
            "allows no eviction",
        ),
        Case(
            put("PodDisruptionBudget redis", "spec", "maxUnavailable", value="0%"),
            "allows no eviction",
        ),
        Case(
            put("PodDisruptionBudget redis", "spec", "minAvailable", value=3),
            "minAvailable 3 allows no eviction of the 3 pods of StatefulSet redis",
        ),
        Case(
            # The autoscaler's minReplicas counts: 51 % of two pods are two.
            put("PodDisruptionBudget gateway", "spec", "minAvailable", value="51%"),
            "allows no eviction of the 2 pods of Deployment gateway",
        ),
    ),
    "pods-are-spread-over-hosts": (
        Case(drop(DEPLOYMENT, *GATEWAY, "topologySpreadConstraints", 0), "are not spread", HOSTS),
        Case(drop(REDIS, *GATEWAY, "topologySpreadConstraints", 0), "may share one", HOSTS),
    ),
    "pods-are-spread-over-zones": (
        Case(drop(DEPLOYMENT, *GATEWAY, "topologySpreadConstraints", 1), "are not spread"),
        Case(
            put(
                REDIS,
                *GATEWAY,
                "topologySpreadConstraints",
                1,
                "whenUnsatisfiable",
                value="ScheduleAnyway",
            ),
            "may share one topology.kubernetes.io/zone",
        ),
        Case(
            put(
                DEPLOYMENT,
                *GATEWAY,
                "topologySpreadConstraints",
                1,
                "labelSelector",
                value={"matchLabels": {"app": "another"}},
            ),
            "are not spread",
        ),
    ),
    "namespaces-deny-traffic-by-default": (
        Case(put("NetworkPolicy deny", "spec", "policyTypes", value=["Ingress"]), "denies Egress"),
        Case(put("NetworkPolicy deny", "spec", "policyTypes", value=["Egress"]), "denies Ingress"),
        Case(put("NetworkPolicy deny", "spec", "ingress", value=[EMPTY]), "denies Ingress"),
        Case(
            put("NetworkPolicy deny", "spec", "policyTypes", value=None),
            "namespace home has no NetworkPolicy that denies Egress",
        ),
    ),
    "stateful-resources-are-protected": (
        unprotect("Namespace home"),
        unprotect(REDIS),
        unprotect("PersistentVolumeClaim spare"),
        unprotect("Bucket backups"),
        unprotect("Secret key"),
        unprotect("Repository gateway"),
        unprotect("ReplicationGroup redis"),
    ),
    "redis-is-backed-up": (
        Case(drop("CronJob backup"), "has no backup job"),
        Case(drop("CronJob backup", "metadata", "labels"), "has no backup job"),
        Case(put("CronJob backup", "spec", "suspend", value=True), "CronJob backup is suspended"),
    ),
}
"""By the rule's name."""
