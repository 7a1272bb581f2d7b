"""The policies: rules for every environment, and rules that each environment switches on or off.

Rules are plain functions over resources. Seawall calls `check` before every update. The folder is
also a Pulumi policy pack, for `pulumi up --policy-pack infra/policies`.
"""

from collections.abc import Sequence

from infra.config.policies import Policies
from infra.policies import (
    at_rest,
    availability,
    buckets,
    containers,
    iam,
    images,
    network,
    no_opaque_resources,
    plain_secrets,
    pod_security,
    state,
    topology_spread,
)
from infra.policies.rule import ResourceRule, Rule, StackRule, Violation, apply
from infra.resources import Resource

__all__ = ["RULES", "ResourceRule", "Rule", "StackRule", "Violation", "check"]

RULES: tuple[Rule, ...] = (
    *no_opaque_resources.RULES,
    *images.RULES,
    *pod_security.RULES,
    *containers.RULES,
    *plain_secrets.RULES,
    *availability.RULES,
    *topology_spread.RULES,
    *network.RULES,
    *state.RULES,
    *buckets.RULES,
    *iam.RULES,
    *at_rest.RULES,
)
"""Every rule, in the order of reports."""


def check(resources: Sequence[Resource], settings: Policies) -> list[Violation]:
    """Every violation of the rules that `settings` switches on; empty when all resources comply.

    Values that a preview does not know yet are not checked.
    """
    return list(apply(RULES, resources, settings))
