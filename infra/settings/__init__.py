"""The shape of an environment: every key, its type, its unit and its limits. Frozen.

Reading it is `infra.config`; nothing here knows Pulumi. A key without a default is required.
docs/configuration.md is made of these models.
"""

from infra.settings.aws import Aws
from infra.settings.backup import Backup
from infra.settings.compute import Amount, Resources
from infra.settings.entrance import (
    BundledEntrance,
    Entrance,
    GatewayApi,
    Ingress,
    LoadBalancer,
    NoEntrance,
)
from infra.settings.environment import Environment
from infra.settings.exposure import Exposure, OwnLimit, Proxies, RateLimit, Tls
from infra.settings.front import Front
from infra.settings.gateway import Admission, Gateway, PerPod, Replicas, Shutdown, Timeouts, Tracing
from infra.settings.grammar import Duration, has_digest
from infra.settings.images import Images
from infra.settings.kubernetes import Kubernetes
from infra.settings.monitoring import (
    Alertmanager,
    BundledMonitoring,
    MetricsAdapter,
    Monitoring,
    Operator,
    Outside,
)
from infra.settings.network import Inside, Network
from infra.settings.placement import Apart, Disruption, Spread
from infra.settings.policies import Policies
from infra.settings.redis import Redis
from infra.settings.release import Release
from infra.settings.routing import ApiKey, Model, Provider, Target
from infra.settings.secret_store import AwsSecretsManager, Generated, SecretStore, Vault
from infra.settings.state import State

__all__ = [
    "Admission",
    "Alertmanager",
    "Amount",
    "Apart",
    "ApiKey",
    "Aws",
    "AwsSecretsManager",
    "Backup",
    "BundledEntrance",
    "BundledMonitoring",
    "Disruption",
    "Duration",
    "Entrance",
    "Environment",
    "Exposure",
    "Front",
    "Gateway",
    "GatewayApi",
    "Generated",
    "Images",
    "Ingress",
    "Inside",
    "Kubernetes",
    "LoadBalancer",
    "MetricsAdapter",
    "Model",
    "Monitoring",
    "Network",
    "NoEntrance",
    "Operator",
    "Outside",
    "OwnLimit",
    "PerPod",
    "Policies",
    "Provider",
    "Proxies",
    "RateLimit",
    "Redis",
    "Release",
    "Replicas",
    "Resources",
    "SecretStore",
    "Shutdown",
    "Spread",
    "State",
    "Target",
    "Timeouts",
    "Tls",
    "Tracing",
    "Vault",
    "has_digest",
]
