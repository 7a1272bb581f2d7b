"""Switches of the policies that depend on the environment. A switch that is left out is on."""

from typing import Literal

from contract.values.strict import Strict

__all__ = ["Policies"]


class Policies(Strict):
    """Switches of the policy pack. A policy without a switch here always holds."""

    digests: bool = True
    """Whether the policies require a digest for every image."""
    external_secrets: bool = True
    """Whether the policies forbid Kubernetes Secrets that the program declares, so that values come
    from a secret store."""
    disruption_budgets: bool = True
    """Whether the policies require a PodDisruptionBudget for every workload with more than one
    pod."""
    spread: Literal["off", "hosts", "zones"] = "zones"
    """What must not hold all pods of a workload that has several: no host for `hosts`, no zone for
    `zones`. `off` requires nothing."""
    backup: bool = True
    """Whether the policies require a backup job for Redis."""
    protect: bool = True
    """Whether the policies require that Pulumi's engine refuses to delete what holds state."""
    customer_keys: bool = True
    """Whether the policies require a KMS key of your own for encryption in AWS, instead of a key
    that AWS owns."""
