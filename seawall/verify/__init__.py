"""The kit's own proof that a deployment serves; `pulumi up` alone can succeed on a broken image."""

from seawall.verify.rollout import verify_rollout

__all__ = ["verify_rollout"]
