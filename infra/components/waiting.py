"""How long the engine waits for a rollout before it calls the update failed.

The official provider waits ten minutes by default; its annotation pulumi.com/timeoutSeconds says
otherwise. Nobody notices a broken release meanwhile, since old pods keep serving; but whoever
deploys should know within three minutes. The stand-in does not wait: the kit itself does.
"""

__all__ = ["PROGRESS_SECONDS", "ROLLOUT_ANNOTATIONS"]

_ROLLOUT_SECONDS = 150
PROGRESS_SECONDS = 120
"""After so long without progress the Deployment says itself that it failed."""
ROLLOUT_ANNOTATIONS = {"pulumi.com/timeoutSeconds": str(_ROLLOUT_SECONDS)}
"""For Deployments and StatefulSets."""
