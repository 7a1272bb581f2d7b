"""The models of an environment's configuration: every key, its type, unit and limits. Frozen.

`infra.parsing` reads the configuration; these models do not depend on Pulumi. A key without a
default is required. docs/reference/configuration.md is generated from these models.
"""

from contract.gateway_config import ApiKey, Model, Target
from infra.config.aws import Aws
from infra.config.backup import Backup
from infra.config.compute import Amount, Resources
from infra.config.edge import (
    BundledEdge,
    Edge,
    GatewayApi,
    Ingress,
    LoadBalancer,
    NoEdge,
)
from infra.config.environment import Environment
from infra.config.exposure import Exposure, OwnLimit, Proxies, RateLimit, Tls
from infra.config.gateway import Gateway, PerPod, Provider, Replicas, Shutdown, Tracing
from infra.config.images import Images
from infra.config.kubernetes import Kubernetes
from infra.config.monitoring import (
    Alertmanager,
    BlackboxProbe,
    BundledMonitoring,
    MetricsAdapter,
    Monitoring,
    Operator,
)
from infra.config.network import Inside, Network
from infra.config.placement import Apart, Disruption, Spread
from infra.config.policies import Policies
from infra.config.probe_target import Front
from infra.config.redis import Redis
from infra.config.release import Release
from infra.config.scalars import Duration, has_digest
from infra.config.secret_store import AwsSecretsManager, Generated, SecretStore, Vault
from infra.config.state import State

__all__ = [
    "Alertmanager",
    "Amount",
    "Apart",
    "ApiKey",
    "Aws",
    "AwsSecretsManager",
    "Backup",
    "BlackboxProbe",
    "BundledEdge",
    "BundledMonitoring",
    "Disruption",
    "Duration",
    "Edge",
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
    "NoEdge",
    "Operator",
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
    "Tls",
    "Tracing",
    "Vault",
    "has_digest",
]
