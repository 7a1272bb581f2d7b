"""The kit's own proof that a deployment serves; `pulumi up` alone can succeed on a broken image."""

from seawall.verify.judge import Expected
from seawall.verify.rollout import verify_rollout, what_is_wrong

__all__ = ["Expected", "verify_rollout", "what_is_wrong"]
