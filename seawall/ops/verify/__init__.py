"""Checks that a deployment serves; `pulumi up` alone can succeed with a broken image."""

from seawall.ops.verify.checks import Expected
from seawall.ops.verify.rollout import verify_rollout, what_is_wrong

__all__ = ["Expected", "verify_rollout", "what_is_wrong"]
