"""The one schema of what the gateway is configured with.

`infra.config` adds what only the deployment needs, `service.settings` what only the process needs.
A key that the gateway reads is one attribute here.
"""

from contract.gateway_config.api_keys import ApiKey, ApiKeyEntry, ApiKeyFile, Budget, PerUser
from contract.gateway_config.gateway import GatewayConfig
from contract.gateway_config.models import Model, Target
from contract.gateway_config.process import (
    CUT_BEFORE_GRACE,
    Admission,
    Degradation,
    Shutdown,
    Tracing,
)
from contract.gateway_config.providers import Prices, ProviderAccount, ProviderLimits
from contract.gateway_config.timeouts import ModelTimeouts, Timeouts

__all__ = [
    "CUT_BEFORE_GRACE",
    "Admission",
    "ApiKey",
    "ApiKeyEntry",
    "ApiKeyFile",
    "Budget",
    "Degradation",
    "GatewayConfig",
    "Model",
    "ModelTimeouts",
    "PerUser",
    "Prices",
    "ProviderAccount",
    "ProviderLimits",
    "Shutdown",
    "Target",
    "Timeouts",
    "Tracing",
]
