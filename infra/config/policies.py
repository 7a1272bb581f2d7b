"""Which of the policies that depend on the environment are on. Everything left out is on."""

from typing import Literal

from infra.config.base import Strict

__all__ = ["Policies"]


class Policies(Strict):
    """Switches of the policy pack; policies without a switch here always hold."""

    digests: bool = True
    """Images are given by digest."""
    external_secrets: bool = True
    """No Kubernetes Secret is declared by the program: values come from a secret store."""
    disruption_budgets: bool = True
    """Every workload with more than one pod has a PodDisruptionBudget."""
    spread: Literal["off", "hosts", "zones"] = "zones"
    """What may be lost without losing all pods of a workload."""
    backup: bool = True
    """Redis has a backup job."""
    protect: bool = True
    """The engine refuses to delete what holds state."""
    customer_keys: bool = True
    """AWS encrypts with a KMS key of ours instead of one that it owns."""
