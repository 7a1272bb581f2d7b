"""How each rule is violated: one change of the example platform, and the rule's message."""

from tests.infra.policies import cases_of_aws, cases_of_kubernetes
from tests.infra.policies.changes import CONTAINER, GATEWAY, STRICT, Case

__all__ = ["CASES", "CONTAINER", "GATEWAY", "STRICT", "Case"]

CASES: dict[str, tuple[Case, ...]] = {**cases_of_kubernetes.CASES, **cases_of_aws.CASES}
"""By the rule's name."""
